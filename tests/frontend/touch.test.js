// @vitest-environment happy-dom
/** Fingers on the images. */

import { beforeEach, expect, test, vi } from "vitest";
import * as mouse from "../../frontend/src/room/mouse.js";
import { listen } from "../../frontend/src/room/touch.js";
import { bindings } from "./fixtures.js";
import { openPage } from "./page.js";

let viewing;
let left;
/** How far the image's middle lies from the pane's. */
let moved;

beforeEach(() => {
  openPage();
  const panes = Object.fromEntries(["left", "right"].map((side) => [side, document.getElementById(`pane-${side}`)]));
  ({ left } = panes);
  left.setPointerCapture = () => {};
  left.getBoundingClientRect = () => ({ left: 0, top: 0, width: 400, height: 200 });
  viewing = {
    shown: { left: 1, right: 1 }, window: 100, level: 50, zoom: 1,
    scroll: vi.fn(), setWindow: vi.fn(), stopCine: vi.fn(),
    scale: vi.fn((factor) => {
      viewing.zoom *= factor;
      moved = moved.map((by) => by * factor);
    }),
    pan: vi.fn((x, y) => { moved = [moved[0] + x, moved[1] + y]; }),
  };
  moved = [0, 0];
  mouse.listen(panes, viewing, bindings(), { onclick: vi.fn(), onlarge: vi.fn(), tool: () => null, onhover: vi.fn() });
  listen(document.getElementById("room"), viewing);
});

const send = (name, pointerId, clientX, clientY, pointerType = "touch") =>
  left.dispatchEvent(new PointerEvent(name, { bubbles: true, cancelable: true, pointerId, pointerType, clientX, clientY }));

test("one finger scrolls, as the mouse has it", () => {
  send("pointerdown", 1, 100, 100);
  send("pointermove", 1, 100, 140);
  expect(viewing.scroll).toHaveBeenCalledWith(2, "left");
  expect([viewing.pan.mock.calls, viewing.scale.mock.calls]).toEqual([[], []]);
});

test("two fingers that move together pan and scroll nothing", () => {
  send("pointerdown", 1, 100, 100);
  send("pointerdown", 2, 200, 100);
  for (const finger of [1, 2]) send("pointermove", finger, 100 * finger + 30, 140);
  expect(moved.map(Math.round)).toEqual([30, 40]);
  expect(viewing.zoom).toBeCloseTo(1);
  expect(viewing.scroll).not.toHaveBeenCalled();
});

test("two fingers that part zoom, and what lies between them stays there", () => {
  send("pointerdown", 1, 290, 100);
  send("pointerdown", 2, 310, 100);
  send("pointermove", 2, 330, 100);
  expect(viewing.zoom).toBeCloseTo(2);
  // 100 px right of the pane's middle lay what is now 200 px right of it, and the grip has moved by 10.
  expect(moved.map(Math.round)).toEqual([-90, 0]);
});

test("after two fingers the one that is lifted last does nothing, and a mouse over the image neither", () => {
  send("pointerdown", 1, 100, 100);
  send("pointerdown", 2, 200, 100);
  send("pointerup", 2, 200, 100);
  send("pointermove", 1, 100, 190);
  send("pointerup", 1, 100, 190);
  send("pointermove", 9, 180, 190, "mouse");
  expect([viewing.scroll.mock.calls, viewing.setWindow.mock.calls]).toEqual([[], []]);
  send("pointerdown", 3, 100, 100);
  send("pointermove", 3, 100, 140);
  expect(viewing.scroll).toHaveBeenCalledWith(2, "left");
});
