/** The test patterns as grey values, one per device pixel: nothing is scaled between here and the screen. */

/** @import { Disc, Patch } from "./check.js" */

/** @param {number} percent of full drive */
export const grey = (percent) => Math.min(255, Math.max(0, Math.round(2.55 * percent)));

/**
 * @param {number} quarter 1 … 4 as one reads
 * @param {number} width
 * @param {number} height
 * @returns {[number, number]} the middle of the quarter
 */
function middle(quarter, width, height) {
  return [(width * (1 + 2 * ((quarter - 1) % 2))) / 4, (height * (1 + 2 * Math.floor((quarter - 1) / 2))) / 4];
}

/**
 * Equal steps of drive from black to white.
 * @param {number} width
 * @param {number} height
 * @param {number} count
 */
export function steps(width, height, count) {
  const row = Uint8ClampedArray.from({ length: width }, (_, x) => grey((100 * Math.floor((x * count) / width)) / (count - 1)));
  const values = new Uint8ClampedArray(width * height);
  for (let y = 0; y < height; y += 1) values.set(row, y * width);
  return values;
}

/**
 * A square in the middle of one quarter.
 * @param {number} size of the field
 * @param {Patch} patch
 * @param {number} quarter
 */
export function patched(size, { ground, patch }, quarter) {
  const values = new Uint8ClampedArray(size * size).fill(grey(ground));
  const half = Math.round(size / 10);
  const [x, y] = middle(quarter, size, size).map(Math.round);
  for (let at = y - half; at < y + half; at += 1) values.fill(grey(patch), at * size + x - half, at * size + x + half);
  return values;
}

/** A number from the standard normal distribution. @param {() => number} random */
const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/**
 * A disc in noise. Contrasts of less than a grey value are true on average, because the noise rounds them both ways.
 * @param {number} width
 * @param {number} height
 * @param {{ground: number, noise: number}} field % of full drive, mean and standard deviation
 * @param {Pick<Disc, "size"|"contrast"|"quarter">|null} disc
 * @param {() => number} [random]
 */
export function noisy(width, height, { ground, noise }, disc, random = Math.random) {
  const [x, y] = disc ? middle(disc.quarter, width, height) : [0, 0];
  const radius = disc ? disc.size / 2 : 0;
  const values = new Uint8ClampedArray(width * height);
  for (let at = 0; at < values.length; at += 1) {
    const inside = Math.hypot((at % width) + 0.5 - x, Math.floor(at / width) + 0.5 - y) < radius;
    values[at] = grey(ground + noise * normal(random) + (inside && disc ? disc.contrast : 0));
  }
  return values;
}

/**
 * Draws grey values on a canvas whose pixels are those of the screen.
 * @param {HTMLCanvasElement} canvas
 * @param {(width: number, height: number) => Uint8ClampedArray} pattern
 */
export function draw(canvas, pattern) {
  const box = canvas.parentElement?.getBoundingClientRect() ?? { width: 0, height: 0 };
  const [width, height] = [box.width, box.height].map((length) => Math.max(1, Math.floor(length * devicePixelRatio)));
  Object.assign(canvas, { width, height });
  canvas.style.width = `${width / devicePixelRatio}px`;
  canvas.style.height = `${height / devicePixelRatio}px`;
  const image = new ImageData(width, height);
  const values = pattern(width, height);
  for (let at = 0; at < values.length; at += 1) image.data.fill(values[at], 4 * at, 4 * at + 3).fill(255, 4 * at + 3, 4 * at + 4);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}
