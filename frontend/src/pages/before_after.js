/** Before and after: a divider between two stacked pictures, and a slider of slices that moves all pictures together. */

import { around, find } from "../shared/dom.js";
import { follow, move } from "../shared/slider.js";

const BOXES = "[data-before-after]";

/**
 * @param {HTMLElement} box
 * @param {number|string} share percent from the left
 */
function divide(box, share) {
  const divider = find(box, "[data-divider]", HTMLInputElement);
  divider.value = String(share);
  find(box, "[data-divided]").style.setProperty("--at", `${divider.value}%`);
}

follow(BOXES);

document.addEventListener("input", (event) => {
  const box = around(event, BOXES);
  if (box && event.target instanceof HTMLInputElement && event.target.matches("[data-divider]")) divide(box, event.target.value);
});

document.addEventListener("keydown", (event) => {
  const steps = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  const box = around(event, BOXES);
  if (!box || !steps || !around(event, "[data-divider]")) return;
  event.preventDefault();
  move(box, steps);
});

/** @param {PointerEvent} event */
function drag(event) {
  const pictures = around(event, "[data-divided]");
  const box = around(event, BOXES);
  if (!pictures || !box || !(event.buttons & 1)) return;
  const frame = pictures.getBoundingClientRect();
  divide(box, Math.round((100 * (event.clientX - frame.left)) / frame.width));
}

document.addEventListener("pointerdown", (event) => {
  around(event, "[data-divided]")?.setPointerCapture(event.pointerId);
  drag(event);
});
document.addEventListener("pointermove", drag);
