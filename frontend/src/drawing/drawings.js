/** The drawings of one case by the names of their sites: what is saved, what is not, and what the site says of it. */

import { csrfToken } from "../shared/csrf.js";
import { LOCKED_ELSEWHERE } from "../shared/idle_lock.js";
import { History } from "./history.js";
import { Mask } from "./mask.js";

/**
 * @import { Shape } from "./mask.js"
 * @import { Drafts } from "./drafts.js"
 * @typedef {{arm: string, how: string, awaited: boolean, fits: boolean|null, picture: string, url: string}} Look at
 *   another acquisition; `fits` null: nobody said yet
 * @typedef {{name: string, base: number, version: number, by: string, runs: number[], looks: Look[]}} Saved
 * @typedef {object} Drawing
 * @property {Mask} mask
 * @property {number|null} base the version it began from
 * @property {number} version 0 until it is saved
 * @property {string} by
 * @property {boolean} unsaved
 * @property {Look[]} looks of the saved version
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
    for (const { name, base, version, by, runs, looks } of saved) {
      this.#all.set(name, { mask: Mask.of(runs, shape), base, version, by, looks, unsaved: false, other: null });
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
      found = { mask: new Mask(this.#shape), base: null, version: 0, by: "", looks: [], unsaved: false, other: null };
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
    const { wrong, said } = await send(url, JSON.stringify({ name, runs, base: drawing.base, second }), "application/json");
    if (wrong) return wrong;
    const unsaved = drawing.mask.runs().toString() !== runs.toString(); // it was drawn on meanwhile
    Object.assign(drawing, { base: said.base, version: said.version, by: "", looks: said.looks, unsaved });
    this.#drafts.put(name, null);
    return "";
  }
}

/**
 * @param {Look} look
 * @param {boolean} fits
 * @returns {Promise<string>} what is wrong; empty if it is kept
 */
export async function sayOf(look, fits) {
  const { wrong } = await send(look.url, fits ? "fits=1" : "not=1", "application/x-www-form-urlencoded");
  if (!wrong) look.fits = fits;
  return wrong;
}

/**
 * @param {string} url
 * @param {string} body
 * @param {string} kind
 * @returns {Promise<{wrong: string, said: any}>} what is wrong, in words, and what the site said
 */
async function send(url, body, kind) {
  const headers = { "Content-Type": kind, Accept: "application/json", "X-CSRFToken": csrfToken() };
  let answer;
  try {
    answer = await fetch(url, { method: "POST", headers, body, redirect: "manual" });
  } catch {
    return { wrong: "The site does not answer. What is drawn is kept in this browser; try again later.", said: {} };
  }
  const said = await answer.json().catch(() => ({}));
  if (said.code === "unlock") dispatchEvent(new Event(LOCKED_ELSEWHERE));
  if (answer.ok) return { wrong: "", said };
  return { wrong: said.detail ?? `The site refused it (${answer.status}). What is drawn is kept in this browser.`, said };
}
