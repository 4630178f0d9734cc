// @vitest-environment happy-dom
/** Tools on the images: lengths and angles in mm on pixels that are not square, values, the magnifier, what stays and goes. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { Instruments } from "../../frontend/src/room/instruments.js";
import { boxAround, greys } from "../../frontend/src/room/lens.js";
import { degrees, millimetres, roundLength } from "../../frontend/src/room/lengths.js";
import { ALIKE, difference, percent, statistics } from "../../frontend/src/room/values.js";
import { Viewing } from "../../frontend/src/room/viewing.js";
import { openPage } from "./page.js";

/** Rows 2 mm apart, columns 1 mm: what counts pixels is wrong by up to a factor of two. */
const SPACING = [2, 1];
const [ROWS, COLUMNS, SLICES] = [10, 20, 5];
const geometry = { rows: ROWS, columns: COLUMNS, slices: SLICES, spacing: SPACING, window: { lower: 0, upper: 200 } };

describe("lengths on rows of 2 mm and columns of 1 mm", () => {
  test("are those of the patient", () => {
    expect(millimetres([0, 0], [6, 4], SPACING)).toBe(10); // 6 mm across, 8 mm down
    expect(millimetres([3, 1], [3, 6], SPACING)).toBe(10);
    expect(millimetres([6, 4], [0, 0], [4, 0.5])).toBeCloseTo(Math.sqrt(9 + 256));
  });

  test("and so are angles", () => {
    expect(degrees([5, 0], [0, 0], [0, 5], SPACING)).toBeCloseTo(90);
    expect(degrees([4, 0], [0, 0], [4, 2], SPACING)).toBeCloseTo(45); // 4 mm across, 4 mm down; 26.6° of pixels
    expect(degrees([-4, 0], [0, 0], [4, 2], SPACING)).toBeCloseTo(135);
    expect(degrees([9, 1], [3, 1], [-7, 1], SPACING)).toBeCloseTo(180);
  });

  test("have round bars", () => {
    expect([0.7, 1, 4.99, 5, 19, 20, 240].map(roundLength)).toEqual([0.5, 1, 2, 5, 10, 20, 200]);
  });
});

describe("values", () => {
  const pixels = Uint16Array.from({ length: ROWS * COLUMNS }, (_, at) => 10 * (at % COLUMNS));

  test("of a region are those of the pixels whose centre lies in it", () => {
    // Four columns wide, one row high: the centres at ±0.5 lie in it, those at ±1.5 as well.
    expect(statistics(pixels, geometry, [2, 3], [6, 4])).toEqual({ count: 4, area: 8, mean: 35, sd: expect.closeTo(12.91, 2) });
    // Three rows high: the four corners of the box are left out, (1.5 / 2)² + (1 / 1.5)² > 1.
    expect(statistics(pixels, geometry, [6, 6], [2, 3]).count).toBe(8);
  });

  test("of one pixel have no spread, and beside the image there are none", () => {
    expect(statistics(pixels, geometry, [2.1, 3.1], [2.9, 3.9])).toEqual({ count: 1, area: 2, mean: 20, sd: null });
    expect([statistics(pixels, geometry, [-9, -9], [-2, -2]), statistics(pixels, geometry, [3, 3], [3, 3])]).toEqual([null, null]);
  });

  test("are in percent of the range that both sides share", () => {
    expect([0, 50, 200, 300].map((value) => percent(value, geometry))).toEqual([0, 25, 100, 150]);
  });

  test("of a difference fit at both ends", () => {
    const [low, high] = [Uint16Array.of(0, 7, 65535), Uint16Array.of(65535, 7, 0)];
    expect([...difference(low, high)]).toEqual([65535, ALIKE, 0]);
  });
});

describe("the magnifier", () => {
  test("takes the image's own pixels through the window", () => {
    const pixels = Uint16Array.of(0, 50, 100, 150, 200, 999);
    const box = { left: 1, top: 0, width: 2, height: 2 };
    const red = (view) => [...greys(pixels, 3, box, view)].filter((_, at) => at % 4 === 0);
    expect(red({ lower: 0, upper: 200, invert: false })).toEqual([64, 128, 255, 255]);
    expect(red({ lower: 0, upper: 200, invert: true })).toEqual([191, 128, 0, 0]);
  });

  test("ends with the image", () => {
    expect(boxAround([5, 5], [2, 1], geometry)).toEqual({ left: 2, top: 3, width: 6, height: 4 });
    expect(boxAround([0, 0], [2, 1], geometry)).toEqual({ left: 0, top: 0, width: 3, height: 2 });
    expect(boxAround([-9, 5], [2, 1], geometry)).toBeNull();
  });
});

describe("on the images", () => {
  let viewports;
  let viewing;
  let instruments;
  let panes;

  function open(values = true) {
    openPage();
    panes = Object.fromEntries(["left", "right"].map((side) => [side, document.getElementById(`pane-${side}`)]));
    viewports = { size: { width: 400, height: 200, ratio: 2 }, show: vi.fn(), look: vi.fn() };
    viewing = new Viewing(viewports, () => {});
    instruments = new Instruments(panes, viewing, values);
    const image = (value) => new Uint16Array(ROWS * COLUMNS).fill(value);
    const slices = Array.from({ length: SLICES }, (_, at) => ({ left: image(20 + at), right: image(60 + at) }));
    viewing.open({ geometry, slices, want() {} });
    viewing.painted();
    instruments.draw();
  }

  beforeEach(() => open());

  const words = (side = "left") => [...panes[side].querySelectorAll(".length")].map(({ textContent }) => textContent);
  const count = (selector, side = "left") => panes[side].querySelectorAll(selector).length;
  const move = (x, y, side = "left") => instruments.hover(side, x, y);
  function drag(from, to) {
    const { tool } = instruments;
    tool.down("left", ...from);
    move(...to);
    tool.up("left", ...to);
    instruments.draw();
  }
  const click = (x, y) => drag([x, y], [x, y]);

  test("there is a bar of a round length and the size of a pixel, on both alike", () => {
    // 0.1 mm to a CSS pixel: a fifth of the pane is 8 mm.
    for (const side of ["left", "right"]) {
      expect([...panes[side].querySelectorAll(".scale-words")].map(({ textContent }) => textContent)).toEqual(["5 mm", "2 × 1 mm per pixel"]);
      expect(panes[side].querySelector(".bar").getAttribute("points")).toBe("10,185 10,190 60,190 60,185");
    }
    viewing.scale(2);
    instruments.draw();
    expect(panes.left.querySelector(".scale-words").textContent).toBe("2 mm");
  });

  test("several rulers and an angle stay, on both sides and on their slices only", () => {
    instruments.toggle("ruler");
    drag([100, 100], [160, 180]);
    drag([100, 100], [100, 150]);
    instruments.toggle("angle");
    click(100, 100);
    click(140, 100);
    click(140, 60);
    expect([words("left"), words("right")]).toEqual([["10.0 mm", "5.0 mm", "90.0°"], ["10.0 mm", "5.0 mm", "90.0°"]]);
    instruments.toggle("angle");
    expect(instruments.tool).toBeNull();
    viewing.scroll(1);
    viewing.painted();
    instruments.draw();
    expect(words()).toEqual([]);
    viewing.scroll(-1);
    viewing.painted();
    instruments.draw();
    expect(words()).toHaveLength(3);
  });

  test("lengths stay as they are when the image is enlarged and moved", () => {
    instruments.toggle("ruler");
    drag([100, 100], [160, 180]);
    viewing.scale(3);
    viewing.pan(11, -40);
    instruments.draw();
    expect(words()).toEqual(["10.0 mm"]);
  });

  test("what is only half placed goes with its tool, what is placed with the view's reset", () => {
    instruments.toggle("angle");
    click(100, 100);
    instruments.toggle("ruler");
    drag([100, 100], [160, 180]);
    expect(words()).toEqual(["10.0 mm"]);
    instruments.clear();
    expect([words(), count(".rule"), instruments.mode]).toEqual([[], 0, null]);
  });

  test("with nothing on screen nothing is drawn", () => {
    instruments.toggle("ruler");
    drag([100, 100], [160, 180]);
    viewing.close();
    instruments.draw();
    expect([count(".marks *"), count(".marks *", "right")]).toEqual([0, 0]);
  });

  test("the mouse is shown on the other side, broken where that shows another slice", () => {
    instruments.toggle("cursor");
    move(120, 80);
    expect([count(".cross"), count(".cross", "right"), count(".apart", "right")]).toEqual([0, 4, 0]);
    viewing.toggleLink();
    viewing.scroll(1, "right");
    viewing.painted();
    move(120, 80);
    expect([count(".apart", "right"), words("right")[0]]).toEqual([4, "slice 4"]);
    viewing.swap("right"); // now both panes show the left image
    move(120, 80);
    expect([count(".cross", "right"), count(".apart", "right")]).toEqual([4, 0]);
    panes.left.dispatchEvent(new Event("pointerleave"));
    expect(count(".cross", "right")).toBe(0);
  });

  test("values are said of the image in the pane, and only where the protocol shows them", () => {
    instruments.toggle("cursor");
    move(200, 100);
    expect([words("left"), words("right")]).toEqual([["11.0 %"], ["31.0 %"]]);
    viewing.swap("left");
    move(200, 100);
    expect(words("left")).toEqual(["31.0 %"]);
    open(false);
    instruments.toggle("cursor");
    move(200, 100);
    expect([words("left"), words("right")]).toEqual([[], []]);
  });

  test("a region says mean and SD in percent, pixels and mm²", () => {
    instruments.toggle("region");
    drag([180, 80], [220, 120]);
    expect(words("right")).toEqual(["mean 31.0 %, SD (n − 1) 0.0 %", "8 pixels, 16.0 mm²"]);
  });

  test("a difference is in both panes, around a middle grey, and counts as seen on neither side", () => {
    viewing.scroll(1);
    instruments.toggle("difference");
    viewing.painted();
    const [, { left, right }, { lower, upper }] = viewports.show.mock.lastCall;
    expect([left[0], right[0]]).toEqual([ALIKE + 20, ALIKE + 20]);
    expect([lower, upper]).toEqual([ALIKE - 50, ALIKE + 50]);
    expect([...viewing.seen.left]).toEqual([2]);
    instruments.toggle("difference");
    viewing.painted();
    expect([...viewing.seen.left]).toEqual([2, 3]);
    instruments.toggle("difference");
    viewing.reset();
    expect(viewing.difference).toBe(false);
  });
});

describe("one to one", () => {
  const viewing = () => {
    const made = new Viewing({ size: { width: 401, height: 200, ratio: 2 }, show() {}, look: vi.fn() }, () => {});
    made.open({ geometry, slices: Array(SLICES).fill({ left: "l", right: "r" }), want() {} });
    return made;
  };

  test("is one column on one pixel of the screen, from a whole one on", () => {
    const made = viewing();
    made.oneToOne();
    expect(made.mmPerPixel).toBeCloseTo(2); // two pixels of 1 mm to a CSS pixel
    const [x, y] = made.paneAt([0, 0]).map((place) => 2 * place);
    expect([x, y].map((place) => Math.abs(place - Math.round(place)))).toEqual([expect.closeTo(0), expect.closeTo(0)]);
    made.pan(0.25, 0);
    made.oneToOne();
    expect((2 * made.paneAt([0, 0])[0]) % 1).toBeCloseTo(0);
  });

  test("stays so in a room of another size, until it is zoomed", () => {
    const made = viewing();
    made.oneToOne();
    made.size.height = 300;
    made.resized();
    expect(made.mmPerPixel).toBeCloseTo(2);
    made.scale(2);
    expect(made.mmPerPixel).toBeCloseTo(1);
    made.size.height = 200;
    made.resized();
    expect(made.mmPerPixel).not.toBeCloseTo(1);
  });
});

test("interpolation goes off and on, and is on again with the next pair", () => {
  const viewports = { size: { width: 400, height: 200, ratio: 1 }, show() {}, look: vi.fn() };
  const viewing = new Viewing(viewports, () => {});
  const stacks = { geometry, slices: Array(SLICES).fill({ left: "l", right: "r" }), want() {} };
  viewing.open(stacks);
  viewing.toggleSmooth();
  expect(viewports.look.mock.lastCall[0].smooth).toBe(false);
  viewing.open(stacks);
  expect(viewing.view.smooth).toBe(true);
});
