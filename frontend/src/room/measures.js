/**
 * Rulers, angles and regions: placed with the mouse on one image, by a drag or click by click, and shown on both, on the
 * slices on which they were placed.
 */

import { degrees, millimetres } from "./lengths.js";
import { shape } from "./shapes.js";
import { percent, statistics } from "./values.js";

/**
 * @import { Side } from "../server.ts"
 * @import { Place } from "./lengths.js"
 * @import { Tool } from "./mouse.js"
 * @import { Viewing } from "./viewing.js"
 *
 * @typedef {"ruler"|"angle"|"region"} Kind
 * @typedef {{kind: Kind, points: Place[], slices: Record<Side, number>}} Measure the last point follows the mouse until
 *   it is placed
 */

/** Points of each kind; a region's are opposite corners of the box around it. */
export const POINTS = { ruler: 2, angle: 3, region: 2 };
/** CSS pixels: a point this near to the one before is not meant yet. */
const NEAR_PX = 4;

export class Measures {
  /** @type {Measure[]} */
  list = [];
  /** @type {Measure|null} the one that is being placed */
  #open = null;

  /** @param {Viewing} viewing */
  constructor(viewing) {
    this.viewing = viewing;
  }

  /** Gives up what is only half placed. */
  drop() {
    this.#open = null;
  }

  clear() {
    this.drop();
    this.list = [];
  }

  /**
   * @param {Kind} kind
   * @returns {Tool}
   */
  tool(kind) {
    return {
      down: (side, x, y) => this.#begin(kind, x, y),
      move: () => {},
      up: (side, x, y) => this.#place(x, y),
    };
  }

  /**
   * @param {Kind} kind
   * @param {number} x CSS pixels in the pane
   * @param {number} y
   */
  #begin(kind, x, y) {
    const { shown } = this.viewing;
    const at = this.viewing.imageAt(x, y);
    if (!this.#open && shown) this.#open = { kind, points: [at, at], slices: { ...shown } };
    this.follow(x, y);
  }

  /**
   * The point that is not placed yet goes with the mouse.
   * @param {number} x
   * @param {number} y
   */
  follow(x, y) {
    if (this.#open) this.#open.points[this.#open.points.length - 1] = this.viewing.imageAt(x, y);
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #place(x, y) {
    this.follow(x, y);
    if (!this.#open) return;
    const { kind, points } = this.#open;
    const [before, last] = points.slice(-2);
    const [from, to] = [before, last].map((place) => this.viewing.paneAt(place));
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) < NEAR_PX) return;
    if (points.length < POINTS[kind]) {
      points.push(last);
    } else {
      this.list.push(this.#open);
      this.#open = null;
    }
  }

  /**
   * @param {Element} layer
   * @param {Side} pane
   */
  draw(layer, pane) {
    const { shown } = this.viewing;
    const side = this.viewing.imageIn(pane);
    if (!shown) return;
    for (const measure of this.#open ? [...this.list, this.#open] : this.list) {
      if (measure.slices[side] === shown[side]) layer.append(...this.#shapes(measure, pane));
    }
  }

  /**
   * @param {Measure} measure
   * @param {Side} pane
   */
  #shapes({ kind, points }, pane) {
    const on = points.map((place) => this.viewing.paneAt(place));
    const [x, y] = on[on.length - 1];
    const lines = this.#words(kind, points, pane).map((words, at) =>
      shape("text", { x: x + 8, y: y - 6, dy: `${1.2 * at}em`, class: "length" }, words));
    if (kind === "region") {
      const [[a, b], [c, d]] = on;
      const place = { cx: (a + c) / 2, cy: (b + d) / 2, rx: Math.abs(c - a) / 2, ry: Math.abs(d - b) / 2 };
      return [shape("ellipse", { ...place, class: "rule" }), ...lines];
    }
    return [
      shape("polyline", { points: on.join(" "), class: "rule" }),
      ...on.map(([cx, cy]) => shape("circle", { cx, cy, r: 3, class: "rule" })),
      ...lines,
    ];
  }

  /**
   * @param {Kind} kind
   * @param {Place[]} points
   * @param {Side} pane
   * @returns {string[]} lines
   */
  #words(kind, points, pane) {
    const { geometry } = this.viewing;
    if (!geometry) return [];
    const { spacing } = geometry;
    if (kind === "region") return this.#statistics(points, pane);
    if (kind === "angle") return points.length === 3 ? [`${degrees(points[0], points[1], points[2], spacing).toFixed(1)}°`] : [];
    return [`${millimetres(points[0], points[1], spacing).toFixed(1)} mm`];
  }

  /**
   * In percent of the common range, as windows are.
   * @param {Place[]} points
   * @param {Side} pane
   */
  #statistics([from, to], pane) {
    const { geometry, difference } = this.viewing;
    const pixels = this.viewing.pixels(pane);
    if (!geometry || !pixels || difference) return [];
    const found = statistics(pixels, geometry, from, to);
    if (!found) return [];
    const { count, area, mean, sd } = found;
    const { lower } = geometry.window;
    const spread = sd === null ? "n/a" : `${percent(lower + sd, geometry).toFixed(1)} %`;
    return [`mean ${percent(mean, geometry).toFixed(1)} %, SD (n − 1) ${spread}`, `${count} pixels, ${area.toFixed(1)} mm²`];
  }
}
