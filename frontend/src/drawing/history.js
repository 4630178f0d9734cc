/** Steps that can be undone and done again. A voxel is drawn or not, so a step is which voxels it turned, both ways. */

/** @import { Mask } from "./mask.js" */

const MOST_STEPS = 200;

/**
 * @typedef {{slice: number, turned: Uint32Array}} Change places in the slice
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
      const before = mask.slice(slice);
      const turned = [];
      for (let at = 0; at < after.length; at += 1) if (after[at] !== before[at]) turned.push(at);
      if (turned.length) changes.push({ slice, turned: Uint32Array.from(turned) });
    }
    if (!changes.length) return false;
    turn(mask, changes);
    const last = this.done.at(-1);
    if (joined && last) {
      last.changes.push(...changes);
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
    return move(this.done, this.undone, maskOf);
  }

  /**
   * @param {(name: string) => Mask} maskOf
   * @returns {Step|undefined} what was done again
   */
  redo(maskOf) {
    return move(this.undone, this.done, maskOf);
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

/**
 * @param {Mask} mask
 * @param {Change[]} changes
 */
function turn(mask, changes) {
  for (const { slice, turned } of changes) mask.turn(slice, turned);
}

/**
 * @param {Step[]} from
 * @param {Step[]} to
 * @param {(name: string) => Mask} maskOf
 */
function move(from, to, maskOf) {
  const step = from.pop();
  if (!step) return undefined;
  turn(maskOf(step.name), step.changes);
  to.push(step);
  return step;
}
