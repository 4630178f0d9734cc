/** Runs before the room's script: asks for the first frames that it will want. */

import { begin, isUntaken } from "./room/begun.js";
import { byId } from "./shared/dom.js";

/** How many the line has time for, after the middle one, while the room's script is evaluated. */
const SOON = 8;

const { base, reader, first } = JSON.parse(byId("config").textContent);
if (first?.geometry) {
  /** @type {string[]} */
  const [middle, ...others] = first.order.map((/** @type {number} */ number) => `${base}${first.token}/frames/${number}/`);
  // After it, or the first images would wait for the others; and not once the room is there, which asks for them itself.
  begin(middle, reader).then(() => isUntaken(middle) && others.slice(0, SOON).forEach((path) => begin(path, reader)), () => {});
}
