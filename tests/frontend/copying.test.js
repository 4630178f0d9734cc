// @vitest-environment happy-dom
/** What a button that copies says. */

import { expect, test, vi } from "vitest";
import { copying } from "../../frontend/src/shared/copying.js";

test.each([
  ["that it did", async () => {}, "Copied", 0],
  ["how to do it by hand", async () => { throw new Error("not allowed"); }, "Selected: copy it with Ctrl+C", 1],
])("%s, for a while", async (_, copy, words, selected) => {
  vi.useFakeTimers();
  const button = document.createElement("button");
  button.textContent = "Copy table";
  const select = vi.fn();
  await copying(button, copy, select);
  expect([button.textContent, select.mock.calls.length]).toEqual([words, selected]);
  vi.advanceTimersByTime(4000);
  expect(button.textContent).toBe("Copy table");
  vi.useRealTimers();
});
