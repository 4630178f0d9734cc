/** What was on screen at a moment, from the samples of a log. No page. */

/**
 * @typedef {object} Sample what was on screen from `seconds` on; as `analysis/viewing_log.py` reads it
 * @property {number} seconds
 * @property {number} left slice
 * @property {number} right slice
 * @property {""|"left"|"right"} swapped
 * @property {boolean} linked
 * @property {number} window
 * @property {number} level
 * @property {boolean} invert
 * @property {number} zoom
 * @property {number} x
 * @property {number} y
 * @property {boolean} cine
 * @property {""|"left"|"right"} enlarged
 * @property {string} tool
 * @property {boolean} focus
 * @property {number} answers
 */

/**
 * @param {Sample[]} samples by time
 * @param {number} seconds
 */
export function at(samples, seconds) {
  return samples.findLast((sample) => sample.seconds <= seconds) ?? samples[0];
}

/** @param {Sample[]} samples */
export const length = (samples) => samples.at(-1)?.seconds ?? 0;

/**
 * The image that a pane shows.
 * @param {Sample} sample
 * @param {"left"|"right"} pane
 * @returns {"left"|"right"}
 */
export function imageIn(sample, pane) {
  if (sample.swapped !== pane) return pane;
  return pane === "left" ? "right" : "left";
}

/**
 * Where the image lies in a square pane whose side is 1: centre of the pane in its middle.
 * @param {Sample} sample
 * @param {number} extent of the image, mm
 * @returns {{x: number, y: number, size: number}} left and upper edge
 */
export function placed({ zoom, x, y }, extent) {
  const size = zoom / 100;
  return { x: 0.5 - size / 2 - (size * x) / extent, y: 0.5 - size / 2 - (size * y) / extent, size };
}

/**
 * One stack's slices as points of a line with steps.
 * @param {Sample[]} samples
 * @param {"left"|"right"} side
 * @param {{width: number, height: number, slices: number}} box
 */
export function course(samples, side, { width, height, slices }) {
  const across = width / Math.max(length(samples), 0.25);
  const down = height / Math.max(slices - 1, 1);
  let before = samples[0]?.[side] ?? 0;
  return samples
    .flatMap((sample) => {
      const [x, from] = [sample.seconds * across, before * down];
      before = sample[side];
      return [`${x.toFixed(1)},${from.toFixed(1)}`, `${x.toFixed(1)},${(sample[side] * down).toFixed(1)}`];
    })
    .join(" ");
}

/**
 * What the drawing shows, in words.
 * @param {Sample} sample
 * @param {number} slices
 */
export function words(sample, slices) {
  const { left, right, window, level, zoom } = sample;
  return [
    left === right ? `slice ${left + 1} of ${slices}` : `slices ${left + 1} and ${right + 1} of ${slices}`,
    sample.linked ? "" : "not linked",
    sample.swapped && `the ${imageIn(sample, sample.swapped)} image in the ${sample.swapped} pane`,
    sample.enlarged && `${sample.enlarged} pane enlarged`,
    `window ${window} % · level ${level} %`,
    sample.invert ? "inverted" : "",
    `zoom ${zoom} %`,
    sample.tool,
    sample.cine ? "cine" : "",
    `${sample.answers} answered`,
    sample.focus ? "" : "page without focus",
  ].filter(Boolean).join(", ");
}
