/** Tools on the images, always on both at the same place, one at a time in the hand; and the marks of findings. */

import { Lens } from "./lens.js";
import { Measures, POINTS } from "./measures.js";
import { drawScaleBar } from "./scale_bar.js";
import { shape } from "./shapes.js";
import { drawCursor, drawValue } from "./shared_cursor.js";
import { bySide, SIDES } from "./sides.js";

/**
 * @import { Finding, Side } from "../server.ts"
 * @import { Kind } from "./measures.js"
 * @import { Tool } from "./mouse.js"
 * @import { At } from "./shared_cursor.js"
 * @import { Viewing } from "./viewing.js"
 *
 * @typedef {Kind|"lens"|"cursor"|"difference"} Mode as the log of viewing names them
 * @typedef {Pick<Finding, "side"|"i"|"j"|"k">} Mark a place to ring on the slice that is shown
 */

export class Instruments {
  #lenses = bySide(() => new Lens());
  #layers = bySide(() => shape("svg", { class: "marks", "aria-hidden": "true" }));
  #measures;
  /** @type {At|null} */
  #at = null;
  /** @type {Mode|null} */
  mode = null;
  /** @type {Mark[]} */
  marks = [];

  /**
   * @param {Record<Side, HTMLElement>} panes
   * @param {Viewing} viewing
   * @param {boolean} values whether the protocol shows them
   */
  constructor(panes, viewing, values) {
    this.panes = panes;
    this.viewing = viewing;
    this.values = values;
    this.#measures = new Measures(viewing);
    for (const side of SIDES) {
      panes[side].append(this.#layers[side], this.#lenses[side].canvas);
      panes[side].addEventListener("pointerleave", () => this.#leave());
    }
  }

  /**
   * Takes a tool into the hand, or lays it away; what was measured stays.
   * @param {Mode} mode
   */
  toggle(mode) {
    this.#take(this.mode === mode ? null : mode);
  }

  /** Nothing in the hand and nothing measured. */
  clear() {
    this.#measures.clear();
    this.#take(null);
  }

  /** @param {Mode|null} mode */
  #take(mode) {
    this.mode = mode;
    this.#measures.drop();
    this.viewing.showDifference(mode === "difference");
    this.draw();
  }

  /**
   * What takes left drags, if a tool does.
   * @returns {Tool|null}
   */
  get tool() {
    const { mode } = this;
    return mode && mode in POINTS ? this.#measures.tool(/** @type {Kind} */ (mode)) : null;
  }

  /**
   * @param {Side} side
   * @param {number} x CSS pixels in its pane
   * @param {number} y
   */
  hover(side, x, y) {
    this.#at = { side, x, y };
    this.#measures.follow(x, y);
    if (this.mode) this.draw();
  }

  #leave() {
    this.#at = null;
    if (this.mode) this.draw();
  }

  /** @param {Mark[]} marks */
  mark(marks) {
    this.marks = marks;
    this.draw();
  }

  draw() {
    for (const side of SIDES) {
      const [layer, lens] = [this.#layers[side], this.#lenses[side]];
      layer.replaceChildren();
      lens.hide();
      if (!this.viewing.shown) continue;
      drawScaleBar(layer, this.viewing);
      this.#measures.draw(layer, side);
      if (this.#at) this.#draw(side, this.#at);
      if (this.mode === "difference") layer.append(shape("text", { x: "50%", y: "2.6em", class: "difference" }, "right − left: grey is alike, bright is more on the right"));
      else this.#rings(layer, side);
    }
  }

  /**
   * What goes with the mouse.
   * @param {Side} side
   * @param {At} at
   */
  #draw(side, at) {
    const picture = this.viewing.picture(side);
    if (this.mode === "lens" && picture) this.#lenses[side].draw(this.viewing, picture, [at.x, at.y]);
    if (this.mode !== "cursor") return;
    drawCursor(this.#layers[side], side, this.viewing, at);
    if (this.values) drawValue(this.#layers[side], side, this.viewing, at);
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
