/** Undoes the coding of frames of `processing.pair`. Runs in the page and in the worker. */

/**
 * @import { Geometry } from "../server.ts"
 * @import { Frame } from "./frames.js"
 */

/** Those of `processing.pair`; without a number a frame holds differences to the left neighbour. */
const MEDIAN_EDGE = 2;
const SORTED_BY_ERRORS_ABOVE = 3;
const CLASSES = 16;
/** `processing.pair.LEVEL_STEP` as a shift. */
const LEVEL_SHIFT = 4;

/** A frame that is not what the server sends; trying again will not help. */
export class MalformedFrame extends Error {
  /** @override */
  name = "MalformedFrame";
}

/**
 * By its name: what unpacks may come from another script, with a class of its own.
 * @param {unknown} error
 * @returns {error is MalformedFrame}
 */
export const isMalformed = (error) => error instanceof Error && error.name === "MalformedFrame";

/**
 * @param {ArrayBuffer} compressed
 * @param {Pick<Geometry, "rows"|"columns"|"coding">} geometry
 * @returns {Promise<Frame>}
 * @throws {MalformedFrame} any other error: the bytes are damaged
 */
export async function unpack(compressed, geometry) {
  const packed = /** @type {ReadableStream<BufferSource>} */ (new Response(compressed).body);
  return decode(await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer(), geometry);
}

/**
 * What `processing.pair.encode` made, before it was compressed.
 * @param {ArrayBuffer} buffer low bytes, then high bytes, of 2 × rows × columns numbers; before them by the present
 *   coding how many are in each group
 * @param {Pick<Geometry, "rows"|"columns"|"coding">} geometry columns of one side
 * @returns {Frame}
 */
export function decode(buffer, { rows, columns, coding }) {
  const size = rows * 2 * columns;
  const head = coding === SORTED_BY_ERRORS_ABOVE ? 2 * CLASSES : 0;
  if (buffer.byteLength !== 4 * head + 2 * size) throw new MalformedFrame("The frame has a wrong length.");
  const counts = new Uint32Array(buffer, 0, head);
  const low = new Uint8Array(buffer, 4 * head, size);
  const high = new Uint8Array(buffer, 4 * head + size, size);
  const left = new Uint16Array(rows * columns);
  const right = new Uint16Array(rows * columns);
  const into = { rows, columns, sides: [left, right] };
  if (head) errorsAbove(counts, low, high, into);
  else (coding === MEDIAN_EDGE ? medianEdge : leftNeighbour)(low, high, into);
  return { left, right };
}

/**
 * @typedef {{rows: number, columns: number, sides: Uint16Array[]}} Into
 * @typedef {(low: Uint8Array, high: Uint8Array, into: Into) => void} Coding
 */

/**
 * Both sides in one loop: neither waits for the other, so a processor does them at once.
 * @param {Uint32Array} counts by class, left and right
 * @param {Uint8Array} low
 * @param {Uint8Array} high
 * @param {Into} into
 */
function errorsAbove(counts, low, high, { rows, columns, sides: [left, right] }) {
  // Where the next error of each class lies, by how many of 32 bits the sum of those above leaves free.
  const lefts = new Int32Array(33);
  const rights = new Int32Array(33);
  for (let group = 0, at = 0; group < CLASSES; group += 1) {
    lefts[32 - group] = at;
    rights[32 - group] = at + counts[2 * group];
    at = rights[32 - group] + counts[2 * group + 1];
  }
  // The row above, overwritten from the left: levels; folded errors, with nothing beyond the last.
  const leftLine = new Int32Array(columns);
  const rightLine = new Int32Array(columns);
  const leftErrors = new Int32Array(columns + 1);
  const rightErrors = new Int32Array(columns + 1);
  for (let row = 0, to = 0; row < rows; row += 1) {
    let leftWest = leftLine[0];
    let rightWest = rightLine[0];
    let leftCorner = leftWest;
    let rightCorner = rightWest;
    let leftBefore = 0;
    let rightBefore = 0;
    for (let column = 0; column < columns; column += 1, to += 1) {
      const leftAbove = leftErrors[column];
      const rightAbove = rightErrors[column];
      const leftAt = lefts[Math.clz32(leftBefore + leftAbove + leftErrors[column + 1])]++;
      const rightAt = rights[Math.clz32(rightBefore + rightAbove + rightErrors[column + 1])]++;
      const leftCoded = low[leftAt] | (high[leftAt] << 8);
      const rightCoded = low[rightAt] | (high[rightAt] << 8);
      const leftNorth = row ? leftLine[column] : leftWest;
      const rightNorth = row ? rightLine[column] : rightWest;
      leftWest = expected(leftWest, leftNorth, leftCorner) + unfolded(leftCoded);
      rightWest = expected(rightWest, rightNorth, rightCorner) + unfolded(rightCoded);
      leftErrors[column] = leftCoded;
      rightErrors[column] = rightCoded;
      leftBefore = leftAbove;
      rightBefore = rightAbove;
      leftCorner = leftNorth;
      rightCorner = rightNorth;
      leftLine[column] = leftWest;
      rightLine[column] = rightWest;
      left[to] = leftWest << LEVEL_SHIFT;
      right[to] = rightWest << LEVEL_SHIFT;
    }
  }
}

/**
 * The median edge detector: W + N − NW, between W and N.
 * @param {number} west
 * @param {number} north
 * @param {number} corner
 */
function expected(west, north, corner) {
  const least = west < north ? west : north;
  const most = west < north ? north : west;
  const middle = west + north - corner; // in the first row this comes between two that are alike
  return middle < least ? least : middle > most ? most : middle;
}

/** @param {number} coded 0, 1, 2, 3, … for 0, −1, 1, −2, … */
const unfolded = (coded) => (coded >>> 1) ^ -(coded & 1);

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
      west = expected(west, north, corner) + unfolded(low[from] | (high[from] << 8));
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
