/** The page that imports a sheet: keeps its place through each step, arrows go along columns, says when nothing came,
 * saves the map. */

import { around, byId, el } from "../shared/dom.js";

const CELLS = "sheet-cells";
/** @type {Record<string, number>} */
const KEYS = { ArrowRight: 1, ArrowLeft: -1 };
const BUTTONS = ["column", "row", "ask", "forget", "each", "compare", "drop", "analyse"];
let left = 0;
let top = 0;

/** @param {boolean} hidden */
function show(hidden) {
  byId("not-sent", HTMLElement).hidden = hidden;
}

/** Something was chosen or typed: htmx sends the button that has the focus, or had it last, as if it had been pressed. */
document.addEventListener("htmx:configRequest", (event) => {
  const { triggeringEvent, parameters } = /** @type {CustomEvent} */ (event).detail;
  if (triggeringEvent?.type === "change") for (const name of BUTTONS) delete parameters[name];
});

document.addEventListener("htmx:beforeSwap", () => {
  const cells = document.getElementById(CELLS);
  [left, top] = cells ? [cells.scrollLeft, cells.scrollTop] : [0, 0];
  show(true);
});
document.addEventListener("htmx:afterSwap", () => document.getElementById(CELLS)?.scrollTo(left, top));
for (const failure of ["htmx:sendError", "htmx:responseError"]) document.addEventListener(failure, () => show(false));

document.addEventListener("keydown", (event) => {
  const step = KEYS[event.key];
  const button = step && around(event, "button[name=column]");
  if (!button) return;
  const next = document.getElementById(`column-${Number(button.id.split("-")[1]) + step}`);
  if (!next) return;
  event.preventDefault();
  next.focus();
});

document.addEventListener("click", (event) => {
  if (!around(event, "#save-map")) return;
  const map = new Blob([byId("map-text", HTMLTextAreaElement).value], { type: "application/yaml" });
  const link = el("a", { href: URL.createObjectURL(map), download: "map.yaml" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
});
