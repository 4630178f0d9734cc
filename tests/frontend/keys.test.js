// @vitest-environment happy-dom
/** Which key does what, and which keys are somebody else's. */

import { beforeEach, describe, expect, test } from "vitest";
import { listen } from "../../frontend/src/room/keys.js";
import { press } from "./page.js";

let calls;
let layer;

/** An object that answers to every name and writes down its calls. */
function recorder(name) {
  return new Proxy({}, { get: (_, method) => (...args) => calls.push(`${name}${String(method)}(${args.join(",")})`) });
}

const room = Object.fromEntries(
  ["skip", "confirm", "keys", "escape", "back", "preset", "fullScreen"].map((name) => [name, (...args) => calls.push(`${name}(${args})`)]),
);
listen(room, () => layer);

beforeEach(() => {
  calls = [];
  layer = null;
  document.body.replaceChildren();
  Object.assign(room, { closed: false, answering: recorder("answering."), viewing: recorder("view."), instruments: recorder("tool."), answerPanel: recorder("strip.") });
});

test.each([
  ["1", {}, "answering.rate(1)"], ["5", {}, "answering.rate(5)"], ["q", {}, "answering.none()"], ["Q", {}, "answering.none()"], ["a", {}, "answering.finding()"],
  ["w", {}, "answering.diagnostic(both)"], ["s", {}, "answering.choose()"], ["x", {}, "answering.cannotJudge()"], ["m", {}, "answering.comment()"],
  ["t", {}, "skip()"], [" ", {}, "confirm()"], ["Enter", {}, "confirm()"], ["Escape", {}, "escape()"], ["?", { shiftKey: true }, "keys()"],
  ["Backspace", {}, "answering.clearLast()"], ["Backspace", { shiftKey: true }, "back()"],
  ["ArrowLeft", {}, "answering.move(-1)"], ["ArrowRight", {}, "answering.move(1)"], ["ArrowUp", {}, "answering.scroll(-1)"], ["PageDown", {}, "answering.scroll(5)"],
  ["Home", {}, "view.goTo(0)"], ["+", {}, "view.scale(1.25)"], ["=", {}, "view.fit()"], ["l", {}, "view.toggleLink()"],
  ["g", {}, "tool.toggle(lens)"], ["d", {}, "tool.toggle(ruler)"], ["r", {}, "strip.toggleCollapsed()"],
])("%s %o: %s", (key, more, call) => {
  expect(press(key, more)).toBe(true);
  expect(calls).toEqual([call]);
});

describe("digits", () => {
  test("choose a window with Shift, whatever the layout writes then", () => {
    press("!", { code: "Digit1", shiftKey: true });
    expect(calls).toEqual(["preset(1)"]);
  });

  test("rate without Shift also where the layout wants Shift for digits", () => {
    press("&", { code: "Digit1" });
    expect(calls).toEqual(["answering.rate(1)"]);
  });

  test("of the numeric pad count with NumLock only, and its zero is the short way", () => {
    press("4", { code: "Numpad4" });
    press("ArrowLeft", { code: "Numpad4" });
    press("0", { code: "Numpad0" });
    expect(calls).toEqual(["answering.rate(4)", "answering.move(-1)", "answering.fine()"]);
  });
});

describe("a key is not the room's", () => {
  test("with Ctrl, Alt or Meta, and Tab never", () => {
    for (const more of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }]) press("w", more);
    press("Tab");
    expect(calls).toEqual([]);
  });

  test("while there is nothing to answer", () => {
    room.closed = true;
    expect(press("3")).toBe(false);
    expect(calls).toEqual([]);
  });

  test("in a text field", () => {
    const field = document.createElement("input");
    document.body.append(field);
    expect(press("q", {}, field)).toBe(false);
    expect(calls).toEqual([]);
  });

  test("where a layer on top takes it", () => {
    layer = { key: ({ key }) => key !== "l" };
    press("q");
    press("l");
    expect(calls).toEqual(["view.toggleLink()"]);
  });
});

test("a key held down scrolls and scales, and rates or confirms once", () => {
  for (const key of ["3", "Enter", "q"]) expect(press(key, { repeat: true })).toBe(true);
  press("ArrowDown", { repeat: true });
  expect(calls).toEqual(["answering.scroll(1)"]);
});

test("the other image is shown for as long as V is held", () => {
  room.viewing = { active: "right", swap: (side) => calls.push(side) };
  press("v");
  dispatchEvent(new KeyboardEvent("keyup", { key: "V" }));
  press("v");
  dispatchEvent(new Event("blur"));
  expect(calls).toEqual(["right", null, "right", null]);
});
