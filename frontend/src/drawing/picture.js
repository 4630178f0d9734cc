/** The canvas: one slice in its window, what is drawn on it by its voxels' edges, and which voxel a point on it is. */

/**
 * @import { Mask, Shape } from "./mask.js"
 * @import { Place } from "./shapes.js"
 * @typedef {{name: string, mask: Mask, now: boolean}} Drawn
 */

const LEVELS = 65536;
/** From here on pixels are shown as squares, in screen pixels to one of them. */
const SQUARES_FROM = 8;
const MOST_ZOOM = 40;
const LABEL = "500 12px Inter, system-ui, sans-serif";

/**
 * The edges between pixels that are covered and pixels that are not; places are centres of pixels.
 * @param {Uint8Array} voxels of a slice
 * @param {number} columns
 */
export function edges(voxels, columns) {
  const found = [];
  const rows = voxels.length / columns;
  for (let at = 0; at < voxels.length; at += 1) {
    if (!voxels[at]) continue;
    const [row, column] = [Math.floor(at / columns), at % columns];
    const [top, left] = [row - 0.5, column - 0.5];
    if (row === 0 || !voxels[at - columns]) found.push([left, top, left + 1, top]);
    if (row === rows - 1 || !voxels[at + columns]) found.push([left, top + 1, left + 1, top + 1]);
    if (column === 0 || !voxels[at - 1]) found.push([left, top, left, top + 1]);
    if (column === columns - 1 || !voxels[at + 1]) found.push([left + 1, top, left + 1, top + 1]);
  }
  return found;
}

/**
 * @param {Uint8Array} voxels
 * @param {number} columns
 */
function pathOf(voxels, columns) {
  const path = new Path2D();
  for (const [x1, y1, x2, y2] of edges(voxels, columns)) {
    path.moveTo(x1, y1);
    path.lineTo(x2, y2);
  }
  return path;
}

/**
 * Every covered pixel as a square, to be filled.
 * @param {Uint8Array} voxels
 * @param {number} columns
 */
function areaOf(voxels, columns) {
  const path = new Path2D();
  for (let at = voxels.indexOf(1); at >= 0; at = voxels.indexOf(1, at + 1)) {
    path.rect((at % columns) - 0.5, Math.floor(at / columns) - 0.5, 1, 1);
  }
  return path;
}

export class Picture {
  slice;
  zoom = 1;
  /** @type {Place} what is in the middle */
  centre;
  window;
  hidden = false;
  filled = false;
  /** @type {Uint8Array|null} what the tool would cover */
  preview = null;
  #canvas;
  #shape;
  #spacing;
  #plain = document.createElement("canvas");
  #grey = new Uint8Array(LEVELS);
  /** @type {WeakMap<Mask, Map<number, {revision: number, outline: Path2D, area: Path2D}>>} */
  #paths = new WeakMap();
  #asked = false;
  /** @type {() => {values: Uint16Array|undefined, drawn: Drawn[]}} */
  #shown;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Shape} shape
   * @param {Place} spacing mm between rows and between columns
   * @param {{lower: number, upper: number}} window
   * @param {() => {values: Uint16Array|undefined, drawn: Drawn[]}} shown what is there to paint
   */
  constructor(canvas, shape, spacing, window, shown) {
    this.#canvas = canvas;
    this.#shape = shape;
    this.#spacing = spacing;
    this.#shown = shown;
    this.slice = Math.floor(shape.slices / 2);
    this.centre = this.#middle;
    this.window = { ...window };
    Object.assign(this.#plain, { width: shape.columns, height: shape.rows });
    new ResizeObserver(() => this.paint()).observe(canvas);
  }

  /** @returns {Place} */
  get #middle() {
    return [(this.#shape.rows - 1) / 2, (this.#shape.columns - 1) / 2];
  }

  /** Screen pixels to one row and to one column. */
  get scale() {
    const { clientWidth, clientHeight } = this.#canvas;
    const { rows, columns } = this.#shape;
    const [down, across] = this.#spacing;
    const toMm = Math.min(clientHeight / (rows * down), clientWidth / (columns * across)) * this.zoom;
    return [toMm * down, toMm * across];
  }

  /**
   * Which place of the slice lies below a point of the screen.
   * @param {{clientX: number, clientY: number}} point
   * @returns {Place}
   */
  placeOf({ clientX, clientY }) {
    const box = this.#canvas.getBoundingClientRect();
    const [down, across] = this.scale;
    return [
      (clientY - box.top - box.height / 2) / down + this.centre[0],
      (clientX - box.left - box.width / 2) / across + this.centre[1],
    ];
  }

  /** @param {Place} place whether it is on the slice */
  has([row, column]) {
    return row >= -0.5 && row < this.#shape.rows - 0.5 && column >= -0.5 && column < this.#shape.columns - 0.5;
  }

  /**
   * Zooms so that what is below the point stays there.
   * @param {number} factor
   * @param {{clientX: number, clientY: number}} point
   */
  zoomAt(factor, point) {
    const before = this.placeOf(point);
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * factor));
    const after = this.placeOf(point);
    this.centre = this.zoom === 1 ? this.#middle : [this.centre[0] + before[0] - after[0], this.centre[1] + before[1] - after[1]];
    this.paint();
  }

  /** Paints with the next frame of the screen. */
  paint() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#paint();
    });
  }

  #paint() {
    const canvas = this.#canvas;
    const ratio = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((length) => Math.round(length * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    if (!context) return;
    context.resetTransform();
    context.clearRect(0, 0, width, height);
    const { values, drawn } = this.#shown();
    if (!values) return;
    const [down, across] = this.scale;
    const [row, column] = this.centre;
    context.setTransform(ratio * across, 0, 0, ratio * down, width / 2 - ratio * across * column, height / 2 - ratio * down * row);
    context.imageSmoothingEnabled = across < SQUARES_FROM;
    this.#develop(values);
    context.drawImage(this.#plain, -0.5, -0.5);
    if (!this.hidden) for (const one of drawn) this.#outline(context, one);
    if (this.preview) this.#line(context, pathOf(this.preview, this.#shape.columns), "#fff", 0.8, [3, 3]);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!this.hidden) for (const one of drawn) this.#label(context, one);
  }

  /** @param {Uint16Array} values to grey in the window */
  #develop(values) {
    const { lower, upper } = this.window;
    for (let at = 0; at < LEVELS; at += 1) this.#grey[at] = Math.min(255, Math.max(0, ((at - lower) / (upper - lower)) * 255));
    const context = this.#plain.getContext("2d");
    if (!context) return;
    const image = context.createImageData(this.#shape.columns, this.#shape.rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < values.length; at += 1) pixels[at] = 0xff000000 | (this.#grey[values[at]] * 0x010101);
    context.putImageData(image, 0, 0);
  }

  /** @param {Mask} mask */
  #path(mask) {
    let kept = this.#paths.get(mask);
    if (!kept) this.#paths.set(mask, (kept = new Map()));
    const revision = mask.revisions[this.slice];
    let found = kept.get(this.slice);
    if (found?.revision !== revision) {
      const [voxels, { columns }] = [mask.slice(this.slice), this.#shape];
      found = { revision, outline: pathOf(voxels, columns), area: areaOf(voxels, columns) };
      kept.set(this.slice, found);
    }
    return found;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Drawn} drawn
   */
  #outline(context, { mask, now }) {
    const { outline, area } = this.#path(mask);
    const colour = now ? getComputedStyle(this.#canvas).getPropertyValue("--accent").trim() : "#fff";
    if (this.filled) {
      context.globalAlpha = 0.25;
      context.fillStyle = colour;
      context.fill(area);
      context.globalAlpha = 1;
    }
    this.#line(context, outline, "rgb(0 0 0 / 60%)", 3);
    this.#line(context, outline, colour, now ? 1.6 : 1);
  }

  /**
   * A line that is as wide on the screen as it says, whatever the pixels' shape.
   * @param {CanvasRenderingContext2D} context
   * @param {Path2D} path
   * @param {string} colour
   * @param {number} width
   * @param {number[]} [dashes]
   */
  #line(context, path, colour, width, dashes = []) {
    const [down, across] = this.scale;
    context.strokeStyle = colour;
    context.lineWidth = width / Math.min(down, across);
    context.setLineDash(dashes.map((length) => length / Math.min(down, across)));
    context.stroke(path);
    context.setLineDash([]);
  }

  /**
   * What it is called and how large it is here; never what its values are, as whoever sees them moves it to suit them.
   * @param {CanvasRenderingContext2D} context
   * @param {Drawn} drawn
   */
  #label(context, { name, mask, now }) {
    const voxels = mask.slice(this.slice);
    const first = voxels.indexOf(1);
    if (first < 0) return;
    const { columns } = this.#shape;
    const row = (Math.floor(first / columns) + Math.floor(voxels.lastIndexOf(1) / columns)) / 2;
    const right = voxels.reduce((most, one, at) => (one ? Math.max(most, at % columns) : most), 0);
    const [down, across] = this.scale;
    const x = (right + 1 - this.centre[1]) * across + this.#canvas.clientWidth / 2 + 8;
    const y = (row - this.centre[0]) * down + this.#canvas.clientHeight / 2 + 4;
    context.font = LABEL;
    context.shadowColor = "#000";
    context.shadowBlur = 4;
    context.fillStyle = now ? "#9fe0d3" : "#fff";
    context.fillText(name, x, y);
    if (now) {
      const count = mask.count(this.slice);
      context.fillStyle = "#d0d2d4";
      context.fillText(`${count} px · ${(count * this.#spacing[0] * this.#spacing[1]).toFixed(0)} mm²`, x, y + 15);
    }
    context.shadowBlur = 0;
  }
}
