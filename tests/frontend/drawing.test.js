/** What is drawn: shapes, slices between, runs, undo, drafts. Counts are those of the lattice, worked out by hand. */

import { expect, test } from "vitest";
import { between } from "../../frontend/src/drawing/between.js";
import { Drafts } from "../../frontend/src/drawing/drafts.js";
import { Drawings } from "../../frontend/src/drawing/drawings.js";
import { History } from "../../frontend/src/drawing/history.js";
import { Mask } from "../../frontend/src/drawing/mask.js";
import { edges } from "../../frontend/src/drawing/picture.js";
import { ellipse, moved, outlined, radiiOf, snapped, stroke, thresholded } from "../../frontend/src/drawing/shapes.js";
import { tip, work } from "../../frontend/src/drawing/tools.js";
import { unpack } from "../../frontend/src/drawing/voxels.js";

const PLANE = { rows: 24, columns: 32 };
const count = (voxels) => voxels.reduce((sum, one) => sum + one, 0);
const covered = (voxels, { columns } = PLANE) => [...voxels].flatMap((one, at) => (one ? [[Math.floor(at / columns), at % columns]] : []));
const box = (voxels) => {
  const [rows, columns] = [0, 1].map((axis) => covered(voxels).map((place) => place[axis]));
  return [Math.min(...rows), Math.max(...rows), Math.min(...columns), Math.max(...columns)];
};

test("a circle of 15 pixels has 177 and is 15 wide, wherever in the pixel the pointer is; one of 4 has 12", () => {
  const set = { plane: PLANE, spacing: [1, 1], size: 15, unit: "px" };
  for (const place of [[10, 12], [10.4, 11.6]]) {
    const circle = tip(set, place);
    expect([count(circle), box(circle)]).toEqual([177, [3, 17, 5, 19]]);
  }
  const even = tip({ ...set, size: 4 }, [10, 12]);
  expect([count(even), box(even)]).toEqual([12, [9, 12, 11, 14]]);
  expect(snapped([3.2, 4.7], 1)).toEqual([3, 5]);
});

test("a circle in mm is an ellipse of pixels that are not square", () => {
  expect(radiiOf(8, "mm", [2, 1])).toEqual([2, 4]);
  expect(radiiOf(8, "px", [2, 0.5])).toEqual([1, 4]);
  expect(box(ellipse(PLANE, [10, 12], [2, 4]))).toEqual([8, 12, 8, 16]);
});

test("what lies beyond the slice is left out, not wrapped to the other side", () => {
  expect(box(ellipse(PLANE, [0, 31], [3, 3]))).toEqual([0, 3, 28, 31]);
  expect(covered(moved(PLANE, ellipse(PLANE, [5, 31], [0.5, 0.5]), [0, 1]))).toEqual([]);
});

test("a brush leaves no gap on its way", () => {
  expect(covered(stroke(PLANE, [4, 4], [4, 9], [0.5, 0.5]))).toEqual([4, 5, 6, 7, 8, 9].map((column) => [4, column]));
});

test("freehand covers the pixels whose centres it goes around, where it crosses itself too", () => {
  const square = [[1.5, 1.5], [1.5, 6.5], [5.5, 6.5], [5.5, 1.5]];
  expect([count(outlined(PLANE, square)), box(outlined(PLANE, square))]).toEqual([20, [2, 5, 2, 6]]);
  expect(outlined(PLANE, [...square, ...square])).toEqual(outlined(PLANE, square));
  const hook = [[1.5, 1.5], [1.5, 6.5], [2.5, 6.5], [2.5, 2.5], [4.5, 2.5], [4.5, 1.5]];
  expect(covered(outlined(PLANE, hook))).toEqual([[2, 2], [2, 3], [2, 4], [2, 5], [2, 6], [3, 2], [4, 2]]);
  expect(count(outlined(PLANE, [[4, 4]]))).toBe(0);
});

test("the threshold takes what is like its seed and hangs together with it, inside the circle only", () => {
  const values = new Uint16Array(PLANE.rows * PLANE.columns).fill(100);
  const bright = [[10, 10], [10, 11], [11, 10]];
  for (const [row, column] of [...bright, [10, 14], [20, 10]]) values[row * 32 + column] = 900;
  const area = ellipse(PLANE, [10, 10], [6, 6]);
  expect(covered(thresholded(PLANE, values, area, [10, 10]))).toEqual(bright);
  expect(count(thresholded(PLANE, values, area, [8, 8]))).toBe(count(area) - 4);
  expect(count(thresholded(PLANE, values, area, [23, 23]))).toBe(0);
});

test("between circles of 4 and 12 pixels lie ones of 6, 8 and 10; beside each other they wander", () => {
  const [small, large] = [4, 12].map((size) => ellipse(PLANE, [11.5, 15.5], [size / 2, size / 2]));
  const widths = between(PLANE, small, large, 3, [1, 1]).map((made) => box(made)[3] - box(made)[2] + 1);
  expect(widths).toEqual([6, 8, 10]);
  const [left, right] = [8, 16].map((column) => ellipse(PLANE, [11, column], [5.5, 5.5]));
  const [middle] = between(PLANE, left, right, 1, [1, 1]);
  const [, , from, to] = box(middle);
  expect((from + to) / 2).toBe(12);
  expect(between(PLANE, small, small, 1, [3, 0.5])[0]).toEqual(small);
  const [near, far] = [4, 28].map((column) => ellipse(PLANE, [11, column], [2.5, 2.5]));
  const way = between(PLANE, near, far, 3, [1, 1]).map((made) => [count(made), (box(made)[2] + box(made)[3]) / 2]);
  expect(way).toEqual([10, 16, 22].map((column) => [count(near), column])); // never empty, though they share nothing
});

test("runs are those of the site, there and back, up to the last voxel", () => {
  const mask = Mask.of([1, 2, 5, 1, 11, 1], { slices: 2, rows: 2, columns: 3 });
  expect([...mask.voxels]).toEqual([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
  expect([mask.runs(), mask.drawn(), mask.count(0)]).toEqual([[1, 2, 5, 1, 11, 1], [0, 1], 3]);
});

test("steps are undone and done again; the strokes of one gesture are one step", () => {
  const [mask, history] = [new Mask({ slices: 2, rows: 1, columns: 3 }), new History()];
  const put = (slice, voxels, joined) => history.change("a", mask, "brushed", new Map([[slice, Uint8Array.from(voxels)]]), joined);
  expect(put(0, [0, 0, 0])).toBe(false);
  put(0, [1, 0, 0]);
  put(0, [1, 1, 0], true);
  put(1, [0, 0, 1]);
  expect(history.done.length).toBe(2);
  history.undo(() => mask);
  history.undo(() => mask);
  expect([mask.runs(), history.undo(() => mask)]).toEqual([[], undefined]);
  history.redo(() => mask);
  expect(mask.runs()).toEqual([0, 2]);
  put(1, [1, 0, 0]);
  expect(history.undone).toEqual([]);
});

test("a circle takes the place of what was there, with shift it is added; an eraser takes away", () => {
  const before = ellipse(PLANE, [4, 4], [2, 2]);
  const gesture = { plane: PLANE, spacing: [1, 1], size: 3, unit: "px", values: new Uint16Array(768), before, now: before, points: [[14, 14]], ended: false };
  expect(box(work("circle", { ...gesture, add: false }))).toEqual([13, 15, 13, 15]);
  expect(box(work("circle", { ...gesture, add: true }))).toEqual([2, 15, 2, 15]);
  expect(count(work("eraser", { ...gesture, points: [[4, 4]] }))).toBe(13 - 9);
  expect(work("freehand", gesture)).toBe(null);
});

test("a slice comes back as it was coded", async () => {
  const coded = Uint8Array.from([0, 2, 255, 7, 249, 0, 0, 0, 255, 0, 255, 1]); // by processing.drawn
  const packed = await new Response(new Blob([coded]).stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer();
  expect([...(await unpack(packed, { rows: 2, columns: 3 }))]).toEqual([0, 2, 1, 7, 0, 256]);
  await expect(unpack(packed, { rows: 2, columns: 2 })).rejects.toThrow("wrong length");
});

test("an outline runs along the edges of pixels", () => {
  expect(edges(Uint8Array.from([0, 1, 1]), 3)).toEqual([
    [0.5, -0.5, 1.5, -0.5], [0.5, 0.5, 1.5, 0.5], [0.5, -0.5, 0.5, 0.5],
    [1.5, -0.5, 2.5, -0.5], [1.5, 0.5, 2.5, 0.5], [2.5, -0.5, 2.5, 0.5],
  ]);
});

test("a draft outlasts the page, and is not put over what somebody saved meanwhile without a word", () => {
  const kept = new Map();
  const store = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
  const shape = { slices: 1, rows: 1, columns: 4 };
  const first = new Drawings(shape, [], new Drafts("s", store));
  first.change("Liver", "brushed", new Map([[0, Uint8Array.from([0, 1, 1, 0])]]));
  expect(first.keep()).toBe(true);

  const again = new Drawings(shape, [], new Drafts("s", store)).of("Liver");
  expect([again.mask.runs(), again.unsaved, again.other]).toEqual([[1, 2], true, null]);
  const saved = [{ name: "Liver", base: 5, version: 1, by: "b", runs: [3, 1] }];
  const late = new Drawings(shape, saved, new Drafts("s", store));
  expect(late.of("Liver").other.runs()).toEqual([3, 1]);
  late.takeOther("Liver");
  expect([late.of("Liver").mask.runs(), late.of("Liver").unsaved, kept.size]).toEqual([[3, 1], false, 0]);

  store.setItem = () => { throw new Error("full"); };
  first.change("Liver", "brushed", new Map([[0, Uint8Array.from([1, 1, 1, 0])]]));
  expect(first.keep()).toBe(false);
});
