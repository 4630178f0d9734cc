/** Fingers on the images: two of them pan and zoom. What one does is the mouse's matter. */

/**
 * @import { Viewing } from "./viewing.js"
 *
 * @typedef {{x: number, y: number}} Point on the page, in CSS pixels
 */

/** @param {Point[]} points */
function grip([a, b]) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, spread: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
}

/**
 * @param {HTMLElement} room around both panes, which hears of fingers before they do
 * @param {Pick<Viewing, "zoom"|"scale"|"pan"|"stopCine">} viewing
 */
export function listen(room, viewing) {
  /** @type {Map<number, Point>} */
  const fingers = new Map();
  /** Whether two fingers were down since the last time that none was: until then the panes hear nothing. */
  let pinching = false;

  /** @param {PointerEvent} event */
  const down = (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size < 2) return;
    if (!pinching) {
      viewing.stopCine();
      for (const pane of room.querySelectorAll(".pane")) pane.dispatchEvent(new PointerEvent("pointercancel"));
    }
    pinching = true;
    event.stopPropagation();
  };

  /** @param {PointerEvent} event */
  const move = (event) => {
    if (!fingers.has(event.pointerId)) return;
    const to = { x: event.clientX, y: event.clientY };
    if (pinching) event.stopPropagation();
    if (fingers.size !== 2) return void fingers.set(event.pointerId, to);
    const before = grip([...fingers.values()]);
    fingers.set(event.pointerId, to);
    const after = grip([...fingers.values()]);
    const pane = event.target instanceof Element ? event.target.closest(".pane") : null;
    if (!pane) return;
    const { left, top, width, height } = pane.getBoundingClientRect();
    const zoom = viewing.zoom;
    viewing.scale(after.spread / before.spread);
    // What lies between the fingers stays there.
    const grown = viewing.zoom / zoom;
    const centre = { x: left + width / 2, y: top + height / 2 };
    viewing.pan(after.x - centre.x - grown * (before.x - centre.x), after.y - centre.y - grown * (before.y - centre.y));
  };

  /** @param {PointerEvent} event */
  const up = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (pinching) event.stopPropagation();
    if (fingers.size === 0) pinching = false;
  };

  room.addEventListener("pointerdown", down, true);
  room.addEventListener("pointermove", move, true);
  room.addEventListener("pointerup", up, true);
  room.addEventListener("pointercancel", up, true);
}
