/** The drawings of one case by the names of their sites: what is saved, what is not, and what the site says of it. */

import { csrfToken } from "../shared/csrf.js";
import { LOCKED_ELSEWHERE } from "../shared/idle_lock.js";
import { History } from "./history.js";
import { Mask } from "./mask.js";

/**
 * @import { Shape } from "./mask.js"
 * @import { Drafts } from "./drafts.js"
 * @typedef {{name: string, base: number, version: number, by: string, runs: number[]}} Saved
 * @typedef {object} Drawing
 * @property {Mask} mask
 * @property {number|null} base the version it began from
 * @property {number} version 0 until it is saved
 * @property {string} by
 * @property {boolean} unsaved
 * @property {Mask|null} other what somebody saved while this one, a draft, was not
 */

export class Drawings {
  history = new History();
  /** @type {Map<string, Drawing>} */
  #all = new Map();
  #shape;
  #drafts;

  /**
   * @param {Shape} shape
   * @param {Saved[]} saved
   * @param {Drafts} drafts
   */
  constructor(shape, saved, drafts) {
    this.#shape = shape;
    this.#drafts = drafts;
    for (const { name, base, version, by, runs } of saved) {
      this.#all.set(name, { mask: Mask.of(runs, shape), base, version, by, unsaved: false, other: null });
    }
    for (const [name, { base, runs }] of Object.entries(drafts.all())) {
      const there = this.of(name);
      const other = there.base === base ? null : there.mask;
      Object.assign(there, { mask: Mask.of(runs, shape), unsaved: true, other });
    }
  }

  /**
   * @param {string} name
   * @returns {Drawing} a new one if there is none
   */
  of(name) {
    let found = this.#all.get(name);
    if (!found) {
      found = { mask: new Mask(this.#shape), base: null, version: 0, by: "", unsaved: false, other: null };
      this.#all.set(name, found);
    }
    return found;
  }

  /** Names of all that hold something. */
  names() {
    return [...this.#all].filter(([, { mask }]) => mask.voxels.includes(1)).map(([name]) => name);
  }

  /**
   * @param {string} name
   * @param {string} what
   * @param {Map<number, Uint8Array>} slices
   * @param {boolean} [joined]
   */
  change(name, what, slices, joined) {
    return this.history.change(name, this.of(name).mask, what, slices, joined) && this.#touched(name);
  }

  undo() {
    const step = this.history.undo((name) => this.of(name).mask);
    if (step) this.#touched(step.name);
    return step;
  }

  redo() {
    const step = this.history.redo((name) => this.of(name).mask);
    if (step) this.#touched(step.name);
    return step;
  }

  /** @param {string} name */
  #touched(name) {
    this.of(name).unsaved = true;
    return true;
  }

  /**
   * Keeps what is not saved in this browser.
   * @returns {boolean} whether it is kept
   */
  keep() {
    let kept = true;
    for (const [name, { mask, base, unsaved }] of this.#all) {
      if (unsaved) kept = this.#drafts.put(name, { base, runs: mask.runs() }) && kept;
    }
    return kept;
  }

  /**
   * Goes on from what somebody else saved; the draft is given up.
   * @param {string} name
   */
  takeOther(name) {
    const drawing = this.of(name);
    if (!drawing.other) return;
    Object.assign(drawing, { mask: drawing.other, unsaved: false, other: null });
    this.history.forget(name);
    this.#drafts.put(name, null);
  }

  /**
   * Puts the draft over what somebody else saved, with the next save.
   * @param {string} name
   */
  putOver(name) {
    this.of(name).other = null;
    this.keep();
  }

  /**
   * @param {string} url
   * @param {string} name
   * @param {boolean} second
   * @returns {Promise<string>} what is wrong; empty if it is saved
   */
  async save(url, name, second) {
    const drawing = this.of(name);
    const runs = drawing.mask.runs();
    const body = JSON.stringify({ name, runs, base: drawing.base, second });
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() };
    let answer;
    try {
      answer = await fetch(url, { method: "POST", headers, body, redirect: "manual" });
    } catch {
      return "The site does not answer. Your drawing is kept in this browser; save it again later.";
    }
    const said = await answer.json().catch(() => ({}));
    if (said.code === "unlock") dispatchEvent(new Event(LOCKED_ELSEWHERE));
    if (!answer.ok) return said.detail ?? `The site refused it (${answer.status}). Your drawing is kept in this browser.`;
    const unsaved = drawing.mask.runs().toString() !== runs.toString(); // it was drawn on meanwhile
    Object.assign(drawing, { base: said.base, version: said.version, by: "", unsaved });
    this.#drafts.put(name, null);
    return "";
  }
}
