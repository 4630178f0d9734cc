/** Undoes the coding of frames of `processing.pair`. Runs in the page and in the worker. */

/**
 * @import { Geometry } from "../server.ts"
 * @import { Frame } from "./frames.js"
 */

/** `processing.pair.MEDIAN_EDGE`; without a number a frame holds differences to the left neighbour. */
const MEDIAN_EDGE = 2;
/** `processing.pair.LEVEL_STEP` as a shift. */
const LEVEL_SHIFT = 4;

/** A frame that is not what the server sends; trying again will not help. */
export class MalformedFrame extends Error {}

/**
 * @param {ArrayBuffer} compressed
 * @param {Pick<Geometry, "rows"|"columns"|"coding">} geometry
 * @returns {Promise<Frame>}
 * @throws {MalformedFrame} any other error: the bytes are damaged
 */
export async function unpack(compressed, geometry) {
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return decode(await new Response(stream).arrayBuffer(), geometry);
}

/**
 * Low bytes, then high bytes, of the wide frame [left | right], row by row.
 * @param {ArrayBuffer} buffer 2 × rows × 2 × columns bytes
 * @param {Pick<Geometry, "rows"|"columns"|"coding">} geometry columns of one side
 * @returns {Frame}
 */
export function decode(buffer, { rows, columns, coding }) {
  const size = rows * 2 * columns;
  if (buffer.byteLength !== 2 * size) throw new MalformedFrame("The frame has a wrong length.");
  const low = new Uint8Array(buffer, 0, size);
  const high = new Uint8Array(buffer, size, size);
  const left = new Uint16Array(rows * columns);
  const right = new Uint16Array(rows * columns);
  (coding === MEDIAN_EDGE ? medianEdge : leftNeighbour)(low, high, { rows, columns, sides: [left, right] });
  return { left, right };
}

/**
 * @typedef {{rows: number, columns: number, sides: Uint16Array[]}} Into
 * @typedef {(low: Uint8Array, high: Uint8Array, into: Into) => void} Coding
 */

/** @type {Coding} */
function leftNeighbour(low, high, { rows, columns, sides }) {
  let from = 0;
  for (let row = 0; row < rows; row += 1) {
    let value = 0;
    for (const side of sides) {
      const start = row * columns;
      for (let to = start; to < start + columns; to += 1, from += 1) {
        value = (value + low[from] + (high[from] << 8)) & 0xffff;
        side[to] = value;
      }
    }
  }
}

/** @type {Coding} */
function medianEdge(low, high, { rows, columns, sides }) {
  const wide = 2 * columns;
  // The row above in the wide frame, overwritten from the left by the row that is being read.
  const line = new Int32Array(wide);
  let from = 0;
  for (let row = 0; row < rows; row += 1) {
    let west = line[0];
    let corner = west;
    for (let column = 0; column < wide; column += 1, from += 1) {
      const north = row ? line[column] : west;
      const least = west < north ? west : north;
      const most = west < north ? north : west;
      const middle = west + north - corner; // in the first row this comes between two that are alike
      const expected = middle < least ? least : middle > most ? most : middle;
      const coded = low[from] | (high[from] << 8);
      west = expected + ((coded >>> 1) ^ -(coded & 1));
      corner = north;
      line[column] = west;
    }
    const start = row * columns;
    for (let column = 0; column < columns; column += 1) {
      sides[0][start + column] = line[column] << LEVEL_SHIFT;
      sides[1][start + column] = line[columns + column] << LEVEL_SHIFT;
    }
  }
}
