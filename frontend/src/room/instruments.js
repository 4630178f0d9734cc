/** Magnifier and ruler, always on both images at the same place; and the marks of findings. */

import { el } from "../shared/dom.js";
import { bySide, SIDES } from "./sides.js";

/**
 * @import { Finding, Side } from "../server.ts"
 * @import { Viewing } from "./viewing.js"
 *
 * @typedef {[number, number]} Place column and row
 * @typedef {Pick<Finding, "side"|"i"|"j"|"k">} Mark a place to ring on the slice that is shown
 */

const SVG = "http://www.w3.org/2000/svg";
const LENS_PX = 220;
const LENS_ZOOM = 2.5;

/**
 * @param {"svg"|"line"|"circle"|"text"} name
 * @param {Record<string, string|number>} attributes
 */
function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}

export class Instruments {
  #lenses = bySide(() => el("canvas", { class: "lens", width: LENS_PX, height: LENS_PX, hidden: true }));
  #layers = bySide(() => shape("svg", { class: "marks", "aria-hidden": "true" }));
  /** @type {{from: Place, to: Place}|null} */
  #line = null;
  /** @type {[number, number]|null} where the mouse is, in CSS pixels of its pane */
  #at = null;
  /** @type {null|"lens"|"ruler"} */
  mode = null;
  /** @type {Mark[]} */
  marks = [];

  /**
   * @param {Record<Side, HTMLElement>} panes
   * @param {Viewing} viewing
   */
  constructor(panes, viewing) {
    this.panes = panes;
    this.viewing = viewing;
    for (const side of SIDES) panes[side].append(this.#layers[side], this.#lenses[side]);
  }

  /** @param {"lens"|"ruler"} mode */
  toggle(mode) {
    this.mode = this.mode === mode ? null : mode;
    if (this.mode !== "ruler") this.#line = null;
    for (const side of SIDES) this.panes[side].classList.toggle("measuring", this.mode === "ruler");
    this.draw();
  }

  clear() {
    this.mode = null;
    this.#line = null;
    for (const side of SIDES) this.panes[side].classList.remove("measuring");
    this.draw();
  }

  /**
   * The ruler, where it is on, takes left drags.
   * @returns {import("./mouse.js").Tool|null}
   */
  get tool() {
    if (this.mode !== "ruler") return null;
    return {
      down: (side, x, y) => {
        this.#line = { from: this.viewing.imageAt(x, y), to: this.viewing.imageAt(x, y) };
      },
      move: (side, x, y) => {
        if (this.#line) this.#line.to = this.viewing.imageAt(x, y);
        this.draw();
      },
      up: () => this.draw(),
    };
  }

  /**
   * @param {number} x CSS pixels in its pane
   * @param {number} y
   */
  hover(x, y) {
    this.#at = [x, y];
    if (this.mode === "lens") this.draw();
  }

  /** @param {Mark[]} marks */
  mark(marks) {
    this.marks = marks;
    this.draw();
  }

  draw() {
    for (const side of SIDES) {
      this.#lens(side);
      const layer = this.#layers[side];
      layer.replaceChildren();
      this.#ruler(layer);
      this.#rings(layer, side);
    }
  }

  /** @param {Side} side */
  #lens(side) {
    const lens = this.#lenses[side];
    const canvas = this.panes[side].querySelector("canvas.cornerstone-canvas");
    lens.hidden = this.mode !== "lens" || !this.#at || !this.viewing.shown || !canvas;
    const context = lens.hidden ? null : lens.getContext("2d");
    if (!context || !this.#at || !(canvas instanceof HTMLCanvasElement)) return;
    const [x, y] = this.#at;
    const scale = canvas.width / this.panes[side].clientWidth;
    const part = (LENS_PX / LENS_ZOOM) * scale;
    context.fillStyle = "#000";
    context.fillRect(0, 0, LENS_PX, LENS_PX);
    context.imageSmoothingQuality = "high";
    context.drawImage(canvas, x * scale - part / 2, y * scale - part / 2, part, part, 0, 0, LENS_PX, LENS_PX);
    lens.style.left = `${x - LENS_PX / 2}px`;
    lens.style.top = `${y - LENS_PX / 2}px`;
  }

  /** @param {Element} layer */
  #ruler(layer) {
    if (!this.#line || !this.viewing.shown) return;
    const [from, to] = [this.#line.from, this.#line.to].map((place) => this.viewing.paneAt(place));
    const mm = Math.hypot(to[0] - from[0], to[1] - from[1]) * this.viewing.mmPerPixel;
    layer.append(
      shape("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], class: "rule" }),
      ...[from, to].map(([cx, cy]) => shape("circle", { cx, cy, r: 3, class: "rule" })),
    );
    const text = shape("text", { x: to[0] + 8, y: to[1] - 6, class: "length" });
    text.textContent = `${mm.toFixed(1)} mm`;
    layer.append(text);
  }

  /**
   * @param {Element} layer
   * @param {Side} side
   */
  #rings(layer, side) {
    const { shown, swapped } = this.viewing;
    if (!shown || swapped === side) return;
    for (const { side: on, i, j, k } of this.marks) {
      if (on !== side || k !== shown[side] || i === null || j === null) continue;
      const [x, y] = this.viewing.paneAt([i + 0.5, j + 0.5]);
      layer.append(shape("circle", { cx: x, cy: y, r: 9, class: "ring" }));
    }
  }
}
