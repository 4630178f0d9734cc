// @vitest-environment happy-dom
/** Active seconds. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Clock } from "../../frontend/src/room/clock.js";

let clock;

beforeEach(() => {
  vi.useFakeTimers();
  clock = new Clock();
  clock.run(true);
});
afterEach(() => vi.useRealTimers());

const touch = () => dispatchEvent(new Event("pointermove"));

test("are counted once", () => {
  vi.advanceTimersByTime(4500);
  expect(clock.take()).toBe(4.5);
  expect(clock.take()).toBe(0);
});

test("end a minute after the last input and go on with the next", () => {
  vi.advanceTimersByTime(200_000);
  expect(clock.take()).toBeCloseTo(60, 0);
  touch();
  vi.advanceTimersByTime(10_000);
  expect(clock.take()).toBeCloseTo(10, 0);
});

test("are not counted while there is nothing to look at", () => {
  clock.run(false);
  vi.advanceTimersByTime(5000);
  expect(clock.take()).toBe(0);
});

test("leave out the time a machine slept", () => {
  vi.setSystemTime(Date.now());
  const now = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 30_000);
  touch();
  expect(clock.take()).toBeLessThanOrEqual(2);
  now.mockRestore();
});

test("leave out a hidden tab", () => {
  const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  document.dispatchEvent(new Event("visibilitychange"));
  vi.advanceTimersByTime(5000);
  expect(clock.take()).toBe(0);
  visibility.mockRestore();
});
