/** How long things are: a bar of a round length, and the size of a pixel. The same on both images. */

import { roundLength } from "./lengths.js";
import { shape } from "./shapes.js";

/** @import { Viewing } from "./viewing.js" */

const MARGIN = 10;
/** Of the pane's width, at most. */
const SHARE = 0.2;

/** @param {number} mm */
const written = (mm) => String(Number(mm.toFixed(2)));

/**
 * @param {Element} layer
 * @param {Pick<Viewing, "geometry"|"mmPerPixel"|"size">} viewing
 */
export function drawScaleBar(layer, { geometry, mmPerPixel, size: { width, height } }) {
  if (!geometry || !width || !height) return;
  const mm = roundLength(SHARE * width * mmPerPixel);
  const [y, end] = [height - MARGIN, MARGIN + mm / mmPerPixel];
  const [rows, columns] = geometry.spacing.map(written);
  layer.append(
    shape("polyline", { points: `${MARGIN},${y - 5} ${MARGIN},${y} ${end},${y} ${end},${y - 5}`, class: "bar" }),
    shape("text", { x: MARGIN, y: y - 10, class: "scale-words" }, `${mm} mm`),
    shape("text", { x: MARGIN, y: y - 10, dy: "-1.3em", class: "scale-words" }, `${rows === columns ? rows : `${rows} × ${columns}`} mm per pixel`),
  );
}
