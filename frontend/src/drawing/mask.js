/** The voxels of one drawing, and the runs in which they are sent: as `processing.drawn` has them. */

/** @typedef {{slices: number, rows: number, columns: number}} Shape */

export class Mask {
  /** @param {Shape} shape */
  constructor(shape) {
    this.shape = shape;
    this.area = shape.rows * shape.columns;
    this.voxels = new Uint8Array(shape.slices * this.area);
    /** Grows with every change of a slice, so that what is made of it can be kept until then. */
    this.revisions = new Uint32Array(shape.slices);
  }

  /**
   * @param {number[]} runs first voxel and length of each
   * @param {Shape} shape
   */
  static of(runs, shape) {
    const mask = new Mask(shape);
    for (let at = 0; at < runs.length; at += 2) mask.voxels.fill(1, runs[at], runs[at] + runs[at + 1]);
    return mask;
  }

  /** @returns {number[]} */
  runs() {
    const { voxels } = this;
    const found = [];
    for (let at = voxels.indexOf(1); at >= 0; ) {
      const end = voxels.indexOf(0, at);
      found.push(at, (end < 0 ? voxels.length : end) - at);
      at = end < 0 ? -1 : voxels.indexOf(1, end);
    }
    return found;
  }

  /** @param {number} slice the voxels of one slice, not a copy */
  slice(slice) {
    return this.voxels.subarray(slice * this.area, (slice + 1) * this.area);
  }

  /**
   * Covers voxels that were not, and uncovers those that were.
   * @param {number} slice
   * @param {Uint32Array} places in the slice
   */
  turn(slice, places) {
    const voxels = this.slice(slice);
    for (const at of places) voxels[at] ^= 1;
    this.revisions[slice] += 1;
  }

  /** @param {number} slice */
  count(slice) {
    let found = 0;
    for (const one of this.slice(slice)) found += one;
    return found;
  }

  /** Slices on which something is drawn, in order. */
  drawn() {
    const found = [];
    for (let slice = 0; slice < this.shape.slices; slice += 1) if (this.slice(slice).includes(1)) found.push(slice);
    return found;
  }
}
