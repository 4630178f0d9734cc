/** The tools: what a gesture of the pointer does to the drawing on one slice. */

import { ellipse, outlined, radiiOf, snapped, stroke, thresholded, union, without } from "./shapes.js";

/**
 * @import { Place, Plane } from "./shapes.js"
 * @typedef {"circle"|"ellipse"|"freehand"|"brush"|"eraser"|"threshold"} ToolName
 * @typedef {object} Gesture
 * @property {Plane} plane
 * @property {Place} spacing mm between rows and between columns
 * @property {number} size
 * @property {"px"|"mm"} unit
 * @property {Uint16Array} values of the slice
 * @property {Uint8Array} before what was drawn when the gesture began
 * @property {Uint8Array} now what is drawn
 * @property {Place[]} points where the pointer was, the first where the gesture began
 * @property {boolean} add to what is there, where a tool takes its place
 * @property {boolean} ended
 */

/**
 * What the tool would cover at a place.
 * @param {Pick<Gesture, "plane"|"spacing"|"size"|"unit">} set
 * @param {Place} place
 * @param {boolean} [snap] to whole pixels, as a circle is
 */
export function tip({ plane, spacing, size, unit }, place, snap = true) {
  const centre = snap ? snapped(place, unit === "px" ? size : 1) : place;
  return ellipse(plane, centre, radiiOf(size, unit, spacing));
}

/** @param {Gesture} gesture */
const last = ({ points }) => points[points.length - 1];

/** @type {Record<ToolName, (gesture: Gesture) => Uint8Array|null>} the drawing as it is to be; null: not yet */
const WORK = {
  circle: (gesture) => {
    const circle = tip(gesture, last(gesture));
    return gesture.add ? union(gesture.before, circle) : circle;
  },
  ellipse: (gesture) => {
    const [[top, left], [bottom, right]] = [gesture.points[0], last(gesture)];
    const centre = /** @type {Place} */ ([(top + bottom) / 2, (left + right) / 2]);
    const made = ellipse(gesture.plane, centre, [Math.abs(bottom - top) / 2, Math.abs(right - left) / 2]);
    return gesture.add ? union(gesture.before, made) : made;
  },
  freehand: (gesture) => (gesture.ended ? union(gesture.before, outlined(gesture.plane, gesture.points)) : null),
  brush: (gesture) => union(gesture.now, trace(gesture)),
  eraser: (gesture) => without(gesture.now, trace(gesture)),
  threshold: (gesture) =>
    gesture.points.length > 1 || gesture.ended
      ? null
      : union(gesture.before, thresholded(gesture.plane, gesture.values, tip(gesture, last(gesture)), last(gesture))),
};

/** @param {Gesture} gesture the way from the place before to the last */
function trace({ plane, spacing, size, unit, points }) {
  return stroke(plane, points[Math.max(0, points.length - 2)], points[points.length - 1], radiiOf(size, unit, spacing));
}

/**
 * @param {ToolName} tool
 * @param {Gesture} gesture
 */
export const work = (tool, gesture) => WORK[tool](gesture);

/** Whether a tool shows beforehand what it covers. */
export const HAS_TIP = new Set(["circle", "brush", "eraser", "threshold"]);
