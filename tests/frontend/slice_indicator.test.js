// @vitest-environment happy-dom
/** The line between the images. */

import { beforeEach, expect, test, vi } from "vitest";
import { SliceIndicator } from "../../frontend/src/room/slice_indicator.js";
import { openPage } from "./page.js";

let sliceIndicator;
let root;
let actions;

beforeEach(() => {
  openPage();
  root = document.getElementById("seam");
  actions = { onlink: vi.fn(), ongoto: vi.fn() };
  sliceIndicator = new SliceIndicator(root, actions);
});

const state = (more = {}) => ({
  slices: 3, shown: { left: 1, right: 1 }, seen: { left: new Set([0, 1]), right: new Set([1]) }, offset: 0, linked: true, ...more,
});
const ticks = (list) => Array.from(list.children, ({ className }) => className);
const [left, right] = [() => root.querySelectorAll("ol")[0], () => root.querySelectorAll("ol")[1]];

test("linked, a slice is seen where it was seen on both sides", () => {
  sliceIndicator.update(state({ seen: { left: new Set([0, 1, 2]), right: new Set([1, 2]) } }));
  expect([ticks(left()), right().hidden]).toEqual([["", "now", "seen"], true]);
  expect([sliceIndicator.position.textContent, sliceIndicator.total.textContent, sliceIndicator.off.hidden]).toEqual(["2", "3", true]);
});

test("apart, each side has its own ticks and the offset is said", () => {
  sliceIndicator.update(state({ linked: false, offset: -1, shown: { left: 1, right: 0 } }));
  expect([ticks(left()), ticks(right()), right().hidden]).toEqual([["seen", "now", ""], ["now", "seen", ""], false]);
  expect(sliceIndicator.off.textContent).toBe("−1");
  expect(sliceIndicator.link.getAttribute("aria-label")).toBe("unlinked, right image 1 further up the stack");
});

test("a press on a tick goes to its slice, on its side", () => {
  sliceIndicator.update(state({ linked: false }));
  sliceIndicator.track.getBoundingClientRect = () => ({ top: 0, height: 300 });
  const press = (target, clientY) => target.dispatchEvent(new PointerEvent("pointerdown", { buttons: 1, clientY, bubbles: true }));
  press(left().children[0], 150);
  press(right().children[2], 999);
  expect(actions.ongoto.mock.calls).toEqual([[1, "left"], [2, "right"]]);
});

test("a shorter stack leaves no tick of the one before", () => {
  sliceIndicator.update(state({ slices: 5 }));
  sliceIndicator.update(state());
  expect(left().children).toHaveLength(3);
});
