/**
 * Slices between two drawn ones: the signed distance to the edge of both, weighed by how near they are. Shapes without a
 * voxel in common wander from one centre to the other.
 */

import { moved } from "./shapes.js";

/** @import { Place, Plane } from "./shapes.js" */

const FAR = 1e20;

/**
 * Squared distance along a line to the nearest place whose value is 0, with what is there added (Felzenszwalb and
 * Huttenlocher 2012).
 * @param {Float64Array} line overwritten
 * @param {number} spacing
 */
function along(line, spacing) {
  const { length } = line;
  const values = line.slice();
  const places = new Int32Array(length);
  const edges = new Float64Array(length + 1);
  let last = 0;
  edges[0] = -Infinity;
  edges[1] = Infinity;
  const square = spacing * spacing;
  for (let at = 1; at < length; at += 1) {
    let edge;
    do {
      const before = places[last];
      edge = ((values[at] - values[before]) / square + at * at - before * before) / (2 * (at - before));
    } while (edge <= edges[last] && --last >= 0);
    last += 1;
    places[last] = at;
    edges[last] = edge;
    edges[last + 1] = Infinity;
  }
  for (let at = 0, part = 0; at < length; at += 1) {
    while (edges[part + 1] < at) part += 1;
    line[at] = square * (at - places[part]) ** 2 + values[places[part]];
  }
}

/**
 * Distance of every pixel, in mm, to the nearest one that is covered.
 * @param {Plane} plane
 * @param {(at: number) => boolean} covered
 * @param {Place} spacing between rows and between columns
 */
function distances({ rows, columns }, covered, [betweenRows, betweenColumns]) {
  const found = Float64Array.from({ length: rows * columns }, (_, at) => (covered(at) ? 0 : FAR));
  const line = new Float64Array(rows);
  for (let column = 0; column < columns; column += 1) {
    for (let row = 0; row < rows; row += 1) line[row] = found[row * columns + column];
    along(line, betweenRows);
    for (let row = 0; row < rows; row += 1) found[row * columns + column] = line[row];
  }
  for (let row = 0; row < rows; row += 1) along(found.subarray(row * columns, (row + 1) * columns), betweenColumns);
  return found.map(Math.sqrt);
}

/**
 * Negative inside, positive outside, 0 half a pixel from both.
 * @param {Plane} plane
 * @param {Uint8Array} voxels with some that are covered
 * @param {Place} spacing
 */
export function signed(plane, voxels, spacing) {
  const outside = distances(plane, (at) => voxels[at] === 1, spacing);
  const inside = distances(plane, (at) => voxels[at] === 0, spacing);
  return outside.map((distance, at) => distance - inside[at]);
}

/**
 * The mean place of what is drawn.
 * @param {Plane} plane
 * @param {Uint8Array} voxels
 * @returns {Place}
 */
function centre({ columns }, voxels) {
  let [count, down, across] = [0, 0, 0];
  voxels.forEach((one, at) => {
    if (!one) return;
    count += 1;
    down += Math.floor(at / columns);
    across += at % columns;
  });
  return [down / count, across / count];
}

/**
 * A shape, moved by a share of the way by whole pixels.
 * @param {Plane} plane
 * @param {Uint8Array} voxels
 * @param {Place} way
 * @param {number} share
 */
function onWay(plane, voxels, [down, across], share) {
  return moved(plane, voxels, [Math.round(share * down), Math.round(share * across)]);
}

/**
 * What lies between two slices.
 * @param {Plane} plane
 * @param {Uint8Array} first
 * @param {Uint8Array} last
 * @param {number} gaps how many slices lie between them
 * @param {Place} spacing between rows and between columns, mm
 * @returns {Uint8Array[]} in order
 */
export function between(plane, first, last, gaps, spacing) {
  const apart = !first.some((one, at) => one && last[at]);
  const [from, to] = [centre(plane, first), centre(plane, last)];
  /** @type {Place} */
  const way = [to[0] - from[0], to[1] - from[1]];
  let [a, b] = [signed(plane, first, spacing), signed(plane, last, spacing)];
  return Array.from({ length: gaps }, (_, gap) => {
    const share = (gap + 1) / (gaps + 1);
    if (apart) {
      a = signed(plane, onWay(plane, first, way, share), spacing);
      b = signed(plane, onWay(plane, last, way, share - 1), spacing);
    }
    return Uint8Array.from(a, (distance, at) => ((1 - share) * distance + share * b[at] <= 0 ? 1 : 0));
  });
}
