/** A map of anomalies over its image: toggle, opacity, slices, and the worst places one after the other. */

import { around, find } from "../shared/dom.js";
import { follow, lookAhead, move } from "../shared/slider.js";

const BOXES = "[data-anomalies]";
const STEP = 10; // percent of opacity by key

follow(BOXES, lookAhead);

/** @returns {HTMLElement|null} the box, once a map is there */
function box() {
  const found = document.querySelector(BOXES);
  return found instanceof HTMLElement && found.querySelector("#layer") ? found : null;
}

/** @param {HTMLElement} of */
function paint(of) {
  const shown = find(of, "#layer", HTMLInputElement).checked;
  const opacity = Number(find(of, "#opacity", HTMLInputElement).value) / 100;
  find(of, "[data-overlaid]").style.setProperty("--opacity", String(shown ? opacity : 0));
}

/** @param {number} slice */
async function jump(slice) {
  const of = document.querySelector(BOXES);
  if (!(of instanceof HTMLElement)) return;
  const range = find(of, "#slice", HTMLInputElement);
  await move(of, slice - Number(range.value));
  for (const link of document.querySelectorAll("[data-place]")) {
    if (link instanceof HTMLElement && Number(link.dataset.place) === slice) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

/** @param {number} step */
function next(step) {
  const places = [...document.querySelectorAll("[data-place]")].map((link) => (link instanceof HTMLElement ? Number(link.dataset.place) : 0));
  const at = [...document.querySelectorAll("[data-place]")].findIndex((link) => link.hasAttribute("aria-current"));
  const to = at < 0 ? (step > 0 ? 0 : places.length - 1) : (at + step + places.length) % places.length;
  if (places.length) jump(places[to]);
}

document.addEventListener("input", (event) => {
  const of = around(event, BOXES);
  if (of && event.target instanceof Element && event.target.matches("#layer, #opacity")) paint(of);
});

document.addEventListener("click", (event) => {
  const link = around(event, "[data-place]");
  if (!link) return;
  event.preventDefault();
  jump(Number(link.dataset.place));
});

document.addEventListener("keydown", (event) => {
  const of = box();
  if (!of || event.ctrlKey || event.altKey || event.metaKey) return;
  const layer = find(of, "#layer", HTMLInputElement);
  const opacity = find(of, "#opacity", HTMLInputElement);
  const key = event.key.toLowerCase();
  if (key === "m") layer.checked = !layer.checked;
  else if (key === "[") opacity.value = String(Math.max(Number(opacity.value) - STEP, 0));
  else if (key === "]") opacity.value = String(Math.min(Number(opacity.value) + STEP, 100));
  else if (key === "n" || key === "p") next(key === "n" ? 1 : -1);
  else return;
  event.preventDefault();
  paint(of);
});
