// @vitest-environment happy-dom
/** The last look before the questions: its keys are those of the reader. */

import { expect, test, vi } from "vitest";
import { Interludes } from "../../frontend/src/room/interludes.js";
import { bindings, config } from "./fixtures.js";
import { openPage, press } from "./page.js";

test("goes back on the reader's own key, which it names", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  openPage();
  const reading = { awaited: null, notice: "", load: vi.fn(), finish: vi.fn() };
  const parts = { reading, outbox: { kept: 0 }, clock: { take() {} }, imagePanes: { hush() {} }, obstacles: {}, bindings: bindings({ back: ["j"] }) };
  const interludes = new Interludes(config, parts, () => {});
  interludes.rest({ finished: false, last_look: true, confirmed: 3, total: 3, previous: "p3" });
  expect([...document.querySelectorAll("#calm kbd")].map((cap) => cap.textContent)).toEqual(["Enter", "J"]);
  addEventListener("keydown", (event) => interludes.lastLook.key(event));
  press("j");
  expect(reading.load).not.toHaveBeenCalled(); // a key too many, pressed for the pair before
  vi.advanceTimersByTime(500);
  press("Backspace", { shiftKey: true });
  expect(reading.load).not.toHaveBeenCalled();
  press("j");
  expect(reading.load).toHaveBeenCalledExactlyOnceWith("p3/");
  vi.useRealTimers();
});
