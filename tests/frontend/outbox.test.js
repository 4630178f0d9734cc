/** What waits in the browser: whose it is, what it was made on, what takes back what, when it goes on. */

import assert from "node:assert/strict";
import { test } from "vitest";
import { ApiError } from "../../frontend/src/room/api.js";
import { Outbox } from "../../frontend/src/room/outbox.js";
import { flush, ON as on } from "./fixtures.js";

const BASE = "/r/";

function memory(records = []) {
  const kept = new Map(records.map((record, at) => [at + 1, { ...record, id: at + 1 }]));
  return {
    kept,
    all: async () => structuredClone([...kept.values()]),
    put: async (record) => {
      record.id ??= kept.size + 1;
      kept.set(record.id, structuredClone(record));
    },
    remove: async ({ id }) => void kept.delete(id),
  };
}

/** An outbox, what it sent, and a server that answers in turn with what `answers` gives; null is a lost connection. */
function sender(answers, store = memory(), reader = "R1") {
  const sent = [];
  const request = async (method, path, body) => {
    sent.push([method, path, body]);
    const next = answers.shift() ?? {};
    if (next instanceof ApiError) throw next;
    return next;
  };
  const pauses = [];
  const timers = { setTimeout: (work, pause) => pauses.push(pause), clearTimeout() {} };
  return { outbox: new Outbox({ base: BASE, reader, request, store, timers }), sent, store, pauses };
}

const rating = (key, base = "/r/p1/") => ({ base, what: "rating", method: "PUT", path: "ratings/1/", body: { key }, on, position: 1 });
const time = () => ({ base: "/r/p1/", what: "time", method: "POST", path: "time/", body: { key: "t", seconds: 1 }, on: null, position: 1 });
const confirmation = (base = "/r/p1/") => ({ base, what: "confirm", method: "POST", path: "confirm/", body: { key: "c" }, on, position: 1 });
const conflict = (code, present = { token: "p1", state: "in_progress", on: { ...on, revision: 7 } }) =>
  new ApiError("conflict", 409, { code, present, detail: code });
const keys = (sent) => sent.map(([, , body]) => body.key);
const finding = () => ({ base: "/r/p1/", what: "finding", method: "POST", path: "findings/", body: { key: "f", kind: "loss", side: "left" }, on, position: 1 });
const takingBack = () => ({
  base: "/r/p1/", what: "withdraw", method: "DELETE", path: "findings/{id}/?key=w", body: null, on: { ...on, revision: 1 }, position: 1, of: "f",
});

test("a finding that was not sent yet is taken back by its number, in order", async () => {
  const { outbox, sent } = sender([{ id: 7 }]);
  outbox.put(finding());
  outbox.put(takingBack());
  await flush();
  assert.deepEqual(sent.map(([method, path]) => [method, path]), [
    ["POST", "/r/p1/findings/"], ["DELETE", "/r/p1/findings/7/?key=w&state=in_progress&revision=1"],
  ]);
});

test("it is so after a reload, and where the answer to the finding was lost", async () => {
  const first = sender([new ApiError("offline")]);
  first.outbox.put(finding());
  first.outbox.put(takingBack());
  await flush();
  assert.equal(first.outbox.state, "offline");
  const second = sender([{ id: 3 }], first.store);
  await second.outbox.start();
  await flush();
  assert.equal(second.sent[1][1], "/r/p1/findings/3/?key=w&state=in_progress&revision=1");
  assert.equal(first.store.kept.size, 0);
});

test("only the own reader's answers of this reading are sent", async () => {
  const left = (base, reader) => ({ ...rating(base + reader, base), reader });
  const store = memory([left("/r/p1/", "R2"), left("/other/p1/", "R1"), left("/r/p1/", "R1")]);
  const { outbox, sent } = sender([], store);
  await outbox.start();
  await flush();
  assert.deepEqual(sent.map(([, , { key }]) => key), ["/r/p1/R1"]);
  assert.equal(store.kept.size, 2);
});

test("what follows a refused answer was made on one revision less", async () => {
  const refusal = new ApiError("refused", 400, { detail: "no" });
  const { outbox, sent, store } = sender([refusal]);
  for (const revision of [4, 5]) outbox.put({ ...rating(String(revision)), on: { ...on, revision } });
  await flush();
  assert.deepEqual(sent.map(([, , body]) => body.on.revision), [4, 4]);
  assert.deepEqual(outbox.refused.map(({ body, refused }) => [body.key, refused]), [["4", "no"]]);
  assert.equal(store.kept.size, 1);
});

test("nothing overtakes an answer whose connection is lost, and pauses grow", async () => {
  const { outbox, sent, pauses } = sender([new ApiError("offline"), new ApiError("offline")]);
  outbox.put(rating("a"));
  outbox.put(rating("b"));
  await flush();
  assert.deepEqual([keys(sent), outbox.state, outbox.kept], [["a"], "offline", 2]);
  outbox.retry();
  await flush();
  assert.deepEqual(pauses, [1000, 2000]);
  outbox.retry();
  await flush();
  assert.deepEqual([keys(sent), outbox.state, outbox.kept], [["a", "a", "a", "b"], "ok", 0]);
});

test("an answer is in storage before it is sent, and gone only after the server has it", async () => {
  const { outbox, store } = sender([new ApiError("offline")]);
  outbox.put(rating("a"));
  await flush();
  assert.deepEqual([...store.kept.values()].map(({ body, reader }) => [body.key, reader]), [["a", "R1"]]);
  outbox.retry();
  await flush();
  assert.equal(store.kept.size, 0);
});

test("reports of time are no answers: not counted, and forgotten where they are refused", async () => {
  const { outbox, store } = sender([new ApiError("refused", 404)]);
  outbox.put(time());
  assert.equal(outbox.kept, 0);
  await flush();
  assert.deepEqual([outbox.refused, store.kept.size], [[], 0]);
});

test("a pair of which the server has another version waits, another pair does not", async () => {
  const { outbox, sent } = sender([conflict("stale")]);
  outbox.put(rating("a"));
  outbox.put(rating("b"));
  outbox.put(rating("c", "/r/p2/"));
  await flush();
  assert.deepEqual(keys(sent), ["a", "c"]);
  assert.deepEqual([outbox.held("/r/p1/").code, outbox.disputes.length, outbox.stuck], ["stale", 1, true]);
});

test("what the reader insists on is sent again on top of what the server has", async () => {
  const { outbox, sent } = sender([conflict("stale")]);
  outbox.put(rating("a"));
  outbox.put(confirmation());
  await flush();
  outbox.insist("/r/p1/", { ...on, revision: 7 });
  await flush();
  assert.deepEqual(sent.slice(1).map(([, , body]) => [body.key, body.on.revision]), [["a", 7], ["c", 8]]);
});

test("what the reader gives up is set aside, not lost", async () => {
  const { outbox, sent, store } = sender([conflict("confirmed")]);
  outbox.put(rating("a"));
  outbox.put(time());
  await flush();
  outbox.yield("/r/p1/");
  await flush();
  assert.deepEqual([keys(sent), keys(outbox.refused.map(({ body }) => [0, 0, body]))], [["a"], ["a"]]);
  assert.equal(store.kept.size, 1);
  outbox.forgetRefused();
  await flush();
  assert.equal(store.kept.size, 0);
});

test("a pair whose turn has not come goes on after the next final write", async () => {
  const { outbox, sent } = sender([conflict("not_yet")]);
  outbox.put(rating("a", "/r/p2/"));
  await flush();
  assert.deepEqual([outbox.disputes, outbox.held("/r/p2/").code], [[], "not_yet"]);
  outbox.put(confirmation());
  await flush();
  assert.deepEqual(keys(sent), ["a", "c", "a"]);
});

test("a closed study and another reader are waited for", async () => {
  const { outbox, store } = sender([conflict("not_open"), conflict("other_reader"), new ApiError("expired", 403)]);
  outbox.put(rating("a"));
  for (const state of ["not_open", "other_reader", "expired", "ok"]) {
    await flush();
    assert.equal(outbox.state, state);
    assert.equal(store.kept.size, state === "ok" ? 0 : 1);
    outbox.retry();
  }
});

test("a confirmation that was refused is forgotten once the pair is confirmed after all", async () => {
  const { outbox } = sender([new ApiError("refused", 422, { detail: "no", missing: ["SNR"] })]);
  outbox.put(confirmation());
  await flush();
  assert.equal(outbox.refusal("/r/p1/").refused, "missing: SNR");
  outbox.put(confirmation());
  await flush();
  assert.equal(outbox.refusal("/r/p1/"), undefined);
});

test("another tab that takes over sends the rest", async () => {
  const { outbox, sent } = sender([]);
  outbox.stop();
  outbox.put(rating("a"));
  await outbox.settled();
  assert.deepEqual([sent, outbox.kept], [[], 1]);
});
