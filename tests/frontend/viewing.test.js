/** What the reader looks at: scrolling, link and offset, scale, window, what counts as seen. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { Viewing } from "../../frontend/src/room/viewing.js";

const SLICES = 9;
const geometry = { rows: 10, columns: 20, slices: SLICES, spacing: [2, 1], window: { lower: 0, upper: 200 } };

let viewports;
let stacks;
let viewing;

/** Stacks of which these slices are there; a slice's pixels are named by side and number. */
function stacksWith(there = [...Array(SLICES).keys()]) {
  const slices = Array.from({ length: SLICES }, (_, at) => (there.includes(at) ? { left: `left ${at}`, right: `right ${at}` } : null));
  return { geometry, slices, want: vi.fn() };
}

beforeEach(() => {
  viewports = { size: { width: 400, height: 200 }, show: vi.fn(), look: vi.fn() };
  stacks = stacksWith();
  viewing = new Viewing(viewports, () => {});
  viewing.open(stacks);
  viewing.painted();
});

const shownLast = () => viewports.show.mock.lastCall[1];
const drawnLast = () => viewports.look.mock.lastCall[0];

/** Scrolls and paints until nothing is left to show. */
function scroll(step, side) {
  viewing.scroll(step, side);
  for (let turn = 0; turn < 2 * SLICES; turn += 1) viewing.painted();
}

describe("scrolling", () => {
  test("begins in the middle", () => {
    expect(viewing.shown).toEqual({ left: 4, right: 4 });
    expect(shownLast()).toEqual({ left: "left 4", right: "right 4" });
  });

  test("ends at both ends of the stack", () => {
    scroll(-20);
    expect(viewing.shown.left).toBe(0);
    scroll(20);
    expect(viewing.shown.right).toBe(SLICES - 1);
  });

  test("skips no slice, however fast the wheel", () => {
    for (let step = 0; step < 3; step += 1) viewing.scroll(1);
    const shown = [];
    for (let turn = 0; turn < 4; turn += 1) {
      shown.push(viewing.shown.left);
      viewing.painted();
    }
    expect(shown).toEqual([5, 6, 7, 7]);
    expect([...viewing.seen.left]).toEqual([4, 5, 6, 7]);
  });

  test("jumps when it is meant to", () => {
    scroll(3);
    expect([...viewing.seen.left]).toEqual([4, 7]);
  });

  test("waits for a slice that is not there yet, and asks for it first", () => {
    stacks = stacksWith([4]);
    viewing.open(stacks);
    viewing.painted();
    viewing.scroll(1);
    expect(viewing.shown.left).toBe(4);
    expect(stacks.want).toHaveBeenCalledWith(5);
    stacks.slices[5] = { left: "left 5", right: "right 5" };
    viewing.arrived();
    expect(viewing.shown.left).toBe(5);
  });
});

describe("the link", () => {
  test("keeps the offset that was made without it, to the very end of both stacks", () => {
    viewing.toggleLink();
    scroll(2, "right");
    expect(viewing.shown).toEqual({ left: 4, right: 6 });
    viewing.toggleLink();
    scroll(1);
    expect(viewing.shown).toEqual({ left: 5, right: 7 });
    scroll(20);
    expect(viewing.shown).toEqual({ left: 8, right: 8 });
    scroll(-1);
    expect(viewing.shown).toEqual({ left: 7, right: 8 });
    scroll(-20);
    expect(viewing.shown).toEqual({ left: 0, right: 0 });
  });

  test("lets the stack that lags behind reach its end too", () => {
    viewing.toggleLink();
    scroll(-2, "right");
    viewing.toggleLink();
    scroll(20);
    expect(viewing.shown).toEqual({ left: 8, right: 8 });
    scroll(-1);
    expect(viewing.shown).toEqual({ left: 8, right: 7 });
  });

  test("without it the other side stands still", () => {
    viewing.toggleLink();
    scroll(-3, "left");
    expect(viewing.shown).toEqual({ left: 1, right: 4 });
    viewing.goTo(8, "right");
    viewing.painted();
    expect(viewing.shown).toEqual({ left: 1, right: 8 });
  });

  test("is back without offset after a reset, on the same slice", () => {
    viewing.toggleLink();
    scroll(2, "right");
    viewing.reset();
    viewing.painted();
    expect([viewing.linked, viewing.offset, viewing.shown]).toEqual([true, 0, { left: 4, right: 4 }]);
  });
});

describe("what counts as seen", () => {
  test("is what was painted, not what was asked for", () => {
    viewing.scroll(1);
    expect(viewing.seen.left.has(5)).toBe(false);
    viewing.painted();
    expect(viewing.seen.left.has(5)).toBe(true);
    expect(viewing.unseen).toEqual({ left: SLICES - 2, right: SLICES - 2 });
  });

  test("is counted for the image, not for the pane that shows it", () => {
    viewing.toggleLink();
    scroll(1, "left");
    viewing.swap("right");
    expect(shownLast()).toEqual({ left: "left 5", right: "left 5" });
    viewing.painted();
    expect([...viewing.seen.right]).toEqual([4]);
    viewing.swap(null);
    expect(shownLast()).toEqual({ left: "left 5", right: "right 4" });
  });

  test("is taken over from another machine", () => {
    viewing.open(stacks, { left: [0, 1], right: [1] });
    expect(viewing.unseen).toEqual({ left: SLICES - 2, right: SLICES - 1 });
  });
});

describe("place and scale", () => {
  test("fit the larger extent, in mm", () => {
    expect(viewing.mmPerPixel).toBeCloseTo(20 / 200);
  });

  test("lead from the pane to the image and back", () => {
    viewing.scale(3);
    viewing.pan(30, -20);
    for (const [x, y] of [[0, 0], [123, 77], [400, 200]]) {
      const place = viewing.imageAt(x, y);
      expect(viewing.paneAt(place)[0]).toBeCloseTo(x);
      expect(viewing.paneAt(place)[1]).toBeCloseTo(y);
    }
  });

  test("name the pixel in the middle, and none beside the image", () => {
    expect(viewing.pixelAt(201, 101)).toEqual({ i: 10, j: 5 });
    expect(viewing.pixelAt(0, 100)).toBeNull();
  });

  test("have limits", () => {
    viewing.scale(1000);
    expect(viewing.zoom).toBe(12);
    viewing.scale(0.0001);
    expect(viewing.zoom).toBe(0.5);
    viewing.fit();
    expect([viewing.zoom, viewing.centre]).toEqual([1, [0, 0]]);
  });
});

test("the window is drawn on the range that both sides share", () => {
  viewing.setWindow({ window: 60, level: 30 });
  expect(drawnLast()).toMatchObject({ lower: 0, upper: 120, invert: false });
  viewing.setWindow({ window: 0, level: 500 });
  expect([viewing.window, viewing.level]).toEqual([1, 150]);
  viewing.toggleInvert();
  expect(drawnLast().invert).toBe(true);
});

test("a new pair has nothing of the one before", () => {
  viewing.toggleLink();
  scroll(2, "right");
  viewing.scale(2);
  viewing.toggleInvert();
  viewing.swap("left");
  viewing.open(stacks);
  expect([viewing.offset, viewing.linked, viewing.zoom, viewing.invert, viewing.swapped]).toEqual([0, true, 1, false, null]);
  expect(viewing.seen.left.size).toBe(0);
});

test("cine runs through the stack and begins again", () => {
  vi.useFakeTimers();
  viewing.toggleCine();
  const shown = [];
  for (let turn = 0; turn < 6; turn += 1) {
    vi.advanceTimersByTime(125);
    viewing.painted();
    shown.push(viewing.shown.left);
  }
  viewing.toggleCine();
  vi.advanceTimersByTime(1000);
  expect(shown).toEqual([5, 6, 7, 8, 0, 1]);
  expect([viewing.cine, viewing.shown.left]).toEqual([false, 1]);
  vi.useRealTimers();
});

describe("both images in turn", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    viewing.open(stacks);
    viewing.painted();
  });

  test("change in the active pane until they are stopped", () => {
    viewing.startToggle(true);
    const seen = [viewing.swapped];
    for (let turn = 0; turn < 3; turn += 1) {
      vi.advanceTimersByTime(700);
      seen.push(viewing.swapped);
    }
    expect(seen).toEqual(["left", null, "left", null]);
    expect([viewing.stopToggle(), viewing.stopToggle(), viewing.swapped]).toEqual([true, false, null]);
    vi.advanceTimersByTime(5000);
    expect(viewing.swapped).toBe(null);
  });

  test("do not change by themselves for who wants nothing to move", () => {
    viewing.startToggle(false);
    vi.advanceTimersByTime(5000);
    expect(viewing.swapped).toBe("left");
  });

  test("end with their pair", () => {
    viewing.startToggle(true);
    viewing.painted();
    const painted = viewports.show.mock.calls.length;
    viewing.close();
    expect(viewports.show.mock.calls.length).toBe(painted);
    vi.advanceTimersByTime(5000);
    expect([viewing.swapped, viewing.stopToggle()]).toEqual([null, false]);
  });
});

test("the cine runs slower and faster, at once", () => {
  vi.useFakeTimers();
  viewing.open(stacks);
  viewing.painted();
  viewing.toggleCine();
  const steps = () => {
    const from = viewports.show.mock.calls.length;
    for (let tenth = 0; tenth < 20; tenth += 1) {
      vi.advanceTimersByTime(50);
      viewing.painted();
    }
    return viewports.show.mock.calls.length - from;
  };
  expect([steps(), viewing.changeCineSpeed(1), steps()]).toEqual([8, 12, expect.toBeOneOf([11, 12])]);
  for (let step = 0; step < 9; step += 1) viewing.changeCineSpeed(-1);
  expect(viewing.changeCineSpeed(0)).toBe(2);
  viewing.close();
});

describe("a named window", () => {
  const named = { lower: 10, upper: [70, 100] };
  /** Both middle slices: most pixels of one value, the brightest of another; the range ends at 200. */
  const middle = (most, left, right = left) => {
    const pixels = (brightest) => Uint16Array.from({ length: 2000 }, (_, at) => (at < 1800 ? most : brightest));
    stacks.slices[4] = { left: pixels(left), right: pixels(right) };
    viewing.open(stacks);
    return viewing.windowOf(named);
  };

  test("ends above nearly all that both sides show, in steps", () => {
    expect(middle(20, 156)).toEqual({ window: 70, level: 45 });
    expect(middle(20, 156, 30)).toEqual(middle(20, 30, 156));
  });

  test("is neither narrower nor wider than it says", () => {
    expect([middle(20, 40).window, middle(20, 400).window]).toEqual([60, 90]);
    expect(viewing.windowOf({ lower: 0, upper: [127, 127] })).toEqual({ window: 127, level: 63.5 });
  });

  test("is wide before the slices are there", () => {
    stacks.slices[4] = null;
    viewing.open(stacks);
    expect(viewing.windowOf(named).window).toBe(90);
  });
});
