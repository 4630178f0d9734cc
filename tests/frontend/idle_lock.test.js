// @vitest-environment happy-dom
/** The sheet that locks a page which nobody touches. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { IdleLock, LOCKED_ELSEWHERE } from "../../frontend/src/shared/idle_lock.js";

let time = 0;
let answers = /** @type {Record<string, {ok: boolean, body?: object}>} */ ({});
let sent = /** @type {[string, string][]} */ ([]);

const send = /** @type {any} */ (async (/** @type {string} */ address, /** @type {RequestInit} */ { body }) => {
  sent.push([address, String(body)]);
  const { ok, body: said = {} } = answers[address] ?? { ok: true };
  return { ok, json: async () => said };
});

/** @param {string} user */
function made(user = "anna") {
  const lock = new IdleLock({ seconds: 900, user, lock: "/lock", unlock: "/unlock", here: "/here", login: "/login", send, now: () => time });
  lock.watch();
  return lock;
}

/** @param {string} password */
async function type(password) {
  const dialogs = document.querySelectorAll("dialog");
  const form = /** @type {HTMLFormElement} */ (dialogs[dialogs.length - 1].querySelector("form"));
  /** @type {HTMLInputElement} */ (form.querySelector("input")).value = password;
  form.dispatchEvent(new Event("submit", { cancelable: true }));
  await vi.waitFor(() => expect(sent.some(([address]) => address === "/unlock")).toBe(true));
  await new Promise((done) => setTimeout(done, 0));
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval"] });
  document.body.className = "";
  document.body.innerHTML = "<main><textarea>half typed</textarea></main>";
  [time, answers, sent] = [0, {}, []];
});
afterEach(() => vi.useRealTimers());

test("a page locks when nobody touched it for so long, says so to the site, and keeps what is half typed", async () => {
  const lock = made();
  time = 899_000;
  lock.look();
  expect(lock.locked).toBe(false);
  time = 900_000;
  lock.look();
  expect(lock.locked).toBe(true);
  expect(document.body.classList.contains("locked")).toBe(true);
  expect(sent.map(([address]) => address)).toEqual(["/lock"]);
  await type("a long password");
  expect(sent.at(-1)).toEqual(["/unlock", "password=a+long+password&user=anna"]);
  expect(lock.locked).toBe(false);
  expect(document.querySelector("textarea")?.value).toBe("half typed");
});

test("input puts it off, and the site is told now and then that somebody is there", () => {
  const lock = made();
  for (time = 0; time <= 1_800_000; time += 10_000) {
    lock.touched();
    lock.look();
  }
  expect(lock.locked).toBe(false);
  expect(sent.length).toBeGreaterThan(20);
  expect(sent.length).toBeLessThan(31);
  expect(new Set(sent.map(([address]) => address))).toEqual(new Set(["/here"]));
});

test("a machine that slept does not go on by the first movement", () => {
  const lock = made();
  time = 4_000_000;
  lock.touched();
  lock.look();
  expect(lock.locked).toBe(true);
});

test("a wrong password, and somebody else's session, are said and unlock nothing", async () => {
  const lock = made();
  dispatchEvent(new Event(LOCKED_ELSEWHERE));
  expect(lock.locked).toBe(true);
  answers = { "/unlock": { ok: false, body: { detail: "This is not your password. Nothing was done." } } };
  await type("wrong");
  expect(lock.locked).toBe(true);
  expect([...document.querySelectorAll("dialog [role=alert]")].at(-1)?.textContent).toContain("not your password");
});

test("what another tab unlocked goes on when one comes back, and only then", async () => {
  const lock = made();
  lock.show();
  answers = { "/here": { ok: false } };
  dispatchEvent(new Event("focus"));
  await vi.waitFor(() => expect(sent.at(-1)).toEqual(["/here", "user=anna"]));
  expect(lock.locked).toBe(true);
  answers = {};
  dispatchEvent(new Event("focus"));
  await vi.waitFor(() => expect(lock.locked).toBe(false));
});

test("keys typed into the sheet reach nothing below", () => {
  const lock = made();
  const heard = vi.fn();
  addEventListener("keydown", heard);
  lock.show();
  const input = /** @type {HTMLInputElement} */ (document.querySelector("dialog input"));
  input.dispatchEvent(new KeyboardEvent("keydown", { key: "1", bubbles: true }));
  expect(heard).not.toHaveBeenCalled();
});
