// @vitest-environment happy-dom
/** The dialogs over the ratings: what their keys do, and what they keep. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { BlockingDialog } from "../../frontend/src/room/blocking_dialog.js";
import { ChoiceDialog, CommentDialog, FindingDialog } from "../../frontend/src/room/dialogs.js";
import { bindings, config } from "./fixtures.js";
import { openPage } from "./page.js";

beforeEach(openPage);

const looks = (event) => bindings().looks(event);

const byId = (id) => document.getElementById(id);
/** @returns whether the dialog took the key */
const key = (dialog, name, target = document.body, more = {}) => {
  const event = new KeyboardEvent("keydown", { key: name, cancelable: true, ...more });
  Object.defineProperty(event, "target", { value: target });
  return dialog.key(event);
};

describe("a finding", () => {
  let actions;
  let dialog;

  beforeEach(() => {
    actions = { onkeep: vi.fn(), onremove: vi.fn(), onleave: vi.fn(), onchange: vi.fn() };
    dialog = new FindingDialog(byId("finding"), config.finding_kinds, actions, looks);
    dialog.show([]);
  });

  test("is kept by keys alone", () => {
    key(dialog, "2");
    key(dialog, "ArrowLeft");
    dialog.remark.value = " bright spot ";
    key(dialog, "Enter", dialog.remark);
    expect(actions.onkeep).toHaveBeenCalledWith({ kind: "creation", side: "left", i: null, j: null, k: null, structure: "", remark: "bright spot" });
    expect(dialog.open).toBe(false);
  });

  test("gets its kind from a digit on every keyboard, and none of them is typed into the remark", () => {
    for (const [name, code] of [["é", "Digit2"], ["2", "Numpad2"]]) {
      dialog.show([]);
      key(dialog, name, dialog.remark, { code });
      key(dialog, "ArrowLeft");
      key(dialog, "Enter");
      expect(actions.onkeep.mock.lastCall[0].kind).toBe("creation");
    }
  });

  test("is not kept without kind and side", () => {
    key(dialog, "Enter");
    expect(byId("finding").querySelector(".kinds").className).toContain("wanted");
    key(dialog, "1");
    key(dialog, "Enter");
    expect(byId("finding").querySelector(".places").className).toContain("wanted");
    expect(actions.onkeep).not.toHaveBeenCalled();
  });

  test("takes its side from the image that is clicked, unless one was chosen", () => {
    dialog.place("right", { i: 1, j: 2, k: 3 });
    expect(dialog.mark).toEqual({ side: "right", i: 1, j: 2, k: 3 });
    key(dialog, "ArrowDown");
    dialog.place("left", { i: 4, j: 5, k: 6 });
    key(dialog, "1");
    key(dialog, "Enter");
    expect(actions.onkeep.mock.lastCall[0]).toMatchObject({ side: "both", i: 4, j: 5, k: 6 });
  });

  test("lets digits and arrows into a text that is being written", () => {
    dialog.remark.value = "L";
    expect(key(dialog, "1", dialog.remark)).toBe(true);
    key(dialog, "ArrowLeft", dialog.remark);
    key(dialog, "Enter");
    expect(actions.onkeep).not.toHaveBeenCalled();
  });

  test("is left with Escape, and no key but those for slices goes through", () => {
    expect(key(dialog, "PageUp")).toBe(false);
    expect(key(dialog, "w")).toBe(true);
    key(dialog, "Escape");
    expect([dialog.open, byId("finding").hidden, actions.onleave.mock.calls.length]).toEqual([false, true, 1]);
  });

  test("that was begun waits for the reader to come back, and goes with the pair", () => {
    dialog.place("right", { i: 1, j: 2, k: 3 });
    dialog.remark.value = "dark rim";
    key(dialog, "Escape", dialog.remark);
    expect([dialog.open, dialog.mark, dialog.begun]).toEqual([false, null, true]);
    dialog.show([]);
    expect([dialog.remark.value, dialog.mark]).toEqual(["dark rim", { side: "right", i: 1, j: 2, k: 3 }]);
    dialog.close();
    dialog.show([]);
    expect([dialog.remark.value, dialog.mark, dialog.begun]).toEqual(["", null, false]);
  });

  test("kept before can be taken back", () => {
    const finding = { id: 1, kind: "loss", side: "both", structure: "disc", remark: "" };
    dialog.show([finding]);
    expect(byId("finding").querySelector(".kept span").textContent).toBe("loss · both · disc");
    byId("finding").querySelector(".kept button").click();
    expect(actions.onremove).toHaveBeenCalledWith(finding);
  });
});

describe("a comment", () => {
  test("is kept where it has changed", () => {
    const onkeep = vi.fn();
    const dialog = new CommentDialog(byId("comment"), onkeep, looks);
    dialog.show("dark");
    key(dialog, "Enter", dialog.field);
    expect(onkeep).not.toHaveBeenCalled();
    dialog.show("dark");
    dialog.field.value = "darker ";
    key(dialog, "Enter", dialog.field);
    expect(onkeep.mock.calls).toEqual([["darker"]]);
    dialog.show("darker");
    dialog.field.value = "";
    key(dialog, "Escape", dialog.field);
    expect([onkeep.mock.calls.length, dialog.open]).toEqual([1, false]);
  });
});

test("Enter keeps a comment, Shift Enter breaks its line", () => {
  const onkeep = vi.fn();
  const dialog = new CommentDialog(byId("comment"), onkeep);
  dialog.show("");
  dialog.field.value = "dark";
  const event = new KeyboardEvent("keydown", { key: "Enter", shiftKey: true, cancelable: true });
  Object.defineProperty(event, "target", { value: dialog.field });
  expect([dialog.key(event), event.defaultPrevented, dialog.open]).toEqual([true, false, true]);
  dialog.field.value = "dark\nbelow";
  key(dialog, "Enter", dialog.field);
  expect(onkeep.mock.calls).toEqual([["dark\nbelow"]]);
});

test("a dialog takes the focus and gives it back to what had it by keyboard, not to what was clicked", () => {
  const dialog = new CommentDialog(byId("comment"), vi.fn());
  const chip = document.querySelector(".chip.comment");
  for (const byKeyboard of [true, false]) {
    chip.matches = (selector) => (selector === ":focus-visible" ? byKeyboard : HTMLElement.prototype.matches.call(chip, selector));
    chip.focus();
    dialog.show("");
    expect(document.activeElement).toBe(dialog.field);
    key(dialog, "Escape", dialog.field);
    expect(document.activeElement === chip).toBe(byKeyboard);
  }
});

describe("a choice", () => {
  const onunheard = vi.fn();
  const options = () => [{ key: "1", mark: "1", words: "broken", choose: vi.fn() }, { key: "ArrowLeft", mark: "←", words: "left", choose: vi.fn() }];

  test("is made by its key, once, while the images can be looked at", () => {
    const dialog = new ChoiceDialog(byId("choice"), looks, onunheard);
    const [broken, left] = options();
    dialog.ask("Why?", "", [broken, left]);
    expect(key(dialog, "l")).toBe(false);
    expect(key(dialog, "q")).toBe(true);
    expect(onunheard.mock.calls.map(([event]) => event.key)).toEqual(["q"]);
    key(dialog, "ArrowLeft");
    expect(left.choose).toHaveBeenCalledOnce();
    expect([dialog.open, broken.choose.mock.calls.length]).toEqual([false, 0]);
  });

  test("is made by its digit on every keyboard", () => {
    const dialog = new ChoiceDialog(byId("choice"), looks, onunheard);
    for (const [name, code] of [["&", "Digit1"], ["1", "Numpad1"]]) {
      const [broken] = options();
      dialog.ask("Why?", "", [broken]);
      key(dialog, name, document.body, { code });
      expect(broken.choose).toHaveBeenCalledOnce();
    }
  });

  test("can be left only where that is allowed", () => {
    const dialog = new ChoiceDialog(byId("choice"), looks, onunheard);
    dialog.ask("Why?", "", options());
    key(dialog, "Escape");
    expect(dialog.open).toBe(true);
    const onleave = vi.fn();
    dialog.ask("Why?", "", options(), onleave);
    key(dialog, "Escape");
    expect([dialog.open, onleave.mock.calls.length]).toEqual([false, 1]);
  });
});

test("what covers the room takes the focus, keeps everything behind out of reach, and gives both back", () => {
  const dialog = new BlockingDialog(byId("cover"));
  const pane = byId("pane-left");
  pane.matches = (selector) => selector === ":focus-visible" || HTMLElement.prototype.matches.call(pane, selector);
  pane.focus();
  const retry = document.createElement("button");
  dialog.show("refused", "Reading has stopped", "Try again.", retry);
  expect([document.activeElement, byId("room").inert, byId("strip").inert, byId("cover").inert]).toEqual([retry, true, true, false]);
  dialog.hide("refused");
  expect([document.activeElement, byId("room").inert, byId("strip").inert]).toEqual([pane, false, false]);
});

test("a question that stops the reading is answered by its letter on every keyboard, and by none at once", () => {
  vi.useFakeTimers();
  const dialog = new BlockingDialog(byId("cover"));
  const keep = vi.fn();
  dialog.ask("choose", "Two versions", [], [{ key: "k", words: "Keep", choose: keep }]);
  const press = (name, code) => dialog.key(new KeyboardEvent("keydown", { key: name, code }));
  press("л", "KeyK");
  vi.advanceTimersByTime(401);
  press("q", "KeyQ");
  expect(keep).not.toHaveBeenCalled();
  press("л", "KeyK");
  expect([keep.mock.calls.length, dialog.open]).toEqual([1, false]);
  vi.useRealTimers();
});
