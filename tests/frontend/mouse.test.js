// @vitest-environment happy-dom
/** The mouse on the images. */

import { beforeEach, expect, test, vi } from "vitest";
import { listen } from "../../frontend/src/room/mouse.js";
import { bindings, keys } from "./fixtures.js";
import { openPage } from "./page.js";

let viewing;
let actions;
let left;
let bound;

beforeEach(() => {
  openPage();
  const panes = Object.fromEntries(["left", "right"].map((side) => [side, document.getElementById(`pane-${side}`)]));
  ({ left } = panes);
  Object.defineProperties(left, { clientWidth: { value: 400 }, clientHeight: { value: 200 } });
  left.setPointerCapture = () => {};
  viewing = {
    shown: { left: 1, right: 1 }, window: 100, level: 50,
    scroll: vi.fn(), scale: vi.fn(), pan: vi.fn(), setWindow: vi.fn(), stopCine: vi.fn(),
  };
  actions = { onclick: vi.fn(), onlarge: vi.fn(), tool: () => null, onhover: vi.fn() };
  bound = bindings();
  listen(panes, viewing, bound, actions);
});

const send = (name, more) => {
  const event = new (name === "wheel" ? WheelEvent : PointerEvent)(name, { bubbles: true, cancelable: true, ...more });
  if (more.ctrlKey) Object.defineProperty(event, "ctrlKey", { value: true }); // happy-dom's WheelEvent takes no modifiers
  left.dispatchEvent(event);
};
const drag = (to, more = {}) => {
  send("pointerdown", { clientX: 0, clientY: 0, ...more });
  send("pointermove", { clientX: to[0], clientY: to[1], ...more });
  send("pointerup", { clientX: to[0], clientY: to[1], ...more });
};

test("a notch of the wheel is one slice, and small steps of a trackpad add up to one", () => {
  send("wheel", { deltaY: 120 });
  expect(viewing.scroll.mock.calls).toEqual([[1, "left"]]);
  for (let step = 0; step < 5; step += 1) send("wheel", { deltaY: -10 });
  expect(viewing.scroll.mock.calls).toEqual([[1, "left"], [-1, "left"]]);
});

test("the wheel scales with Ctrl", () => {
  send("wheel", { deltaY: -40, ctrlKey: true });
  expect(viewing.scale.mock.calls[0][0]).toBeGreaterThan(1);
  expect(viewing.scroll).not.toHaveBeenCalled();
});

test("each button drags something else", () => {
  drag([40, 20]);
  expect(viewing.setWindow).toHaveBeenCalledWith({ window: 110, level: 60 });
  drag([40, 20], { button: 1 });
  drag([8, 0], { shiftKey: true });
  expect(viewing.pan.mock.calls).toEqual([[40, 20], [8, 0]]);
  drag([0, 100], { button: 2 });
  expect(viewing.scale.mock.lastCall[0]).toBeCloseTo(Math.exp(-1));
  expect(actions.onclick).not.toHaveBeenCalled();
});

test("a button drags what the reader has bound to it, or nothing", () => {
  bound.set(keys({ drag_window: ["Mouse2"], drag_zoom: [], drag_slices: ["Mouse0"] }));
  drag([0, 40]);
  drag([40, 0], { button: 2 });
  bound.set(keys({ drag_window: [] }));
  drag([40, 0]);
  expect([viewing.scroll.mock.calls, viewing.setWindow.mock.calls.length, viewing.scale.mock.calls.length]).toEqual([[[2, "left"]], 1, 0]);
});

test("a finger scrolls", () => {
  drag([0, 40], { pointerType: "touch" });
  expect(viewing.scroll.mock.calls).toEqual([[2, "left"]]);
});

test("a click that trembles is a click", () => {
  drag([2, 2]);
  expect(actions.onclick).toHaveBeenCalledWith("left", 2, 2);
  expect(viewing.setWindow).not.toHaveBeenCalled();
});

test("the ruler takes left drags, and nothing is dragged before there are images", () => {
  const tool = { down: vi.fn(), move: vi.fn(), up: vi.fn() };
  actions.tool = () => tool;
  drag([9, 9]);
  expect([tool.down, tool.move, tool.up].map(({ mock }) => mock.calls)).toEqual([[["left", 0, 0]], [["left", 9, 9]], [["left", 9, 9]]]);
  actions.tool = () => null;
  viewing.shown = null;
  drag([40, 20]);
  expect(viewing.setWindow).not.toHaveBeenCalled();
});
