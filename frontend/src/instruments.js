/** Magnifier and ruler, always on both images at the same place; and the marks of findings. */

import { el } from "./dom.js";
import { SIDES } from "./panes.js";

const SVG = "http://www.w3.org/2000/svg";
const LENS_PX = 220;
const LENS_ZOOM = 2.5;

function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}

export class Instruments {
  #lenses = {};
  #layers = {};
  #line = null;
  #at = null;
  /** @type {null|"lens"|"ruler"} */
  mode = null;

  /**
   * @param {Record<"left"|"right", HTMLElement>} panes
   * @param {import("./view.js").Viewing} viewing
   */
  constructor(panes, viewing) {
    this.panes = panes;
    this.viewing = viewing;
    for (const side of SIDES) {
      this.#lenses[side] = el("canvas", { class: "lens", width: LENS_PX, height: LENS_PX, hidden: true });
      this.#layers[side] = shape("svg", { class: "marks", "aria-hidden": "true" });
      panes[side].append(this.#layers[side], this.#lenses[side]);
    }
  }

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

  /** The ruler, where it is on, takes left drags. */
  get tool() {
    if (this.mode !== "ruler") return null;
    return {
      down: (side, x, y) => {
        this.#line = { from: this.viewing.imageAt(x, y), to: this.viewing.imageAt(x, y) };
      },
      move: (side, x, y) => {
        this.#line.to = this.viewing.imageAt(x, y);
        this.draw();
      },
      up: () => this.draw(),
    };
  }

  hover(x, y) {
    this.#at = [x, y];
    if (this.mode === "lens") this.draw();
  }

  /**
   * @param {{side: string, i: number, j: number, k: number}[]} marks places to ring on the slice that is shown
   */
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

  #lens(side) {
    const lens = this.#lenses[side];
    const canvas = this.panes[side].querySelector("canvas.cornerstone-canvas");
    lens.hidden = this.mode !== "lens" || !this.#at || !this.viewing.shown || !canvas;
    if (lens.hidden) return;
    const [x, y] = this.#at;
    const scale = canvas.width / this.panes[side].clientWidth;
    const part = (LENS_PX / LENS_ZOOM) * scale;
    const context = lens.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, LENS_PX, LENS_PX);
    context.imageSmoothingQuality = "high";
    context.drawImage(canvas, x * scale - part / 2, y * scale - part / 2, part, part, 0, 0, LENS_PX, LENS_PX);
    lens.style.left = `${x - LENS_PX / 2}px`;
    lens.style.top = `${y - LENS_PX / 2}px`;
  }

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

  #rings(layer, side) {
    const { shown, swapped } = this.viewing;
    if (!shown || swapped === side) return;
    for (const mark of this.marks ?? []) {
      if (mark.side !== side || mark.k !== shown[side]) continue;
      const [x, y] = this.viewing.paneAt([mark.i + 0.5, mark.j + 0.5]);
      layer.append(shape("circle", { cx: x, cy: y, r: 9, class: "ring" }));
    }
  }
}
