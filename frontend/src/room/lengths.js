/** Lengths and angles in the image plane, in mm: pixels need not be square. */

/**
 * @typedef {[number, number]} Place column and row; pixel n spans n … n + 1
 * @typedef {[number, number]} Spacing mm between rows, between columns
 */

/**
 * @param {Place} from
 * @param {Place} to
 * @param {Spacing} spacing
 * @returns {[number, number]} mm to the right and down
 */
function way(from, to, [row, column]) {
  return [(to[0] - from[0]) * column, (to[1] - from[1]) * row];
}

/**
 * @param {Place} from
 * @param {Place} to
 * @param {Spacing} spacing
 * @returns {number} mm
 */
export function millimetres(from, to, spacing) {
  return Math.hypot(...way(from, to, spacing));
}

/**
 * The angle at a corner.
 * @param {Place} from
 * @param {Place} corner
 * @param {Place} to
 * @param {Spacing} spacing
 * @returns {number} degrees, 0 … 180
 */
export function degrees(from, corner, to, spacing) {
  const [a, b] = [way(corner, from, spacing), way(corner, to, spacing)];
  return (Math.atan2(Math.abs(a[0] * b[1] - a[1] * b[0]), a[0] * b[0] + a[1] * b[1]) * 180) / Math.PI;
}

/**
 * The longest of 1, 2, 5, 10, 20 … mm that is no longer than this.
 * @param {number} most mm
 */
export function roundLength(most) {
  const ten = 10 ** Math.floor(Math.log10(most));
  return ten * ([5, 2].find((times) => times * ten <= most) ?? 1);
}
