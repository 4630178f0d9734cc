/**
 * The slider of a box with pictures of slices: `#slice`, its output, and images whose addresses name the slice. The
 * page's own address, hidden fields and links that keep the slice follow.
 */

import { around, find } from "./dom.js";

/** Boxes whose next pictures are under way. */
const busy = new WeakSet();

/** @param {HTMLElement} box */
function rangeOf(box) {
  return find(box, "#slice", HTMLInputElement);
}

/**
 * @param {string} address
 * @param {number|string} slice
 */
function withSlice(address, slice) {
  const url = new URL(address);
  url.searchParams.set("slice", String(slice));
  return url.href;
}

/** @param {string} address */
function image(address) {
  return Object.assign(new Image(), { src: address });
}

/**
 * All pictures change at once, to the newest wish; the old ones stay until the new ones can be painted.
 * @param {HTMLElement} box
 */
async function show(box) {
  if (busy.has(box)) return;
  busy.add(box);
  const range = rangeOf(box);
  const pictures = [...box.querySelectorAll("img")];
  while (pictures.some((picture) => picture.dataset.slice !== range.value)) {
    const slice = range.value;
    const next = pictures.map((picture) => image(withSlice(picture.src, slice)));
    const loaded = await Promise.allSettled(next.map((picture) => picture.decode()));
    pictures.forEach((picture, at) => {
      // Where one could not be had, the server has said why; the slider goes on.
      if (loaded[at].status === "fulfilled") picture.src = next[at].src;
      picture.alt = picture.alt.replace(/slice \d+$/, `slice ${slice}`);
      picture.dataset.slice = slice;
    });
  }
  busy.delete(box);
}

/**
 * Fetches the pictures before and after the ones that are shown.
 * @param {HTMLElement} box
 */
export function lookAhead(box) {
  const { value, min, max } = rangeOf(box);
  for (const near of [Number(value) + 1, Number(value) - 1]) {
    if (near < Number(min) || near > Number(max)) continue;
    for (const picture of box.querySelectorAll("img")) image(withSlice(picture.src, near));
  }
}

/**
 * Moves the slider by some slices and shows where it stands then.
 * @param {HTMLElement} box
 * @param {number} [steps]
 */
export async function move(box, steps = 0) {
  const range = rangeOf(box);
  if (steps) range.value = String(Number(range.value) + steps);
  const slice = range.value;
  find(box, "output").textContent = slice;
  history.replaceState(null, "", withSlice(location.href, slice));
  for (const field of document.querySelectorAll("input[type=hidden][name=slice]")) field.setAttribute("value", slice);
  for (const link of box.querySelectorAll("a[data-keep-slice]")) {
    if (link instanceof HTMLAnchorElement) link.href = withSlice(link.href, slice);
  }
  await show(box);
}

/**
 * Follows slider and wheel in every box that a selector finds, now or later.
 * @param {string} boxes
 * @param {(box: HTMLElement) => void} [shown] called when the newest wish is on screen
 */
export function follow(boxes, shown = () => {}) {
  /** @param {Event} event @param {string} part @param {number} [steps] */
  const moved = async (event, part, steps) => {
    const box = around(event, boxes);
    if (!box || !(event.target instanceof Element) || !event.target.matches(part)) return;
    if (steps !== undefined) event.preventDefault();
    await move(box, steps);
    shown(box);
  };
  document.addEventListener("input", (event) => moved(event, "#slice"));
  document.addEventListener("wheel", (event) => moved(event, "img", Math.sign(event.deltaY)), { passive: false });
}
