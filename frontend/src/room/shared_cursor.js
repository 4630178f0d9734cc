/** The mouse's place on one image, shown on the other: both lie on one grid in the patient. */

import { otherSide } from "./sides.js";
import { shape } from "./shapes.js";
import { percent } from "./values.js";

/**
 * @import { Side } from "../server.ts"
 * @import { Viewing } from "./viewing.js"
 *
 * @typedef {{side: Side, x: number, y: number}} At where the mouse is, in CSS pixels of a pane
 */

const ARM_PX = 14;
const GAP_PX = 4;

/**
 * The cross on the pane where the mouse is not; broken where that pane shows another slice, whose number it says.
 * @param {Element} layer
 * @param {Side} pane
 * @param {Viewing} viewing
 * @param {At} at
 */
export function drawCursor(layer, pane, viewing, { side, x, y }) {
  const { shown } = viewing;
  if (!shown || side === pane) return;
  const [here, there] = [shown[viewing.imageIn(pane)], shown[viewing.imageIn(otherSide(pane))]];
  const name = here === there ? "cross" : "cross apart";
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    layer.append(shape("line", { x1: x + GAP_PX * dx, y1: y + GAP_PX * dy, x2: x + ARM_PX * dx, y2: y + ARM_PX * dy, class: name }));
  }
  if (here !== there) layer.append(shape("text", { x: x + ARM_PX, y: y + ARM_PX, dy: "1em", class: "length" }, `slice ${here + 1}`));
}

/**
 * The value of the pixel there, in percent of the common range.
 * @param {Element} layer
 * @param {Side} pane
 * @param {Viewing} viewing
 * @param {At} at
 */
export function drawValue(layer, pane, viewing, { x, y }) {
  const { geometry } = viewing;
  const [pixels, place] = [viewing.pixels(pane), viewing.pixelAt(x, y)];
  if (!geometry || !pixels || !place) return;
  const value = percent(pixels[place.j * geometry.columns + place.i], geometry);
  layer.append(shape("text", { x: x + ARM_PX, y: y - GAP_PX, class: "length" }, `${value.toFixed(1)} %`));
}
