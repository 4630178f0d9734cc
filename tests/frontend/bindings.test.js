/** What keys can be bound to: the same here and at the server. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { conflicts, KEPT } from "../../frontend/src/room/bindings.js";
import { MOST_KEYS } from "../../frontend/src/room/key_sheet.js";
import { bindings, keys } from "./fixtures.js";

test("the server keeps the same keys back, and takes as many of one action", () => {
  const server = readFileSync("../readerstudy/accounts/keys.py", "utf8");
  const kept = server.match(/^KEPT = frozenset\(\{(.*)\}\)/m)[1].match(/\w+/g);
  expect([new Set(kept), Number(server.match(/^MOST_KEYS = (\d+)/m)[1])]).toEqual([KEPT, MOST_KEYS]);
});

test("one key for two actions is found, and the usual keys are free of it", () => {
  expect([conflicts(keys()), conflicts(keys({ comment: ["j", "q"] }))]).toEqual([new Map(), new Map([["q", ["none", "comment"]]])]);
});

test("a key that rates is known from one that looks", () => {
  const bound = bindings({ invert: ["j"] });
  expect(["3", "j", "?", "i"].map((key) => bound.looks({ key, code: "", shiftKey: false }))).toEqual([false, true, true, false]);
});

test("a button with Shift falls back to what it does without", () => {
  const shift = (button) => bindings().button({ button, shiftKey: true });
  expect([shift(0), shift(2), shift(4)]).toEqual(["drag_pan", "drag_zoom", null]);
});
