/** What the reader looks at: slices, link, place, scale, window. One state for both sides; drawn by `Viewports`. */

import { bySide, otherSide, SIDES } from "./sides.js";
import { ALIKE, difference } from "./values.js";

/**
 * @import { Geometry, NamedWindow, Seen, Side } from "../server.ts"
 * @import { Frame, Stacks } from "./frames.js"
 * @import { View, Viewports } from "./viewports.js"
 */

/** Slices a second. */
const CINE_SPEEDS = [2, 4, 6, 8, 12, 16, 24];
const TURN_MS = 700;
/** @type {Pick<Geometry, "rows"|"columns"|"spacing">} */
const NO_IMAGE = { rows: 1, columns: 1, spacing: [1, 1] };
const ZOOM = { least: 0.5, most: 12 };
/** Share of the pixels that a named window ends above, in steps of percent, by one pixel in so many. */
const MOST = 0.97;
const WINDOW_STEP = 5;
const SAMPLE = 7;
/** Percent of the common range: what a pair begins with. */
export const WHOLE = { window: 100, level: 50 };

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 */
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/**
 * Half the height, in mm, of what a pane shows where the image fits into it.
 * @param {Pick<Geometry, "rows"|"columns"|"spacing">} image
 * @param {{width: number, height: number}} pane
 */
export const fitting = ({ rows, columns, spacing }, { width, height }) =>
  Math.max(rows * spacing[0], (columns * spacing[1] * height) / Math.max(1, width)) / 2;

export class Viewing {
  #viewports;
  /** @type {Pick<Stacks, "geometry"|"slices"|"want">|null} */
  #stacks = null;
  #base = 0;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #cine;
  #speed = CINE_SPEEDS.indexOf(8);
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #turns;
  #turning = false;
  /** @type {Record<Side, number>|null} */
  #shown = null;
  /** @type {Record<Side, number>[]} slices still to be shown, in order: a fast wheel skips none, however slow the machine */
  #path = [];
  #painting = false;
  /** @type {Frame|null} what each pane shows */
  #pictures = null;
  /** Whether a pixel of the image is one of the screen, also when the room changes its size. */
  #exact = false;

  /**
   * @param {Pick<Viewports, "show"|"look"|"size">} viewports
   * @param {() => void} onchange called after anything visible changed
   */
  constructor(viewports, onchange) {
    this.#viewports = viewports;
    this.onchange = onchange;
    this.slices = 0;
    this.seen = bySide(() => /** @type {Set<number>} */ (new Set()));
    /** @type {Side} the side that keys scroll while unlinked */
    this.active = "left";
    /** @type {Side|null} the pane that shows the other side's image */
    this.swapped = null;
    this.offset = 0;
    this.linked = true;
    this.zoom = 1;
    /** @type {[number, number]} */
    this.centre = [0, 0];
    this.invert = false;
    this.smooth = true;
    this.difference = false;
    this.window = WHOLE.window;
    this.level = WHOLE.level;
  }

  /** The slices on screen, null where nothing is. */
  get shown() {
    return this.#shown;
  }

  get geometry() {
    return this.#stacks?.geometry ?? null;
  }

  get cine() {
    return this.#cine !== undefined;
  }

  get unseen() {
    return { left: this.slices - this.seen.left.size, right: this.slices - this.seen.right.size };
  }

  /**
   * A new pair, from its middle slice, with everything reset.
   * @param {Pick<Stacks, "geometry"|"slices"|"want">} stacks
   * @param {Seen} [seen] slices that were seen before, perhaps on another machine
   */
  open(stacks, seen = { left: [], right: [] }) {
    this.close();
    this.#stacks = stacks;
    this.slices = stacks.geometry.slices;
    this.seen = bySide((side) => new Set(seen[side]));
    this.#resetView();
    this.#base = this.middle;
    this.#go();
  }

  /** Nothing to look at; the panes are black until the next pair has its first slice. */
  close() {
    // First, so that ending the turns paints nothing of the pair that goes.
    this.swapped = null;
    this.stopCine();
    this.stopToggle();
    this.#stacks = null;
    this.#shown = null;
    this.#pictures = null;
    this.#path = [];
    this.#painting = false;
    this.slices = 0;
    this.onchange();
  }

  get middle() {
    return Math.floor(this.slices / 2);
  }

  #resetView() {
    this.offset = 0;
    this.linked = true;
    this.zoom = 1;
    this.centre = [0, 0];
    this.#exact = false;
    this.invert = false;
    this.smooth = true;
    this.difference = false;
    this.window = WHOLE.window;
    this.level = WHOLE.level;
  }

  /** All but the slice back to what a new pair shows; stacks linked without offset. */
  reset() {
    if (!this.#stacks) return;
    const { left } = this.targets;
    this.#resetView();
    this.#base = left;
    this.#go();
  }

  /** The slices asked for, shown as soon as both are there. */
  get targets() {
    const last = this.slices - 1;
    return { left: clamp(this.#base, 0, last), right: clamp(this.#base + this.offset, 0, last) };
  }

  /**
   * Scrolls both stacks, or one while they are unlinked.
   * @param {number} step slices
   * @param {Side} [side]
   */
  scroll(step, side = this.active) {
    if (!this.#stacks) return;
    const last = this.slices - 1;
    const { left, right } = this.targets;
    if (this.linked) {
      // With an offset, either stack may run into its end while the other goes on to its own.
      this.#base = clamp(this.#base + step, Math.min(0, -this.offset), last + Math.max(0, -this.offset));
    } else if (side === "left") {
      this.#base = clamp(left + step, 0, last);
      this.offset = right - this.#base;
    } else {
      this.#base = left;
      this.offset = clamp(right + step, 0, last) - left;
    }
    if (Math.abs(step) > 1) this.#path = [];
    this.#go();
  }

  /**
   * Scrolls by hand, which ends the cine.
   * @param {number} step slices
   */
  step(step) {
    this.stopCine();
    this.scroll(step);
  }

  /**
   * Scrolls to a slice of the left stack, or of the given side while unlinked.
   * @param {number} index
   * @param {Side} [side]
   */
  goTo(index, side = this.active) {
    const { left, right } = this.targets;
    this.scroll(index - (this.linked ? this.#base : side === "left" ? left : right), side);
  }

  /** Unlinks, or links again and keeps the offset. */
  toggleLink() {
    const { left, right } = this.targets;
    this.#base = left;
    this.offset = right - left;
    this.linked = !this.linked;
    this.onchange();
  }

  /**
   * Scales by a factor about the centre of the pane.
   * @param {number} factor
   */
  scale(factor) {
    // One to one may lie outside of what is reached by hand.
    this.zoom = clamp(this.zoom * factor, Math.min(ZOOM.least, this.zoom), Math.max(ZOOM.most, this.zoom));
    this.#exact = false;
    this.look();
  }

  fit() {
    this.zoom = 1;
    this.centre = [0, 0];
    this.#exact = false;
    this.look();
  }

  /**
   * One pixel of the image on one of the screen, along the finer of its spacings. The image begins with a whole pixel of
   * the screen: half a pixel beside, each would be the mean of two.
   */
  oneToOne() {
    if (!this.geometry) return;
    const { rows, columns, spacing } = this.geometry;
    const { width, height, ratio } = this.size;
    const mm = Math.min(...spacing);
    this.#exact = true;
    this.zoom = this.#fitting / ((mm * ratio * height) / 2);
    /** @type {(centre: number, extent: number, pane: number) => number} */
    const onWhole = (centre, extent, pane) => {
      const edge = Math.round(pane * ratio) / 2 - extent / (2 * mm) - centre / mm;
      return centre + (edge - Math.round(edge)) * mm;
    };
    this.centre = [onWhole(this.centre[0], columns * spacing[1], width), onWhole(this.centre[1], rows * spacing[0], height)];
    this.look();
  }

  /** The panes have another size. */
  resized() {
    if (this.#exact) this.oneToOne();
    else this.look();
  }

  /** Interpolates between pixels, or shows each as it is. */
  toggleSmooth() {
    this.smooth = !this.smooth;
    this.look();
  }

  /**
   * Shows the right image less the left one in both panes, or each image again.
   * @param {boolean} shown
   */
  showDifference(shown) {
    if (this.difference === shown) return;
    this.difference = shown;
    this.#paint();
    this.onchange();
  }

  /**
   * Moves the image by CSS pixels.
   * @param {number} x
   * @param {number} y
   */
  pan(x, y) {
    const mm = this.mmPerPixel;
    this.centre = [this.centre[0] - x * mm, this.centre[1] - y * mm];
    this.look();
  }

  /** @param {{window: number, level: number}} percent of the common range */
  setWindow({ window, level }) {
    this.window = clamp(window, 1, 200);
    this.level = clamp(level, 0, 150);
    this.look();
  }

  /**
   * What a named window is for this pair. Both sides count together and the end is rounded up, so that pairs of one case
   * look alike.
   * @param {NamedWindow} named
   */
  windowOf({ lower, upper: [least, most] }) {
    const upper = least === most ? most : clamp(WINDOW_STEP * Math.ceil(this.#bright / WINDOW_STEP), least, most);
    return { window: upper - lower, level: (lower + upper) / 2 };
  }

  /** Percent of the common range under which most pixels of the middle slices lie; all of it before they are there. */
  get #bright() {
    const middle = this.#stacks?.slices[this.middle];
    if (!this.#stacks || !middle) return 100;
    const values = [middle.left, middle.right].flatMap((pixels) => Array.from(pixels.filter((_, at) => at % SAMPLE === 0)));
    values.sort((one, other) => one - other);
    const { lower, upper } = this.#stacks.geometry.window;
    return (100 * (values[Math.floor(MOST * (values.length - 1))] - lower)) / (upper - lower);
  }

  toggleInvert() {
    this.invert = !this.invert;
    this.look();
  }

  /**
   * Shows the other side's image in one pane, for as long as a key is held.
   * @param {Side|null} side whose pane shows the other; null ends it
   */
  swap(side) {
    if (this.swapped === side || !this.#shown) return;
    this.swapped = side;
    this.#paint();
    this.onchange();
  }

  /**
   * Shows both images in turn in the active pane, until it is stopped.
   * @param {boolean} moves whether they change by themselves; else the other one stays
   */
  startToggle(moves) {
    if (!this.#shown || this.#turning) return;
    const side = this.active;
    this.#turning = true;
    this.swap(side);
    if (moves) this.#turns = setInterval(() => this.swap(this.swapped ? null : side), TURN_MS);
  }

  /** @returns {boolean} whether images were shown in turn */
  stopToggle() {
    const turning = this.#turning;
    clearInterval(this.#turns);
    this.#turning = false;
    if (turning) this.swap(null);
    return turning;
  }

  toggleCine() {
    if (this.cine) this.stopCine();
    else if (this.#stacks) this.#startCine();
  }

  #startCine() {
    this.#cine = setInterval(() => {
      const { left } = this.targets;
      if (this.#path.length) return;
      if (left >= this.slices - 1) this.goTo(0);
      else this.scroll(1);
    }, 1000 / CINE_SPEEDS[this.#speed]);
    this.onchange();
  }

  /**
   * @param {number} step to the next slower or faster speed
   * @returns {number} slices a second, kept from pair to pair
   */
  changeCineSpeed(step) {
    this.#speed = clamp(this.#speed + step, 0, CINE_SPEEDS.length - 1);
    if (this.cine) {
      clearInterval(this.#cine);
      this.#startCine();
    }
    return CINE_SPEEDS[this.#speed];
  }

  stopCine() {
    clearInterval(this.#cine);
    this.#cine = undefined;
    this.onchange();
  }

  /** A slice has arrived: shows it if it was waited for. */
  arrived() {
    this.#next();
  }

  /** The viewports say that both sides are on screen. */
  painted() {
    if (!this.#shown) return;
    this.#painting = false;
    // A difference is neither image.
    for (const side of this.difference ? [] : SIDES) {
      const from = this.imageIn(side);
      this.seen[from].add(this.#shown[from]);
    }
    this.#next();
    this.onchange();
  }

  /** CSS pixels to mm in the image plane. */
  get mmPerPixel() {
    return (2 * this.view.halfHeight) / this.size.height;
  }

  /** Height and width of a pane in CSS pixels, and the screen's pixels to one of them. */
  get size() {
    return this.#viewports.size;
  }

  /**
   * @param {number} x CSS pixels from the pane's left edge
   * @param {number} y from its upper edge
   * @returns {[number, number]} column and row of the image there; pixel n spans n … n + 1
   */
  imageAt(x, y) {
    const { rows, columns, spacing } = this.geometry ?? NO_IMAGE;
    const { width, height } = this.size;
    const mm = this.mmPerPixel;
    return [
      ((x - width / 2) * mm + this.centre[0]) / spacing[1] + columns / 2,
      ((y - height / 2) * mm + this.centre[1]) / spacing[0] + rows / 2,
    ];
  }

  /**
   * The inverse of `imageAt`.
   * @param {[number, number]} place column and row
   * @returns {[number, number]}
   */
  paneAt([column, row]) {
    const { rows, columns, spacing } = this.geometry ?? NO_IMAGE;
    const { width, height } = this.size;
    const mm = this.mmPerPixel;
    return [
      ((column - columns / 2) * spacing[1] - this.centre[0]) / mm + width / 2,
      ((row - rows / 2) * spacing[0] - this.centre[1]) / mm + height / 2,
    ];
  }

  /**
   * @param {number} x CSS pixels from the pane's left edge
   * @param {number} y from its upper edge
   * @returns {{i: number, j: number}|null} column and row of the pixel there, null beside the image
   */
  pixelAt(x, y) {
    const [i, j] = this.imageAt(x, y).map(Math.floor);
    const { rows, columns } = this.geometry ?? NO_IMAGE;
    return i >= 0 && j >= 0 && i < columns && j < rows ? { i, j } : null;
  }

  /** Draws the same slices with the present place, scale and window. */
  look() {
    if (this.#shown) this.#viewports.look(this.view);
    this.onchange();
  }

  get #fitting() {
    return fitting(this.geometry ?? NO_IMAGE, this.size);
  }

  /** @returns {View} */
  get view() {
    const { zoom, centre, invert, smooth, difference: isDifference, window, level } = this;
    // The window that the server names is the same for every pair; it is the 100 % of the readout.
    const { lower, upper } = this.geometry?.window ?? { lower: 0, upper: 1 };
    const share = /** @param {number} percent */ (percent) => (percent / 100) * (upper - lower);
    // Around "alike", where both are halved.
    const [from, middle, half] = isDifference ? [ALIKE, 0, window / 4] : [lower, level, window / 2];
    return {
      halfHeight: this.#fitting / zoom,
      centre,
      lower: from + share(middle - half),
      upper: from + share(middle + half),
      invert,
      smooth,
    };
  }

  #go() {
    this.#path.push(this.targets);
    this.#next();
    this.onchange();
  }

  /** Shows the next slices of the path once the ones before are painted and both are there; else those stay. */
  #next() {
    if (this.#painting || !this.#path.length || !this.#stacks) return;
    const [{ left, right }] = this.#path;
    const { slices } = this.#stacks;
    if (slices[left] && slices[right]) {
      this.#path.shift();
      this.#shown = { left, right };
      this.#paint();
    } else {
      for (const index of [right, left]) if (!slices[index]) this.#stacks.want(index);
    }
  }

  #paint() {
    const shown = this.#shown;
    if (!this.#stacks || !shown) return;
    const { slices, geometry } = this.#stacks;
    const [left, right] = SIDES.map((side) => slices[shown[side]]?.[side]);
    if (!left || !right) return;
    const images = this.difference ? bySide(() => difference(left, right)) : { left, right };
    this.#pictures = bySide((side) => images[this.imageIn(side)]);
    this.#painting = true;
    this.#viewports.show(geometry, this.#pictures, this.view);
  }

  /**
   * What a pane shows, as it is before the window.
   * @param {Side} pane
   */
  picture(pane) {
    return this.#pictures?.[pane] ?? null;
  }

  /**
   * The pixels of the image in a pane.
   * @param {Side} pane
   */
  pixels(pane) {
    const side = this.imageIn(pane);
    return (this.#shown && this.#stacks?.slices[this.#shown[side]]?.[side]) ?? null;
  }

  /**
   * The side whose image a pane shows.
   * @param {Side} side of the pane
   */
  imageIn(side) {
    return this.swapped === side ? otherSide(side) : side;
  }
}
