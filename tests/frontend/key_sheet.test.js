// @vitest-environment happy-dom
/** The list of keys, and how a key is bound by pressing it. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "../../frontend/src/room/api.js";
import { KeySheet } from "../../frontend/src/room/key_sheet.js";
import { bindings, config, flush } from "./fixtures.js";
import { openPage } from "./page.js";

let root;
let bound;
let sheet;
let save;

beforeEach(() => {
  openPage();
  root = document.getElementById("keys");
  bound = bindings();
  save = vi.fn(async () => {});
  sheet = new KeySheet(root, config, bound, save);
  sheet.toggle();
});

const row = (words) => [...root.querySelectorAll("dd")].find((dd) => dd.textContent.startsWith(words));
const caps = (words) => [...row(words).previousElementSibling.children];
const printedAs = (words) => caps(words).map((cap) => cap.textContent);
const key = (name, more = {}) => sheet.key(new KeyboardEvent("keydown", { key: name, cancelable: true, ...more }));
const click = (selector) => root.querySelector(selector).click();
const said = () => root.querySelector("[role=status]").textContent;
/** Puts a key in the place of an action's first. */
const bind = (words, name, more) => {
  caps(words)[0].click();
  key(name, more);
};

test("lists the keys as they are bound, and only what the study knows", () => {
  expect([printedAs("comment"), printedAs("move the image")]).toEqual([["M"], ["middle drag", "⇧ left drag"]]);
  sheet.toggle();
  bound.set(bindings({ comment: ["j"] }).list);
  config.allow_back = false;
  sheet.toggle();
  config.allow_back = true;
  expect([printedAs("comment"), row("pair before"), row("region: mean and SD")]).toEqual([["J"], undefined, undefined]);
  sheet.toggle();
  config.show_values = true;
  sheet.toggle();
  config.show_values = false;
  expect([printedAs("region: mean and SD"), printedAs("right image less the left")]).toEqual([[";"], ["/"]]);
});

test("is closed by its own key and by Escape, and lets no key through", () => {
  expect(key("q")).toBe(true);
  key("?");
  expect(sheet.open).toBe(false);
  sheet.toggle();
  key("Escape");
  expect(sheet.open).toBe(false);
});

describe("a key is bound", () => {
  beforeEach(() => click(".bind"));

  test("by pressing it, by its place or by what it writes", async () => {
    bind("comment", "ж", { code: "Semicolon" });
    bind("window: whole range", "@", { code: "Digit9", shiftKey: true });
    bind("confirm the pair", "5", { code: "Numpad5" });
    click(".save-keys");
    await flush();
    expect(save.mock.calls).toEqual([[{ comment: ["ж"], window_1: ["Shift+9"], confirm: ["Numpad5", "Space"] }]]);
    expect([root.classList.contains("editing"), said()]).toEqual([false, "Saved with your account."]);
  });

  test("or a button of the mouse, where the mouse is what is bound", () => {
    const press = (button, more = {}) => root.querySelector("h1").dispatchEvent(new MouseEvent("pointerdown", { button, bubbles: true, cancelable: true, ...more }));
    caps("zoom")[0].click();
    expect(printedAs("zoom")[0]).toBe("press");
    key("j");
    press(2, { shiftKey: true });
    expect(printedAs("zoom")).toEqual(["⇧ right drag", "+"]);
    caps("comment")[0].click();
    press(3);
    expect(printedAs("comment")).toEqual(["mouse back", "+"]);
  });

  test("and one more, and taken away", () => {
    caps("comment")[1].click();
    key("j");
    expect(printedAs("comment")).toEqual(["M", "J", "+"]);
    bind("comment", "Delete");
    expect(printedAs("comment")).toEqual(["J", "+"]);
    bind("comment", "Escape");
    expect(printedAs("comment")).toEqual(["J", "+"]);
  });

  test("but not one that means the same everywhere", () => {
    bind("comment", "k");
    expect([printedAs("comment")[0], said()]).toEqual(["press", "K has one meaning everywhere. Press another key."]);
  });

  test("twice: both places are marked, and nothing is saved until one is changed", async () => {
    bind("comment", "q");
    expect(row("comment").textContent).toBe("comment also: integrity: nothing wrong");
    expect(row("integrity: nothing wrong").textContent).toContain("also: comment");
    click(".save-keys");
    expect([save.mock.calls, said()]).toEqual([[], "A key can do one thing only. Change one of each pair that is marked."]);
    bind("integrity: nothing wrong", "j");
    click(".save-keys");
    await flush();
    expect(save.mock.lastCall).toEqual([{ comment: ["q"], none: ["j"] }]);
  });

  test("and back to the usual ones, or left as it was", async () => {
    bind("comment", "j");
    click(".leave");
    expect([printedAs("comment"), save.mock.calls]).toEqual([["M"], []]);
    bound.set(bindings({ comment: ["j"] }).list);
    click(".bind");
    click(".defaults");
    click(".save-keys");
    await flush();
    expect(save.mock.lastCall).toEqual([{}]);
  });

  test("and stays on the page where the server cannot be reached", async () => {
    save.mockRejectedValue(new ApiError("offline"));
    bind("comment", "j");
    click(".save-keys");
    await flush();
    expect([root.classList.contains("editing"), printedAs("comment")[0], said()]).toEqual([true, "J", "Not saved. There is no connection."]);
  });
});
