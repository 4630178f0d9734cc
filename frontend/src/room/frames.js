/** The frames of one pair: fetched middle first, unpacked into two stacks that grow together. */

import { ApiError, frame } from "./api.js";

/**
 * @import { Geometry, Side } from "../server.ts"
 * @typedef {Record<Side, Uint16Array<ArrayBuffer>>} Frame rows × columns of each side, row-major
 */

const ATTEMPTS = 4;

/**
 * Undoes the frame encoding of `processing.pair`: byte planes, then row-wise differences, then left | right.
 * @param {ArrayBuffer} buffer 2 × rows × 2 × columns bytes
 * @param {number} rows
 * @param {number} columns of one side
 * @returns {Frame}
 */
export function decode(buffer, rows, columns) {
  const wide = 2 * columns;
  const size = rows * wide;
  if (buffer.byteLength !== 2 * size) throw new ApiError("refused", 0, { detail: "The frame has a wrong length." });
  const low = new Uint8Array(buffer, 0, size);
  const high = new Uint8Array(buffer, size, size);
  const left = new Uint16Array(rows * columns);
  const right = new Uint16Array(rows * columns);
  for (let row = 0; row < rows; row += 1) {
    let from = row * wide;
    let value = 0;
    for (const side of [left, right]) {
      const start = row * columns;
      for (let to = start; to < start + columns; to += 1, from += 1) {
        value = (value + low[from] + (high[from] << 8)) & 0xffff;
        side[to] = value;
      }
    }
  }
  return { left, right };
}

/** Both stacks of one presentation. A slice is there on both sides or on neither. */
export class Stacks {
  #base;
  #waiting;
  #abort = new AbortController();
  #running = 0;
  #width = 0;

  /**
   * @param {string} base address of the presentation, ending in a slash
   * @param {{geometry: Geometry, order: number[]}} pair
   */
  constructor(base, { geometry, order }) {
    this.#base = base;
    this.#waiting = [...order];
    this.geometry = geometry;
    /** @type {(Frame|null)[]} by slice */
    this.slices = new Array(geometry.slices).fill(null);
    this.loaded = 0;
    /** @type {unknown} */
    this.error = null;
    /** Called when one more slice is there. */
    this.onslice = () => {};
    /** @type {(error: unknown) => void} called when a frame could not be had after several attempts */
    this.onerror = () => {};
    /** Called when nobody wants this pair any more. */
    this.onstop = () => {};
  }

  get complete() {
    return this.loaded === this.slices.length;
  }

  /**
   * Starts or goes on fetching.
   * @param {number} width how many requests at once; a browser has six connections, answers need some too
   */
  load(width) {
    this.error = null;
    this.#width = width;
    while (this.#running < this.#width && this.#waiting.length && !this.#abort.signal.aborted) {
      this.#running += 1;
      this.#next();
    }
  }

  /**
   * Fetches one slice before all others.
   * @param {number} index
   */
  want(index) {
    const at = this.#waiting.indexOf(index);
    if (at > 0) this.#waiting.unshift(...this.#waiting.splice(at, 1));
  }

  stop() {
    this.#abort.abort();
    this.#waiting = [];
    this.onstop();
  }

  get stopped() {
    return this.#abort.signal.aborted;
  }

  async #next() {
    const { signal } = this.#abort;
    while (!this.error && !signal.aborted && this.#running <= this.#width) {
      const index = this.#waiting.shift();
      if (index === undefined) break;
      try {
        const buffer = await this.#fetch(index, signal);
        const { rows, columns } = this.geometry;
        this.slices[index] = decode(buffer, rows, columns);
        this.loaded += 1;
        this.onslice();
      } catch (error) {
        if (signal.aborted) break;
        this.#waiting.unshift(index);
        this.error = error;
        this.onerror(error);
      }
    }
    this.#running -= 1;
  }

  /**
   * @param {number} index
   * @param {AbortSignal} signal
   */
  async #fetch(index, signal) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await frame(`${this.#base}frames/${index}/`, signal);
      } catch (error) {
        if (signal.aborted || !(error instanceof ApiError) || error.kind !== "offline" || attempt === ATTEMPTS) throw error;
        await new Promise((done) => setTimeout(done, 250 * 2 ** attempt));
      }
    }
  }
}
