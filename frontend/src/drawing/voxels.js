/** The slices of a series with every intensity, as `processing.drawn.coded_slice` codes them. */

/** @import { Shape } from "./mask.js" */

const AT_ONCE = 4;

/**
 * @param {ArrayBuffer} packed
 * @param {{rows: number, columns: number}} plane
 * @returns {Promise<Uint16Array>}
 */
export async function unpack(packed, { rows, columns }) {
  const stream = /** @type {ReadableStream<BufferSource>} */ (new Response(packed).body);
  const plain = await new Response(stream.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  const size = rows * columns;
  if (plain.byteLength !== 2 * size) throw new Error("A slice has a wrong length.");
  const [low, high] = [new Uint8Array(plain, 0, size), new Uint8Array(plain, size)];
  const values = new Uint16Array(size);
  for (let row = 0, at = 0; row < rows; row += 1) {
    for (let column = 0, value = 0; column < columns; column += 1, at += 1) {
      value = (value + low[at] + (high[at] << 8)) & 0xffff;
      values[at] = value;
    }
  }
  return values;
}

export class Slices {
  /** @type {(Uint16Array|undefined)[]} */
  values = [];
  #url;
  #shape;
  #onload;
  #wanted;
  /** @type {number[]} */
  #left;

  /**
   * @param {string} url
   * @param {Shape} shape
   * @param {number} wanted the slice that is looked at
   * @param {(slice: number, failed?: unknown) => void} onload
   */
  constructor(url, shape, wanted, onload) {
    this.#url = url;
    this.#shape = shape;
    this.#wanted = wanted;
    this.#onload = onload;
    this.#left = Array.from({ length: shape.slices }, (_, slice) => slice);
    for (let one = 0; one < AT_ONCE; one += 1) this.#go();
  }

  /** @param {number} slice that is looked at now: it and what is near it come first */
  want(slice) {
    this.#wanted = slice;
  }

  async #go() {
    for (let slice = this.#next(); slice !== undefined; slice = this.#next()) {
      try {
        const answer = await fetch(`${this.#url}?slice=${slice}`);
        if (!answer.ok) throw new Error(`The site answered ${answer.status}.`);
        this.values[slice] = await unpack(await answer.arrayBuffer(), this.#shape);
        this.#onload(slice);
      } catch (error) {
        this.#onload(slice, error);
      }
    }
  }

  #next() {
    this.#left.sort((a, b) => Math.abs(b - this.#wanted) - Math.abs(a - this.#wanted));
    return this.#left.pop();
  }
}
