/** A click on an image of the figure is the point that the zoom shows and the arrow marks. */

import { around, find } from "../shared/dom.js";

document.addEventListener("click", (event) => {
  const image = around(event, "#figure img[data-boxes]");
  if (!(image instanceof HTMLImageElement)) return;
  const frame = image.getBoundingClientRect();
  const scale = Math.min(frame.width / image.naturalWidth, frame.height / image.naturalHeight);
  const width = image.naturalWidth * scale, height = image.naturalHeight * scale;
  const across = (event.clientX - frame.left - (frame.width - width) / 2) / width;
  const down = (event.clientY - frame.top - (frame.height - height) / 2) / height;
  const { crop = "", boxes = "" } = image.dataset;
  /** @type {number[]} */
  const [left, top, right, bottom] = JSON.parse(crop);
  for (const [x, y, w, h] of /** @type {number[][]} */ (JSON.parse(boxes))) {
    const [a, b] = [(across - x) / w, (down - y) / h];
    if (a < 0 || a > 1 || b < 0 || b > 1) continue;
    const field = /** @param {string} name */ (name) => find(document, `#choice [name=${name}]`, HTMLInputElement);
    for (const [input, share] of /** @type {[HTMLInputElement, number][]} */ (
      [[field("x"), left + a * (right - left)], [field("y"), top + b * (bottom - top)]]
    )) {
      input.value = String(Math.round(share * Number(input.max)));
    }
    field("x").dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
});
