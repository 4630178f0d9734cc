/** The next pair is shown with the confirmation, before the server has taken it: between two pairs of one part alone. */

import { beforeEach, expect, test } from "vitest";
import { ApiError } from "../../frontend/src/room/api.js";
import { Outbox } from "../../frontend/src/room/outbox.js";
import { Reading } from "../../frontend/src/room/reading.js";
import { flush, ON, pair } from "./fixtures.js";

const NO_STORE = { all: async () => [], put: async () => {}, remove: async () => {} };
const first = pair({ token: "p1", position: 1, state: "in_progress", kind: "reading", part: 1, next: ["p2", "p3"], confirmed: 0, total: 9 });
const second = pair({ token: "p2", position: 2, state: "scheduled", on: { ...ON, state: "scheduled" }, kind: "reading", part: 1, next: ["p3", "p4"], confirmed: 0, total: 8 });

let there;
let due;
let shown;
let said;
let answer;
let reading;

beforeEach(() => {
  there = { p2: second };
  due = false;
  shown = [];
  said = [];
  const request = () => new Promise((done, failed) => (answer = { done, failed }));
  const outbox = new Outbox({ base: "/r/", reader: "R1", request, store: NO_STORE, timers: { setTimeout: () => 0, clearTimeout() {} } });
  const page = { show: ({ token, confirmed, total }) => shown.push([token, confirmed, total]), due: () => due, announce: (...words) => said.push(words), unconfirmed: () => said.push("unconfirmed") };
  const rest = Object.fromEntries(["refill", "rest", "remember", "wait", "blocked", "reached", "choose", "owe", "ahead"].map((name) => [name, () => {}]));
  const ahead = { whole: (token) => there[token] ?? null, want() {} };
  reading = new Reading({ base: "/r/", request, outbox, ahead, later() {} }, { ...rest, arrive: (next) => reading.present(next), ...page });
});

async function confirm(body = first) {
  reading.present(body);
  reading.writeFinal("confirm", { seen: { left: [], right: [] } });
  await flush();
  return shown.map(([token]) => token);
}

test("at once, with the counts as they will be, and what is answered belongs to the pair on screen", async () => {
  expect(await confirm()).toEqual(["p1", "p2"]);
  expect(shown[1]).toEqual(["p2", 1, 9]);
  expect(reading.address).toBe("/r/p2/");
  reading.write("comment", "PUT", "comment/", { text: "x" });
  expect(reading.outbox.waiting("/r/p2/")[0].on).toEqual({ state: "scheduled", revision: 0 });
});

test.each([
  ["after a practice pair", { first: { kind: "training" } }],
  ["before a practice pair", { second: { kind: "training" } }],
  ["before another part", { second: { part: 2 } }],
  ["at the end of the list", { first: { next: [] } }],
  ["before a pause or a word", { due: true }],
  ["to a pair that is not there as a whole", { nothing: true }],
  ["from a pair that was opened again", { first: { state: "confirmed" } }],
  ["from a pair of which the server has not said that it is due", { first: { state: "scheduled" } }],
])("not %s", async (_, given) => {
  there = given.nothing ? {} : { p2: { ...second, ...given.second } };
  due = given.due ?? false;
  expect(await confirm({ ...first, ...given.first })).toEqual(["p1"]);
  expect(reading.awaited).toBe("/r/p1/");
});

test("one pair at a time: the next switch waits until the server has taken the confirmation before", async () => {
  there.p3 = { ...second, token: "p3" };
  await confirm();
  const { done } = answer;
  reading.writeFinal("confirm", { seen: { left: [], right: [] } });
  expect(reading.awaited).toBe("/r/p2/");
  expect(shown).toHaveLength(2);
  reading.awaited = null;
  done({ ...second, state: "in_progress" });
  await flush();
  reading.writeFinal("confirm", { seen: { left: [], right: [] } });
  expect(shown.map(([token]) => token)).toEqual(["p1", "p2", "p3"]);
});

test("a refused confirmation leaves the reader where he is, says so, and is owed", async () => {
  await confirm();
  answer.failed(new ApiError("refused", 422, { missing: ["SNR"] }));
  await flush();
  expect(shown).toHaveLength(2);
  expect(said[0][0]).toBe("Pair 1 is not confirmed");
  expect(said[0][1]).toContain("SNR");
  expect(reading.owed).toMatchObject([{ base: "/r/p1/", code: "refused", position: 1 }]);
  expect(await confirm(reading.body)).toHaveLength(3); // shown again, and nothing after it
});
