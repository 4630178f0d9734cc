/** Frames: unpacked as `processing.pair` packs them, fetched in order, given up when nobody wants them. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "../../frontend/src/room/api.js";
import { begun } from "../../frontend/src/room/begun.js";
import { decode, unpack } from "../../frontend/src/room/decode.js";
import { Stacks } from "../../frontend/src/room/frames.js";
import coded from "../processing/coded_frames.json";
import { flush } from "./fixtures.js";

/** Bytes as `processing.pair` orders them. */
const planes = (values) => new Uint8Array([...values.map((value) => value & 0xff), ...values.map((value) => value >> 8)]).buffer;

/** A wide frame of the first coding, before it is compressed. */
const encode = (rows) => planes(rows.flatMap((row) => row.map((value, at) => (value - (at ? row[at - 1] : 0)) & 0xffff)));

describe("decoding", () => {
  test("gives left and right row by row, also where values fall or use both bytes", () => {
    const { left, right } = decode(encode([[1, 65535, 0, 256], [300, 2, 7, 7]]), { rows: 2, columns: 2 });
    expect([...left]).toEqual([1, 65535, 300, 2]);
    expect([...right]).toEqual([0, 256, 7, 7]);
  });

  test("undoes the median edge detector, whose errors are folded: the expected level is worked out by hand", () => {
    // Levels 5 3 | 4 4095 over 7 0 | 4095 9; expected 0 5 3 4 over 5 5 1 4095 (W + N − NW between W and N).
    const errors = [5, -2, 1, 4091, 2, -5, 4094, -4086];
    const folded = errors.map((error) => (error < 0 ? -2 * error - 1 : 2 * error));
    const { left, right } = decode(planes(folded), { rows: 2, columns: 2, coding: 2 });
    expect([...left].map((value) => value / 16)).toEqual([5, 3, 7, 0]);
    expect([...right].map((value) => value / 16)).toEqual([4, 4095, 4095, 9]);
  });

  // `tests/processing/test_pair.py` holds that the server codes so.
  test.each([1, 2, 3])("unpacks what was prepared by coding %i", async (coding) => {
    const bytes = Uint8Array.from(atob(coded.frames[coding]), (character) => character.charCodeAt(0));
    const { left, right } = await unpack(bytes.buffer, { ...coded, coding });
    expect([...left]).toEqual(coded.left);
    expect([...right]).toEqual(coded.right);
  });

  test.each([1, 2, 3])("refuses a frame of another size, by coding %i", (coding) => {
    expect(() => decode(new ArrayBuffer(15), { rows: 2, columns: 2, coding })).toThrow("The frame has a wrong length.");
  });
});

describe("a pair's stacks", () => {
  const geometry = { rows: 1, columns: 1, slices: 3, spacing: [1, 1], window: { lower: 0, upper: 1 } };
  let asked;
  let answer;

  beforeEach(() => {
    asked = [];
    answer = async (index) => encode([[index, index + 100]]);
    vi.stubGlobal("fetch", async (path) => {
      const index = Number(path.match(/frames\/(\d+)/)[1]);
      asked.push(index);
      const buffer = await answer(index);
      return new Response(new Blob([buffer]).stream().pipeThrough(new CompressionStream("gzip")));
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  const whole = (stacks) => vi.waitFor(() => expect(stacks.complete).toBe(true));

  test("are fetched in the server's order", async () => {
    const stacks = new Stacks("/r/p1/", { geometry, order: [1, 2, 0] });
    stacks.load(1);
    await whole(stacks);
    expect(asked).toEqual([1, 2, 0]);
    expect(stacks.slices.map(({ left, right }) => [left[0], right[0]])).toEqual([[0, 100], [1, 101], [2, 102]]);
  });

  test("say that they may wait until the turn of their pair has come", async () => {
    const said = [];
    const { fetch } = globalThis;
    vi.stubGlobal("fetch", (path, { headers, priority }) => {
      said.push([headers.Priority, priority]);
      if (said.length === 1) stacks.load(1); // its turn has come
      return fetch(path);
    });
    const stacks = new Stacks("/r/p1/", { geometry, order: [1, 2, 0] });
    stacks.load(1, "low");
    await whole(stacks);
    expect(said).toEqual([["u=6", "low"], [undefined, "auto"], [undefined, "auto"]]);
  });

  test("begin with the slice that is looked for", async () => {
    const stacks = new Stacks("/r/p1/", { geometry, order: [1, 2, 0] });
    stacks.want(0);
    stacks.load(1);
    await whole(stacks);
    expect(asked).toEqual([0, 1, 2]);
  });

  test("are never asked for more at once than allowed", async () => {
    let most = 0;
    let now = 0;
    answer = async (index) => {
      now += 1;
      most = Math.max(most, now);
      await flush();
      now -= 1;
      return encode([[index, index]]);
    };
    const stacks = new Stacks("/r/p1/", { geometry: { ...geometry, slices: 6 }, order: [0, 1, 2, 3, 4, 5] });
    stacks.load(2);
    await whole(stacks);
    expect(most).toBe(2);
  });

  test("are asked for while others are unpacked", async () => {
    const unpacking = [];
    const stacks = new Stacks("/r/p1/", { geometry, order: [1, 2, 0] }, () => new Promise((done) => unpacking.push(done)));
    stacks.load(1);
    await vi.waitFor(() => expect(unpacking).toHaveLength(3));
    expect(stacks.loaded).toBe(0);
    for (const done of unpacking) done({ left: new Uint16Array(1), right: new Uint16Array(1) });
    await whole(stacks);
  });

  test("are taken where they were begun before, once, and asked for where that failed", async () => {
    const begin = (index, request) => begun().begin(`/r/p1/frames/${index}/`, geometry, unpack, request);
    begin(1, {});
    expect([asked, begun().isUntaken("/r/p1/frames/1/")]).toEqual([[1], true]);
    const { fetch } = globalThis;
    vi.stubGlobal("fetch", async () => new Response("{}", { status: 503 }));
    begin(2, {});
    vi.stubGlobal("fetch", fetch);
    const stacks = new Stacks("/r/p1/", { geometry, order: [1, 2, 0] });
    stacks.load(1);
    expect(begun().isUntaken("/r/p1/frames/1/")).toBe(false);
    await whole(stacks);
    expect(asked).toEqual([1, 2, 0]);
    expect(stacks.slices.map(({ left }) => left[0])).toEqual([0, 1, 2]);
    const again = new Stacks("/r/p1/", { geometry, order: [1, 2, 0] });
    again.load(1);
    await whole(again);
    expect(asked).toEqual([1, 2, 0, 1, 2, 0]);
  });

  test("stop at an error that trying again will not mend, and go on when asked", async () => {
    const { fetch } = globalThis;
    vi.stubGlobal("fetch", async () => new Response("{}", { status: 404 }));
    const stacks = new Stacks("/r/p1/", { geometry, order: [1, 2, 0] });
    const errors = [];
    stacks.onerror = (error) => errors.push(error);
    stacks.load(1);
    await vi.waitFor(() => expect(errors).toHaveLength(1));
    expect(errors[0]).toBeInstanceOf(ApiError);
    expect(errors[0].kind).toBe("refused");
    vi.stubGlobal("fetch", fetch);
    stacks.load(1);
    await whole(stacks);
  });

  test("are not fetched any more once stopped", async () => {
    const stacks = new Stacks("/r/p1/", { geometry, order: [1, 2, 0] });
    stacks.load(1);
    stacks.stop();
    await flush();
    expect(asked).toEqual([1]);
    expect(stacks.loaded).toBe(0);
  });
});
