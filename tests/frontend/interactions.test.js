// @vitest-environment happy-dom
/** The log of viewing: small, behind every answer, and honest about what it lost. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../../frontend/src/room/api.js";
import { crc32, Interactions } from "../../frontend/src/room/interactions.js";

let viewing;
let outbox;
let request;
let imagePanes;
let instruments;
let given;
let log;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(document, "hasFocus").mockReturnValue(true);
  viewing = {
    shown: { left: 4, right: 4 }, targets: { left: 4, right: 4 }, swapped: null, linked: true, window: 100, level: 50,
    invert: false, zoom: 1, centre: [0, 0], cine: false,
  };
  outbox = { empty: true };
  imagePanes = { front: null };
  instruments = { mode: null };
  given = 0;
  request = vi.fn(async () => ({ kept: true }));
  const answers = () => ({ places: ["1", "2", "3"], answered: (place) => Number(place) <= given });
  log = new Interactions({ request, outbox, viewing, imagePanes, instruments }, answers);
});

afterEach(() => {
  log.close();
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const bodies = () => request.mock.calls.map(([, , body]) => body);
const pass = (ms) => vi.advanceTimersByTimeAsync(ms);
const scroll = (left, right = left) => {
  viewing.shown = { left, right };
};

test("tells what changed, when, and how it ended", async () => {
  log.open("/r/t/viewing/");
  await pass(2000);
  scroll(5);
  await pass(250);
  Object.assign(viewing, { window: 60.4, level: 30, swapped: "right", zoom: 1.5, centre: [3.2, -0.3] });
  scroll(6, 8);
  await pass(250);
  given = 1;
  imagePanes.front = "left";
  instruments.mode = "ruler";
  await pass(750);
  log.close();
  await pass(250);
  expect(request.mock.calls[0].slice(0, 2)).toEqual(["POST", "/r/t/viewing/"]);
  expect(request.mock.calls[0][3]).toEqual({ keepalive: false, priority: "low" });
  const entries = "0 s4 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0;9 s5;1 s6,8 vr w60,30 z150,3,0;1 el truler n1;2";
  const end = "s6,8 vr k1 w60,30 i0 z150,3,0 c0 el truler f1 n1";
  expect(bodies()).toEqual([{ visit: expect.any(String), number: 0, dropped: 0, entries, end, checksum: crc32(0, `${entries}\n`) }]);
  expect(crc32(0, "123456789")).toBe(0xcbf43926); // the check value of CRC-32
});

test("is silent while nothing changes", async () => {
  log.open("/r/t/viewing/");
  await pass(300_000);
  expect(bodies().map(({ entries }) => entries.split(";").length)).toEqual([2]);
});

/** Everything that a hand can change, changed in every hundredth of a second. */
function busy() {
  let n = 0;
  return setInterval(() => {
    n += 1;
    scroll(n % 400, (n * 7) % 400);
    Object.assign(viewing, { window: n % 200, level: n % 150, zoom: 1 + (n % 90) / 9, centre: [n % 97, -(n % 89)], cine: n % 3 === 0 });
    Object.assign(viewing, { invert: n % 2 === 0, swapped: ["left", null, "right"][n % 3], linked: n % 5 === 0 });
    given = n % 4;
  }, 10);
}

/** The most bytes of bodies in any minute. */
function most(sent) {
  return Math.max(...sent.map(({ at }) => sent.filter((one) => one.at >= at && one.at < at + 60_000).reduce((sum, { bytes }) => sum + bytes, 0)));
}

test("stays under two kilobytes in any minute and four entries a second, however busy the hand", async () => {
  const sent = [];
  request.mockImplementation(async (method, address, body) => {
    sent.push({ at: performance.now(), bytes: JSON.stringify(body).length, body });
  });
  const hand = busy();
  for (let pair = 0; pair < 8; pair += 1) {
    log.open(`/r/${pair}/viewing/`);
    await pass(75_000);
  }
  clearInterval(hand);
  expect(most(sent)).toBeLessThan(2048);
  expect(most(sent)).toBeGreaterThan(1000); // it was busy
  for (const { body } of sent) {
    const ticks = body.entries.split(";").slice(1, -1).map((entry) => Number(entry.split(" ")[0]));
    expect(Math.min(...ticks)).toBeGreaterThan(0);
  }
});

test("a plain reading, a slice every quarter of a second, is told whole", async () => {
  log.open("/r/t/viewing/");
  let slice = 0;
  const hand = setInterval(() => scroll((slice += 1) % 40), 250);
  await pass(60_000);
  clearInterval(hand);
  log.close();
  await pass(500);
  const told = bodies().flatMap(({ entries }) => entries.split(";")).filter((entry) => / s\d/.test(entry)).length;
  expect(told).toBeGreaterThan(230);
  expect(bodies().reduce((sum, body) => sum + JSON.stringify(body).length, 0)).toBeLessThan(2048);
});

test("waits for answers", async () => {
  outbox.empty = false;
  log.open("/r/t/viewing/");
  log.close();
  await pass(30_000);
  expect(request).not.toHaveBeenCalled();
  outbox.empty = true;
  await pass(250);
  expect(request).toHaveBeenCalledTimes(1);
});

test("sends one piece at a time and tries again where there is no connection", async () => {
  request.mockRejectedValueOnce(new ApiError("offline"));
  log.open("/r/t/viewing/");
  log.close();
  await pass(500);
  expect(request).toHaveBeenCalledTimes(1);
  await pass(10_000);
  expect(bodies().map(({ number, dropped }) => [number, dropped])).toEqual([[0, 0], [0, 0]]);
  await pass(60_000);
  expect(request).toHaveBeenCalledTimes(2);
});

test("says how many pieces it gave up", async () => {
  outbox.empty = false;
  const hand = busy();
  log.open("/r/t/viewing/");
  await pass(25 * 60_000);
  clearInterval(hand);
  log.close();
  outbox.empty = true;
  await pass(60_000);
  const numbers = bodies().map(({ number }) => number);
  expect(numbers).toHaveLength(20);
  expect(bodies().every(({ number, dropped }) => dropped === numbers[0] && number >= dropped)).toBe(true);
  expect(numbers[0]).toBeGreaterThan(0);
});

test("lets go of what the server refuses", async () => {
  request.mockRejectedValueOnce(new ApiError("conflict", 409));
  log.open("/r/t/viewing/");
  log.close();
  await pass(60_000);
  expect(request).toHaveBeenCalledTimes(1);
});

test("leaves with the page, with what was on screen", async () => {
  outbox.empty = false;
  log.open("/r/t/viewing/");
  scroll(6);
  await pass(500);
  dispatchEvent(new Event("pagehide"));
  expect(request.mock.calls[0][3]).toEqual({ keepalive: true, priority: "low" });
  expect(bodies()[0].end).toMatch(/^s6 /);
});
