/** The magnifier: the image's own pixels around the mouse, not those of the screen. */

import { el } from "../shared/dom.js";

/**
 * @import { Geometry } from "../server.ts"
 * @import { Viewing } from "./viewing.js"
 * @import { View } from "./viewports.js"
 *
 * @typedef {{left: number, top: number, width: number, height: number}} Box of pixels
 */

const LENS_PX = 220;
const LENS_ZOOM = 2.5;

/**
 * A part of an image as the window shows it.
 * @param {Uint16Array} pixels
 * @param {number} columns of the image
 * @param {Box} box
 * @param {Pick<View, "lower"|"upper"|"invert">} view
 * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA
 */
export function greys(pixels, columns, { left, top, width, height }, { lower, upper, invert }) {
  const shown = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let row = 0, to = 0; row < height; row += 1) {
    const start = (top + row) * columns + left;
    for (let from = start; from < start + width; from += 1, to += 4) {
      const grey = (255 * (pixels[from] - lower)) / (upper - lower);
      shown[to] = shown[to + 1] = shown[to + 2] = invert ? 255 - grey : grey;
    }
  }
  return shown;
}

/**
 * The pixels that a lens needs around a place, one more on each side for interpolation.
 * @param {[number, number]} place column and row
 * @param {[number, number]} half the extent, in pixels
 * @param {Pick<Geometry, "rows"|"columns">} image
 * @returns {Box|null} null where the lens is beside the image
 */
export function boxAround(place, half, { rows, columns }) {
  const [left, top] = [0, 1].map((axis) => Math.max(0, Math.floor(place[axis] - half[axis]) - 1));
  const [right, bottom] = [columns, rows].map((count, axis) => Math.min(count, Math.ceil(place[axis] + half[axis]) + 1));
  return right > left && bottom > top ? { left, top, width: right - left, height: bottom - top } : null;
}

export class Lens {
  #part = el("canvas");

  constructor() {
    this.canvas = el("canvas", { class: "lens", hidden: true });
  }

  hide() {
    this.canvas.hidden = true;
  }

  /**
   * @param {Viewing} viewing
   * @param {Uint16Array} pixels of the picture under it
   * @param {[number, number]} at the mouse, in CSS pixels of its pane
   */
  draw(viewing, pixels, [x, y]) {
    const { geometry, view, mmPerPixel } = viewing;
    const side = Math.round(LENS_PX * devicePixelRatio);
    Object.assign(this.canvas, { width: side, height: side, hidden: false });
    Object.assign(this.canvas.style, { left: `${x - LENS_PX / 2}px`, top: `${y - LENS_PX / 2}px` });
    const context = this.canvas.getContext("2d");
    const part = this.#part.getContext("2d");
    if (!geometry || !context || !part) return;
    const [row, column] = geometry.spacing.map((mm) => (mm / mmPerPixel) * LENS_ZOOM * (side / LENS_PX));
    const [i, j] = viewing.imageAt(x, y);
    const box = boxAround([i, j], [side / 2 / column, side / 2 / row], geometry);
    context.fillStyle = view.invert ? "#fff" : "#000";
    context.fillRect(0, 0, side, side);
    if (!box) return;
    const { left, top, width, height } = box;
    Object.assign(this.#part, { width, height });
    part.putImageData(new ImageData(greys(pixels, geometry.columns, box, view), width, height), 0, 0);
    context.imageSmoothingEnabled = view.smooth;
    context.drawImage(this.#part, side / 2 + (left - i) * column, side / 2 + (top - j) * row, width * column, height * row);
  }
}
