/** The reading room's page, as its templates have it. */

import { readFileSync } from "node:fs";

const read = (name) =>
  readFileSync(`../templates/${name}`, "utf8").replace(/\{% include "(.*?)"[^%]*%\}/g, (_, other) => read(other));
const TEMPLATE = read("reading/room.html");
const BODY = TEMPLATE.slice(TEMPLATE.indexOf("<main"), TEMPLATE.indexOf("</body>")).replace(/\{[{%].*?[%}]\}/gs, "");

export function openPage() {
  document.body.innerHTML = BODY;
}

/** A key as the browser sends it; returns whether its default was prevented. */
export function press(key, more = {}, target = document.body) {
  const code = /^[0-9]$/.test(key) ? `Digit${key}` : "";
  const event = new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true, ...more });
  target.dispatchEvent(event);
  return event.defaultPrevented;
}
