/** The first picture of a reading, drawn before there is anything else to draw with. What the room draws covers it. */

import { el } from "../shared/dom.js";
import { greys } from "./lens.js";
import { SIDES } from "./sides.js";
import { fitting } from "./viewing.js";

/**
 * @import { Geometry } from "../server.ts"
 * @import { Frame } from "./frames.js"
 */

/**
 * Draws both sides in one animation frame, as a new pair begins: the whole image, in the window of all pairs.
 * @param {Frame} frame
 * @param {Geometry} geometry
 * @param {() => boolean} isWanted asked before it is drawn
 * @returns {Promise<void>} settled when it is on screen, or is not wanted any more
 */
export function drawFirst(frame, geometry, isWanted) {
  return new Promise((done) => {
    const draw = () => {
      const views = SIDES.map((side) => document.querySelector(`#pane-${side} .view`)).filter((view) => view !== null);
      if (!isWanted()) return done();
      // Before the page has its styles there is no place for it.
      if (views.length < SIDES.length || getComputedStyle(views[0]).position !== "absolute") return void requestAnimationFrame(draw);
      const { clientWidth: width, clientHeight: height } = views[0];
      const pictures = SIDES.map((side) => picture(frame[side], geometry, { width, height }));
      views.forEach((view, at) => view.before(pictures[at]));
      setTimeout(done); // behind the animation frame
    };
    requestAnimationFrame(draw);
  });
}

/**
 * @param {Uint16Array} pixels
 * @param {Geometry} geometry
 * @param {{width: number, height: number}} size of the pane, in CSS pixels
 * @returns {HTMLCanvasElement}
 */
function picture(pixels, geometry, size) {
  const { rows, columns, spacing, window } = geometry;
  const image = Object.assign(el("canvas"), { width: columns, height: rows });
  const whole = { left: 0, top: 0, width: columns, height: rows };
  const shown = new ImageData(greys(pixels, columns, whole, { ...window, invert: false }), columns, rows);
  image.getContext("2d")?.putImageData(shown, 0, 0);
  const canvas = el("canvas", { class: "first" });
  const [width, height] = [size.width, size.height].map((length) => Math.round(length * devicePixelRatio));
  Object.assign(canvas, { width, height });
  // mm to the canvas's pixels
  const scale = height / (2 * fitting(geometry, size));
  const [wide, high] = [columns * spacing[1] * scale, rows * spacing[0] * scale];
  canvas.getContext("2d")?.drawImage(image, (width - wide) / 2, (height - high) / 2, wide, high);
  return canvas;
}
