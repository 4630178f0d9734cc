/** Numbers made of the pixels themselves. Readers meet them only where the protocol shows values. */

/**
 * @import { Geometry } from "../server.ts"
 * @import { Place } from "./lengths.js"
 *
 * @typedef {object} Statistics of the pixels whose centre lies in an ellipse
 * @property {number} count
 * @property {number} area mm²
 * @property {number} mean
 * @property {number|null} sd with n − 1; null for a single pixel
 */

/** What stands for "alike" in a difference. */
export const ALIKE = 32768;

/**
 * A value in percent of the range that both sides of every pair share: 0 is black, 100 the upper end of the window.
 * @param {number} value
 * @param {Geometry} geometry
 */
export function percent(value, { window: { lower, upper } }) {
  return (100 * (value - lower)) / (upper - lower);
}

/**
 * @param {Uint16Array} pixels
 * @param {Geometry} geometry
 * @param {Place} from a corner of the box around the ellipse
 * @param {Place} to the opposite corner
 * @returns {Statistics|null} null where no pixel lies in it
 */
export function statistics(pixels, { rows, columns, spacing }, from, to) {
  const [x, y] = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  const [a, b] = [Math.abs(to[0] - from[0]) / 2, Math.abs(to[1] - from[1]) / 2];
  const inside = [];
  for (let row = Math.max(0, Math.floor(y - b)); row < Math.min(rows, y + b); row += 1) {
    for (let column = Math.max(0, Math.floor(x - a)); column < Math.min(columns, x + a); column += 1) {
      if (((column + 0.5 - x) / a) ** 2 + ((row + 0.5 - y) / b) ** 2 <= 1) inside.push(pixels[row * columns + column]);
    }
  }
  const count = inside.length;
  if (!count) return null;
  const mean = inside.reduce((sum, value) => sum + value, 0) / count;
  const squares = inside.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, area: count * spacing[0] * spacing[1], mean, sd: count > 1 ? Math.sqrt(squares / (count - 1)) : null };
}

/**
 * The right image less the left one; halved, so that every difference fits.
 * @param {Uint16Array} left
 * @param {Uint16Array} right
 */
export function difference(left, right) {
  return right.map((value, at) => ALIKE + (value - left[at]) / 2);
}
