/** The display check: what is asked in which order, and patterns that hold what they say. */

import { expect, test } from "vitest";
import { Check } from "../../frontend/src/display/check.js";
import { noisy, patched, steps } from "../../frontend/src/display/patterns.js";

const PATTERNS = {
  steps: 18, patches: { dark: { ground: 0, patch: 5 }, bright: { ground: 100, patch: 95 } },
  sizes: [32, 16], contrasts: [3, 1], ground: 42, noise: 3, needed: 3,
};

/** Numbers that look random and are the same each time. */
function seeded(seed = 1) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

test("is asked in order, and counts what is right", () => {
  const check = new Check(PATTERNS, seeded());
  check.answer(1);
  expect(check.stage).toBe("steps"); // a digit before its time is nothing
  check.toggle(3);
  check.toggle(5);
  check.toggle(3);
  expect(check.left).toBe(7);
  check.next();
  check.answer(check.places.dark);
  check.answer(0);
  expect(check.stage).toBe("discs");
  check.answer(0); // there is one in every field
  expect(check.asked).toBe(0);
  check.answer(check.disc.quarter);
  for (let n = 0; n < 3; n += 1) check.answer(1 + (check.disc.quarter % 4));
  expect(check.stage).toBe("done");
  expect(check.found).toBe(1);
  expect(check.result).toMatchObject({ missed: [5], dark: true, bright: false });
});

test("draws its places anew", () => {
  const places = [1, 2, 3, 4, 5].map((seed) => new Check(PATTERNS, seeded(seed * 9973)).discs.map(({ quarter }) => quarter).join(""));
  expect(new Set(places).size).toBeGreaterThan(2);
});

test("has steps of equal drive", () => {
  const values = steps(36, 2, 18);
  expect([values[0], values[1], values[2], values[35], values[36]]).toEqual([0, 0, 15, 255, 0]);
});

test("has a patch in one quarter alone", () => {
  const values = patched(40, PATTERNS.patches.bright, 3);
  expect(values[30 * 40 + 10]).toBe(242);
  expect(values.filter((value) => value === 242)).toHaveLength(64);
});

test("has a disc of its contrast in noise of its size", () => {
  const [width, height] = [200, 160];
  const disc = { size: 60, contrast: 1, quarter: 4 };
  const values = noisy(width, height, PATTERNS, disc, seeded(7));
  const inside = [];
  const outside = [];
  values.forEach((value, at) => {
    const own = Math.hypot((at % width) + 0.5 - 150, Math.floor(at / width) + 0.5 - 120) < 30;
    (own ? inside : outside).push(value / 2.55);
  });
  const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
  expect(mean(outside)).toBeCloseTo(42, 0);
  expect(mean(inside) - mean(outside)).toBeCloseTo(1, 0);
  const ground = mean(outside);
  expect(Math.sqrt(mean(outside.map((value) => (value - ground) ** 2)))).toBeCloseTo(3, 0);
});
