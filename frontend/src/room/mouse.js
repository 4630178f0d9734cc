/** The mouse on the images: the wheel scrolls, each button drags what the reader has bound to it; a click marks. */

import { around } from "../shared/dom.js";
import { SIDES } from "./sides.js";

/**
 * @import { Side } from "../server.ts"
 * @import { Bindings } from "./bindings.js"
 * @import { Viewing } from "./viewing.js"
 *
 * @typedef {(side: Side, x: number, y: number) => void} At a place on a pane, in CSS pixels from its corner
 * @typedef {{down: At, move: At, up: At}} Tool takes left drags
 */

const CLICK_PX = 4;
/** A trackpad sends many small steps; a wheel one big one. */
const WHEEL_STEP = 40;
/** CSS pixels of a drag for one slice. */
const DRAG_STEP = 16;

/**
 * @param {Record<Side, HTMLElement>} panes
 * @param {Viewing} viewing
 * @param {Bindings} bindings
 * @param {{onclick: At, onlarge: (side: Side) => void, tool: () => Tool|null, onhover: At}} actions
 */
export function listen(panes, viewing, bindings, actions) {
  for (const side of SIDES) {
    const pane = panes[side];
    /**
     * @type {{action: string|null, clicks: boolean, from: [number, number], last: [number, number], moved: boolean, rest: number,
     *   tool: Tool|null}|null}
     */
    let drag = null;
    let wheel = 0;

    /** @param {MouseEvent} event @returns {[number, number]} */
    const at = (event) => {
      const box = pane.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const activate = () => {
      viewing.active = side;
    };
    pane.addEventListener("pointerenter", activate);
    pane.addEventListener("focus", activate);
    pane.addEventListener("contextmenu", (event) => event.preventDefault());
    // Without this the middle button starts the browser's own scrolling.
    pane.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());

    pane.addEventListener("wheel", (event) => {
      event.preventDefault();
      viewing.stopCine();
      const pixels = event.deltaY * (event.deltaMode === 1 ? WHEEL_STEP : 1);
      if (event.ctrlKey) {
        viewing.scale(Math.exp(-pixels / 400));
        return;
      }
      wheel = Math.sign(wheel) === Math.sign(pixels) ? wheel + pixels : pixels;
      const steps = Math.abs(pixels) >= WHEEL_STEP ? Math.sign(pixels) : Math.trunc(wheel / WHEEL_STEP);
      if (steps) {
        wheel = 0;
        viewing.scroll(steps, side);
      }
    }, { passive: false });

    pane.addEventListener("pointerdown", (event) => {
      if (!viewing.shown || around(event, "button")) return;
      pane.setPointerCapture(event.pointerId);
      const [x, y] = at(event);
      const tool = event.button === 0 && !event.shiftKey ? actions.tool() : null;
      tool?.down(side, x, y);
      const action = event.pointerType === "touch" ? "drag_slices" : bindings.button(event);
      drag = { action, clicks: event.button === 0 && !event.shiftKey, from: [x, y], last: [x, y], moved: false, rest: 0, tool };
    });

    pane.addEventListener("pointermove", (event) => {
      const [x, y] = at(event);
      actions.onhover(side, x, y);
      if (!drag) return;
      const dx = x - drag.last[0];
      const dy = y - drag.last[1];
      if (!drag.moved && Math.hypot(x - drag.from[0], y - drag.from[1]) < CLICK_PX) return;
      drag.moved = true;
      drag.last = [x, y];
      const { clientWidth, clientHeight } = pane;
      if (drag.tool) drag.tool.move(side, x, y);
      else if (drag.action === "drag_slices") {
        drag.rest += dy;
        const steps = Math.trunc(drag.rest / DRAG_STEP);
        drag.rest -= DRAG_STEP * steps;
        if (steps) viewing.scroll(steps, side);
      } else if (drag.action === "drag_pan") viewing.pan(dx, dy);
      else if (drag.action === "drag_zoom") viewing.scale(Math.exp((-2 * dy) / clientHeight));
      else if (drag.action === "drag_window") {
        viewing.setWindow({
          window: viewing.window + (100 * dx) / clientWidth,
          level: viewing.level + (100 * dy) / clientHeight,
        });
      }
    });

    pane.addEventListener("pointerup", (event) => {
      if (!drag) return;
      const { moved, clicks, tool } = drag;
      drag = null;
      if (tool) tool.up(side, ...at(event));
      else if (!moved && clicks) actions.onclick(side, ...at(event));
    });
    pane.addEventListener("pointercancel", () => {
      drag = null;
    });
    pane.addEventListener("dblclick", () => !actions.tool() && actions.onlarge(side));
  }
}
