/** Steps that can be undone and done again, each with the slices of one drawing before and after it. */

/** @import { Mask } from "./mask.js" */

const MOST_STEPS = 200;

/**
 * @typedef {{slice: number, before: Uint8Array, after: Uint8Array}} Change
 * @typedef {{name: string, what: string, changes: Change[]}} Step
 */

export class History {
  /** @type {Step[]} */
  done = [];
  /** @type {Step[]} */
  undone = [];

  /**
   * Changes slices of a mask as one step; nothing where nothing would change.
   * @param {string} name of the drawing
   * @param {Mask} mask
   * @param {string} what was done, in words
   * @param {Map<number, Uint8Array>} slices what they are to be
   * @param {boolean} [joined] with the step before, as the strokes of one gesture are
   * @returns {boolean} whether something changed
   */
  change(name, mask, what, slices, joined = false) {
    const changes = [];
    for (const [slice, after] of slices) {
      const before = mask.slice(slice).slice();
      if (before.every((one, at) => one === after[at])) continue;
      changes.push({ slice, before, after });
      mask.put(slice, after);
    }
    if (!changes.length) return false;
    const last = this.done.at(-1);
    if (joined && last) {
      for (const change of changes) {
        const same = last.changes.find(({ slice }) => slice === change.slice);
        if (same) same.after = change.after;
        else last.changes.push(change);
      }
      return true;
    }
    this.done.push({ name, what, changes });
    if (this.done.length > MOST_STEPS) this.done.shift();
    this.undone = [];
    return true;
  }

  /**
   * @param {(name: string) => Mask} maskOf
   * @returns {Step|undefined} what was undone
   */
  undo(maskOf) {
    const step = this.done.pop();
    if (!step) return undefined;
    for (const { slice, before } of step.changes) maskOf(step.name).put(slice, before);
    this.undone.push(step);
    return step;
  }

  /**
   * @param {(name: string) => Mask} maskOf
   * @returns {Step|undefined} what was done again
   */
  redo(maskOf) {
    const step = this.undone.pop();
    if (!step) return undefined;
    for (const { slice, after } of step.changes) maskOf(step.name).put(slice, after);
    this.done.push(step);
    return step;
  }

  /**
   * Forgets the steps of a drawing that another one took the place of.
   * @param {string} name
   */
  forget(name) {
    this.done = this.done.filter((step) => step.name !== name);
    this.undone = this.undone.filter((step) => step.name !== name);
  }
}
