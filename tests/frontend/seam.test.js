// @vitest-environment happy-dom
/** The line between the images. */

import { beforeEach, expect, test, vi } from "vitest";
import { Seam } from "../../frontend/src/room/seam.js";
import { openPage } from "./page.js";

let seam;
let root;
let actions;

beforeEach(() => {
  openPage();
  root = document.getElementById("seam");
  actions = { onlink: vi.fn(), ongoto: vi.fn() };
  seam = new Seam(root, actions);
});

const state = (more = {}) => ({
  slices: 3, shown: { left: 1, right: 1 }, seen: { left: new Set([0, 1]), right: new Set([1]) }, offset: 0, linked: true, ...more,
});
const ticks = (list) => Array.from(list.children, ({ className }) => className);
const [left, right] = [() => root.querySelectorAll("ol")[0], () => root.querySelectorAll("ol")[1]];

test("linked, a slice is seen where it was seen on both sides", () => {
  seam.update(state({ seen: { left: new Set([0, 1, 2]), right: new Set([1, 2]) } }));
  expect([ticks(left()), right().hidden]).toEqual([["", "now", "seen"], true]);
  expect([seam.position.textContent, seam.total.textContent, seam.off.hidden]).toEqual(["2", "3", true]);
});

test("apart, each side has its own ticks and the offset is said", () => {
  seam.update(state({ linked: false, offset: -1, shown: { left: 1, right: 0 } }));
  expect([ticks(left()), ticks(right()), right().hidden]).toEqual([["seen", "now", ""], ["now", "seen", ""], false]);
  expect(seam.off.textContent).toBe("−1");
  expect(seam.link.getAttribute("aria-label")).toBe("unlinked, right image 1 further up the stack");
});

test("a press on a tick goes to its slice, on its side", () => {
  seam.update(state({ linked: false }));
  seam.track.getBoundingClientRect = () => ({ top: 0, height: 300 });
  const press = (target, clientY) => target.dispatchEvent(new PointerEvent("pointerdown", { buttons: 1, clientY, bubbles: true }));
  press(left().children[0], 150);
  press(right().children[2], 999);
  expect(actions.ongoto.mock.calls).toEqual([[1, "left"], [2, "right"]]);
});

test("a shorter stack leaves no tick of the one before", () => {
  seam.update(state({ slices: 5 }));
  seam.update(state());
  expect(left().children).toHaveLength(3);
});
