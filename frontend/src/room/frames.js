/** The frames of one pair: fetched middle first, unpacked into two stacks that grow together. */

import { ApiError, frame } from "./api.js";
import { begun } from "./begun.js";
import { isMalformed, unpack } from "./decode.js";

/**
 * @import { Geometry, Side } from "../server.ts"
 * @import { Unpack } from "./unpacker.js"
 * @typedef {Record<Side, Uint16Array<ArrayBuffer>>} Frame rows × columns of each side, row-major
 */

const ATTEMPTS = 4;

/** Both stacks of one presentation. A slice is there on both sides or on neither. */
export class Stacks {
  #base;
  #waiting;
  #unpack;
  #abort = new AbortController();
  #running = 0;
  #width = 0;
  /** @type {RequestPriority} */
  #priority = "auto";

  /**
   * @param {string} base address of the presentation, ending in a slash
   * @param {{geometry: Geometry, order: number[]}} pair
   * @param {Unpack} [unpacker]
   */
  constructor(base, { geometry, order }, unpacker = unpack) {
    this.#base = base;
    this.#unpack = unpacker;
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
   * @param {RequestPriority} [priority] low for a pair whose turn has not come
   */
  load(width, priority = "auto") {
    this.error = null;
    this.#width = width;
    this.#priority = priority;
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
      // Not until it is unpacked: the line would be idle meanwhile.
      await new Promise((arrived) => void this.#keep(index, signal, () => arrived(undefined)));
    }
    this.#running -= 1;
  }

  /**
   * @param {number} index
   * @param {AbortSignal} signal
   * @param {() => void} arrived called when its bytes are there, or will not come
   */
  async #keep(index, signal, arrived) {
    try {
      const slice = await this.#fetch(index, signal, arrived);
      if (signal.aborted) return;
      this.slices[index] = slice;
      this.loaded += 1;
      this.onslice();
    } catch (error) {
      if (signal.aborted) return;
      this.#waiting.unshift(index);
      this.error = error;
      this.onerror(error);
    } finally {
      arrived();
    }
  }

  /**
   * @param {number} index
   * @param {AbortSignal} signal
   * @param {() => void} arrived
   */
  async #fetch(index, signal, arrived) {
    const path = `${this.#base}frames/${index}/`;
    const early = begun().take(path);
    // Where it does not come it is asked for again, which says why.
    const there = early && (await early.arrived.then(arrived).then(() => early.unpacked).catch(() => null));
    if (there) return there;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const compressed = await frame(path, signal, this.#priority);
        arrived();
        return await this.#unpacked(compressed);
      } catch (error) {
        if (signal.aborted || !(error instanceof ApiError) || error.kind !== "offline" || attempt === ATTEMPTS) throw error;
        await new Promise((done) => setTimeout(done, 250 * 2 ** attempt));
      }
    }
  }

  /** @param {ArrayBuffer} compressed */
  async #unpacked(compressed) {
    try {
      return await this.#unpack(compressed, this.geometry);
    } catch (error) {
      if (isMalformed(error)) throw new ApiError("refused", 0, { detail: error.message });
      throw new ApiError("offline");
    }
  }
}
