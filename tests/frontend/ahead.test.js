/** Pairs fetched before their turn: in order, whole, and let go when they do not come next. */

import { beforeEach, expect, test, vi } from "vitest";
import { Ahead } from "../../frontend/src/room/ahead.js";
import { ApiError } from "../../frontend/src/room/api.js";
import { flush } from "./fixtures.js";

let stacks;
let request;
let ahead;

beforeEach(() => {
  stacks = {};
  request = vi.fn(async (method, path) => ({ token: path.split("/")[2], geometry: {}, order: [] }));
  const make = (base) => {
    const made = { complete: false, error: null, stopped: false, load: vi.fn(), stop: vi.fn(() => { made.stopped = true; made.onstop?.(); }) };
    stacks[base.split("/")[2]] = made;
    return made;
  };
  ahead = new Ahead({ base: "/r/", request, stacks: make, width: 2 });
});

function finish(token) {
  stacks[token].complete = true;
  stacks[token].onslice();
  return flush();
}

test("one pair after the other, in the order of reading", async () => {
  ahead.want(["p2", "p3"]);
  ahead.look();
  await flush();
  expect(Object.keys(stacks)).toEqual(["p2"]);
  expect(ahead.whole("p2")).toBeNull();
  await finish("p2");
  expect(Object.keys(stacks)).toEqual(["p2", "p3"]);
  expect(ahead.whole("p2").token).toBe("p2");
});

test("what is there of a pair is taken over when its turn comes", async () => {
  ahead.want(["p2"]);
  ahead.look();
  await flush();
  expect(ahead.take("p2")).toBe(stacks.p2);
  expect(ahead.take("p2")).toBeNull();
  expect(stacks.p2.stop).not.toHaveBeenCalled();
});

test("a pair that does not come next any more is stopped, and the next begun", async () => {
  ahead.want(["p2", "p3"]);
  ahead.look();
  await flush();
  ahead.want(["p3"]);
  await flush();
  expect(stacks.p2.stop).toHaveBeenCalled();
  ahead.look();
  await flush();
  expect(Object.keys(stacks)).toContain("p3");
});

test("a lost connection ends the looking until it is asked for again", async () => {
  request.mockRejectedValueOnce(new ApiError("offline"));
  ahead.want(["p2"]);
  await ahead.look();
  expect(stacks).toEqual({});
  ahead.look();
  await flush();
  expect(Object.keys(stacks)).toEqual(["p2"]);
});

test("images that are still being prepared are not waited for", async () => {
  request.mockResolvedValueOnce({ token: "p2", geometry: null, order: [] });
  ahead.want(["p2"]);
  await ahead.look();
  expect(stacks).toEqual({});
});
