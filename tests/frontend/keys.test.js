// @vitest-environment happy-dom
/** Which key does what, and which keys are somebody else's. */

import { beforeEach, describe, expect, test } from "vitest";
import { listen } from "../../frontend/src/room/keys.js";
import { bindings, keys } from "./fixtures.js";
import { press } from "./page.js";

let calls;
let layer;

/** An object that answers to every name and writes down its calls. */
function recorder(name, more = {}) {
  return new Proxy(more, { get: (_, method) => (method in more ? more[method] : (...args) => calls.push(`${name}${String(method)}(${args.join(",")})`)) });
}

let turning;

const room = Object.fromEntries(
  ["skip", "confirm", "keys", "escape", "back", "window", "nextWindow", "cineSpeed", "enlarge", "toggle", "fullScreen", "reset", "oneToOne", "toggleSmooth", "values"]
    .map((name) => [name, (...args) => calls.push(`${name}(${args})`)]),
);
room.unheard = ({ key }) => calls.push(`unheard ${key}`);
const bound = bindings();
listen(room, bound, () => layer);

beforeEach(() => {
  calls = [];
  layer = null;
  turning = false;
  bound.set(keys());
  document.body.replaceChildren();
  Object.assign(room, { closed: false, answering: recorder("answering."), viewing: recorder("view.", { stopToggle: () => turning, active: "right" }), instruments: recorder("tool."), answerPanel: recorder("strip.") });
});

test.each([
  ["1", {}, "answering.rate(1)"], ["5", {}, "answering.rate(5)"], ["q", {}, "answering.none()"], ["Q", {}, "answering.none()"], ["a", {}, "answering.finding()"],
  ["w", {}, "answering.diagnostic(both)"], ["s", {}, "answering.choose()"], ["x", {}, "answering.cannotJudge()"], ["m", {}, "answering.comment()"],
  ["t", {}, "skip()"], [" ", {}, "confirm()"], ["Enter", {}, "confirm()"], ["Escape", {}, "escape()"], ["?", { shiftKey: true }, "keys()"],
  ["Backspace", {}, "answering.clearLast()"], ["Backspace", { shiftKey: true }, "back()"],
  ["ArrowLeft", {}, "answering.move(-1)"], ["ArrowRight", {}, "answering.move(1)"], ["ArrowUp", {}, "view.step(-1)"], ["PageDown", {}, "view.step(5)"],
  ["b", {}, "toggle()"], ["e", {}, "enlarge(right)"], ["n", {}, "nextWindow()"], [".", {}, "cineSpeed(1)"], [",", {}, "cineSpeed(-1)"],
  ["Home", {}, "view.goTo(0)"], ["+", {}, "view.scale(1.25)"], ["=", {}, "view.fit()"], ["l", {}, "view.toggleLink()"],
  ["g", {}, "tool.toggle(lens)"], ["d", {}, "tool.toggle(ruler)"], ["y", {}, "tool.toggle(angle)"], ["h", {}, "tool.toggle(cursor)"],
  [";", {}, "values(region)"], ["/", {}, "values(difference)"], ["p", {}, "oneToOne()"], ["o", {}, "toggleSmooth()"], ["z", {}, "reset()"], ["r", {}, "strip.toggleCollapsed()"],
])("%s %o: %s", (key, more, call) => {
  expect(press(key, more)).toBe(true);
  expect(calls).toEqual([call]);
});

describe("digits", () => {
  test("choose a window with Shift, whatever the layout writes then", () => {
    press("!", { code: "Digit1", shiftKey: true });
    expect(calls).toEqual(["window(0)"]);
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
  expect(calls).toEqual(["view.step(1)"]);
});

test("the other image is shown for as long as its key is held, whatever it writes when it is let go", () => {
  const up = (code) => dispatchEvent(new KeyboardEvent("keyup", { key: "x", code }));
  press("v", { code: "KeyV" });
  up("KeyA");
  expect(calls).toEqual(["view.swap(right)"]);
  up("KeyV");
  press("v", { code: "KeyV" });
  dispatchEvent(new Event("blur"));
  expect(calls).toEqual(["view.swap(right)", "view.swap()", "view.swap(right)", "view.swap()"]);
});

test("a key that means nothing is told so, and keeps what the browser makes of it", () => {
  expect(press("j")).toBe(false);
  room.closed = true;
  press("j");
  expect(calls).toEqual(["unheard j"]);
});

test("any key ends the turns: its own alone, another one does its work too", () => {
  turning = true;
  press("b");
  expect(calls).toEqual([]);
  press("3");
  expect(calls).toEqual(["answering.rate(3)"]);
});

describe("keys that the reader has bound", () => {
  test("do something, whatever the action", () => {
    const own = keys().map(({ action }) => action).filter((action) => !action.startsWith("drag_"));
    for (const action of own) {
      calls = [];
      bound.set(keys({ ...Object.fromEntries(own.map((other) => [other, []])), [action]: ["F2"] }));
      press("F2");
      expect([action, calls.length]).toEqual([action, 1]);
    }
  });

  test("do what they are bound to, and the usual ones no longer", () => {
    bound.set(keys({ none: ["j"], score_1: ["F2"] }));
    for (const key of ["j", "q", "F2", "1"]) press(key);
    expect(calls).toEqual(["answering.none()", "unheard q", "answering.rate(1)", "unheard 1"]);
  });

  test("may be buttons at the side of the mouse, which never leave the page", () => {
    const mouse = (name, button) => {
      const event = new MouseEvent(name, { button, cancelable: true });
      dispatchEvent(event);
      return event.defaultPrevented;
    };
    bound.set(keys({ confirm: ["Mouse4"], other: ["Mouse3"] }));
    expect([mouse("mousedown", 4), mouse("mouseup", 4), mouse("mousedown", 0)]).toEqual([true, true, false]);
    mouse("mousedown", 3);
    mouse("mouseup", 3);
    layer = { key: () => true };
    mouse("mousedown", 4);
    expect(calls).toEqual(["confirm()", "view.swap(right)", "view.swap()"]);
  });
});
