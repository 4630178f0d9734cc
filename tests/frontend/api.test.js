// @vitest-environment happy-dom
/** Requests: what goes with them, and what a failure is called by what to do next. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, newKey, request, speakFor } from "../../frontend/src/room/api.js";

let sent;
let answer;

beforeEach(() => {
  sent = [];
  vi.stubGlobal("fetch", async (path, options) => {
    sent.push([path, options]);
    return answer();
  });
  document.cookie = "csrftoken=abc";
});
afterEach(() => vi.unstubAllGlobals());

const json = (status, body) => () => new Response(JSON.stringify(body), { status });

test("a write carries the token, whose page it is and its JSON; a read no token", async () => {
  answer = json(200, { saved: true });
  speakFor("R7");
  expect(await request("PUT", "/r/p1/comment/", { text: "dark" }, { keepalive: true })).toEqual({ saved: true });
  const [path, { method, headers, body, keepalive }] = sent[0];
  expect([path, method, body, keepalive]).toEqual(["/r/p1/comment/", "PUT", '{"text":"dark"}', true]);
  expect(headers).toMatchObject({ "X-CSRFToken": "abc", "X-Reader": "R7", "Content-Type": "application/json" });
  await request("GET", "/r/current/");
  expect(sent[1][1].headers).toEqual({ "X-Reader": "R7", Accept: "application/json" });
});

test.each([
  [401, "expired"], [403, "expired"], [409, "conflict"], [408, "offline"], [429, "offline"], [500, "offline"], [503, "offline"],
  [400, "refused"], [404, "refused"], [422, "refused"],
])("status %i is %s", async (status, kind) => {
  answer = json(status, { code: "x", detail: "why" });
  await expect(request("GET", "/")).rejects.toMatchObject({ kind, status, message: "why", body: { code: "x" } });
});

test("a redirect is the sign-in page, no answer is a lost connection, and an error may have no words", async () => {
  answer = () => ({ type: "opaqueredirect" });
  await expect(request("GET", "/")).rejects.toMatchObject({ kind: "expired" });
  answer = () => {
    throw new TypeError("network");
  };
  await expect(request("GET", "/")).rejects.toMatchObject({ kind: "offline", status: 0 });
  answer = () => new Response("<h1>Bad gateway</h1>", { status: 502 });
  await expect(request("GET", "/")).rejects.toMatchObject({ kind: "offline", body: {} });
});

test("what is missing is said in place of a general sentence", () => {
  expect(new ApiError("refused", 422, { detail: "Incomplete.", missing: ["SNR", "Cord"] }).words).toBe("missing: SNR, Cord");
  expect(new ApiError("refused", 400, { detail: "No." }).words).toBe("No.");
});

test("keys are UUIDs, also where the browser makes none", () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(newKey()).toMatch(uuid);
  const { getRandomValues } = crypto;
  vi.stubGlobal("crypto", { getRandomValues: getRandomValues.bind(crypto) });
  expect(newKey()).toMatch(uuid);
  expect(newKey()).not.toBe(newKey());
});
