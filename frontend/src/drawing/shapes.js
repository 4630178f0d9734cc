/**
 * What a gesture covers on one slice: arrays of 0 and 1, row by row. Places are [row, column] in pixels, whole numbers at
 * the centres of pixels; a pixel is covered if its centre is.
 */

/**
 * @typedef {[number, number]} Place
 * @typedef {{rows: number, columns: number}} Plane
 * @typedef {[number, number]} Radii along rows and columns, in pixels
 */

/** Rounding of screen coordinates must not decide on a centre that lies on the edge. */
const NEAR = 1e-6;

/**
 * Radii of a circle. In pixels: along columns, and as many mm along rows where pixels are not square.
 * @param {number} diameter
 * @param {"px"|"mm"} unit
 * @param {Place} spacing mm between rows and between columns
 * @returns {Radii}
 */
export function radiiOf(diameter, unit, [betweenRows, betweenColumns]) {
  const mm = unit === "mm" ? diameter : diameter * betweenColumns;
  return [mm / 2 / betweenRows, mm / 2 / betweenColumns];
}

/**
 * Where the centre of a circle of this many pixels goes: of an odd number on the centre of a pixel, of an even one on a
 * corner, so that it is as wide as it says.
 * @param {Place} place
 * @param {number} diameter
 * @returns {Place}
 */
export function snapped([row, column], diameter) {
  const half = Number.isInteger(diameter) && diameter % 2 === 0 ? 0.5 : 0;
  return [Math.round(row - half) + half, Math.round(column - half) + half];
}

/**
 * @param {Plane} plane
 * @param {Place} centre
 * @param {Radii} radii
 */
export function ellipse(plane, centre, radii) {
  return stroke(plane, centre, centre, radii);
}

/**
 * What a brush covers on its way from one place to another.
 * @param {Plane} plane
 * @param {Place} from
 * @param {Place} to
 * @param {Radii} radii of the brush
 */
export function stroke({ rows, columns }, from, to, [down, across]) {
  const covered = new Uint8Array(rows * columns);
  if (!(down > 0 && across > 0)) return covered;
  // In units of the brush its end is a circle of radius 1.
  const [y, x] = [from[0] / down, from[1] / across];
  const [dy, dx] = [to[0] / down - y, to[1] / across - x];
  const length = dy * dy + dx * dx;
  const first = Math.max(0, Math.ceil(Math.min(from[0], to[0]) - down - NEAR));
  const last = Math.min(rows - 1, Math.floor(Math.max(from[0], to[0]) + down + NEAR));
  const left = Math.max(0, Math.ceil(Math.min(from[1], to[1]) - across - NEAR));
  const right = Math.min(columns - 1, Math.floor(Math.max(from[1], to[1]) + across + NEAR));
  for (let row = first; row <= last; row += 1) {
    for (let column = left; column <= right; column += 1) {
      const [v, u] = [row / down - y, column / across - x];
      const along = length ? Math.min(1, Math.max(0, (v * dy + u * dx) / length)) : 0;
      if ((v - along * dy) ** 2 + (u - along * dx) ** 2 <= 1 + NEAR) covered[row * columns + column] = 1;
    }
  }
  return covered;
}

/**
 * The inside of a line that was drawn by hand and is closed from its end to its beginning; where it crosses itself, all
 * that it goes around.
 * @param {Plane} plane
 * @param {Place[]} points
 */
export function outlined({ rows, columns }, points) {
  const covered = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row += 1) {
    /** @type {[number, number][]} where the line crosses the row, and whether it goes down or up */
    const crossed = [];
    points.forEach(([r1, c1], at) => {
      const [r2, c2] = points[(at + 1) % points.length];
      if (r1 <= row !== r2 <= row) crossed.push([c1 + ((row - r1) / (r2 - r1)) * (c2 - c1), r1 <= row ? 1 : -1]);
    });
    crossed.sort(([a], [b]) => a - b);
    let turns = 0;
    crossed.forEach(([column, way], at) => {
      turns += way;
      if (!turns) return;
      const from = Math.max(0, Math.ceil(column - NEAR));
      const to = Math.min(columns - 1, Math.floor(crossed[at + 1][0] + NEAR));
      if (to >= from) covered.fill(1, row * columns + from, row * columns + to + 1);
    });
  }
  return covered;
}

/**
 * Otsu's threshold inside an area: the value that separates two groups best.
 * @param {Uint16Array} values of a slice
 * @param {Uint8Array} area
 * @returns {number} the greatest value of the darker group
 */
export function otsu(values, area) {
  const inside = values.filter((_, at) => area[at]).sort();
  const total = inside.reduce((sum, value) => sum + value, 0);
  let [best, found, below] = [-1, inside[0] ?? 0, 0];
  for (let at = 0; at + 1 < inside.length; at += 1) {
    below += inside[at];
    if (inside[at] === inside[at + 1]) continue;
    const [darker, brighter] = [at + 1, inside.length - at - 1];
    const spread = darker * brighter * (below / darker - (total - below) / brighter) ** 2;
    if (spread > best) [best, found] = [spread, inside[at]];
  }
  return found;
}

/**
 * What of an area lies on the same side of a threshold as its seed, and hangs together with it (four neighbours).
 * @param {Plane} plane
 * @param {Uint16Array} values
 * @param {Uint8Array} area
 * @param {Place} seed
 * @param {number} [threshold] the greatest value of the darker side; Otsu's by default
 */
export function thresholded({ rows, columns }, values, area, seed, threshold = otsu(values, area)) {
  const covered = new Uint8Array(rows * columns);
  const start = Math.round(seed[0]) * columns + Math.round(seed[1]);
  if (!area[start]) return covered;
  const bright = values[start] > threshold;
  const open = [start];
  covered[start] = 1;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const column = at % columns;
    const near = [at - columns, at + columns, column > 0 ? at - 1 : -1, column < columns - 1 ? at + 1 : -1];
    for (const next of near) {
      if (area[next] && !covered[next] && values[next] > threshold === bright) {
        covered[next] = 1;
        open.push(next);
      }
    }
  }
  return covered;
}

/**
 * The same, moved by whole pixels; what leaves the slice is lost.
 * @param {Plane} plane
 * @param {Uint8Array} voxels
 * @param {Place} by
 */
export function moved({ rows, columns }, voxels, [down, across]) {
  const result = new Uint8Array(rows * columns);
  voxels.forEach((one, at) => {
    const [row, column] = [Math.floor(at / columns) + down, (at % columns) + across];
    if (one && row >= 0 && row < rows && column >= 0 && column < columns) result[row * columns + column] = 1;
  });
  return result;
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export const union = (a, b) => a.map((one, at) => one | b[at]);

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export const without = (a, b) => a.map((one, at) => one & (b[at] ^ 1));
