/** A log played again: what was on screen at a moment. */

import { expect, test } from "vitest";
import { at, course, imageIn, length, placed, words } from "../../frontend/src/replay/playback.js";

const first = {
  seconds: 0, left: 4, right: 4, swapped: "", linked: true, window: 100, level: 50, invert: false, zoom: 100, x: 0, y: 0,
  cine: false, enlarged: "", tool: "", focus: true, answers: 0,
};
const samples = [first, { ...first, seconds: 2, left: 6 }, { ...first, seconds: 5, left: 6, swapped: "left", answers: 3, focus: false, linked: false, tool: "ruler" }];

test("a view stays until the next", () => {
  expect([0, 1.99, 2, 4.9, 99].map((seconds) => at(samples, seconds).seconds)).toEqual([0, 0, 2, 2, 5]);
  expect(length(samples)).toBe(5);
});

test("a swapped pane shows the other image", () => {
  expect(["left", "right"].map((pane) => imageIn(samples[2], pane))).toEqual(["right", "right"]);
  expect(words(samples[2], 9)).toBe(
    "slices 7 and 5 of 9, not linked, the right image in the left pane, window 100 % · level 50 %, zoom 100 %, ruler, 3 answered, page without focus",
  );
});

test("an image of twice the size whose centre lies a quarter to the right", () => {
  expect(placed({ ...first, zoom: 200, x: 25, y: 0 }, 100)).toEqual({ x: -1, y: -0.5, size: 2 });
});

test("the course has a step where the slice changes", () => {
  expect(course(samples, "left", { width: 100, height: 80, slices: 9 })).toBe("0.0,40.0 0.0,40.0 40.0,40.0 40.0,60.0 100.0,60.0 100.0,60.0");
});
