/** What waits in the browser: whose it is, what it was made on, what takes back what; and the two versions of a pair. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { overlay } from "../../frontend/src/room/answers.js";
import { ApiError } from "../../frontend/src/room/api.js";
import { Outbox } from "../../frontend/src/room/outbox.js";
import { answer, versions } from "../../frontend/src/room/versions.js";

const BASE = "/r/";
const on = { state: "in_progress", revision: 0 };
const flush = () => new Promise((done) => setImmediate(done));

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
  const timers = { setTimeout: () => 1, clearTimeout() {} };
  return { outbox: new Outbox({ base: BASE, reader, request, store, timers }), sent, store };
}

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
  const rating = (base, reader) => ({ base, reader, what: "rating", method: "PUT", path: "ratings/1/", body: { key: base + reader }, on, position: 1 });
  const store = memory([rating("/r/p1/", "R2"), rating("/other/p1/", "R1"), rating("/r/p1/", "R1")]);
  const { outbox, sent } = sender([], store);
  await outbox.start();
  await flush();
  assert.deepEqual(sent.map(([, , { key }]) => key), ["/r/p1/R1"]);
  assert.equal(store.kept.size, 2);
});

test("what follows a refused answer was made on one revision less", async () => {
  const refusal = new ApiError("refused", 400, { detail: "no" });
  const { outbox, sent, store } = sender([refusal]);
  const rating = (revision) => ({ base: "/r/p1/", what: "rating", method: "PUT", path: "ratings/1/", body: { key: String(revision) }, on: { ...on, revision }, position: 1 });
  outbox.put(rating(4));
  outbox.put(rating(5));
  await flush();
  assert.deepEqual(sent.map(([, , body]) => body.on.revision), [4, 4]);
  assert.deepEqual(outbox.refused.map(({ body, refused }) => [body.key, refused]), [["4", "no"]]);
  assert.equal(store.kept.size, 1);
});

const config = {
  criteria: [{ id: 1, name: "SNR", anchors: ["a", "b", "c", "d", "e"] }, { id: 2, name: "Cord", anchors: ["a", "b", "c", "d", "e"] }],
  finding_kinds: [{ id: "loss", name: "loss" }],
};
const body = {
  criteria: [1], state: "in_progress", on,
  answers: { ratings: { 1: { score: 2, status: "rated" } }, integrity: "findings", diagnostic: null, comment: "", findings: [{ id: 1, kind: "loss", side: "left" }] },
};

test("what waits is laid over what the server has", () => {
  const waiting = [
    { what: "rating", path: "ratings/1/", body: { score: 5, status: "rated" } },
    { what: "withdraw", path: "findings/1/?key=w", body: null },
    { what: "finding", path: "findings/", body: { key: "f", kind: "loss", side: "right" } },
    { what: "finding", path: "findings/", body: { key: "g", kind: "loss", side: "both" } },
    { what: "withdraw", path: "findings/{id}/?key=v", body: null, of: "g" },
  ];
  const { answers } = overlay(body, waiting);
  assert.equal(answers.ratings[1].score, 5);
  assert.deepEqual(answers.findings.map(({ key, side }) => [key, side]), [["f", "right"]]);
});

test("two versions are told line by line, without criteria that are not asked", () => {
  const here = { ...overlay(body, [{ what: "rating", path: "ratings/1/", body: { score: null, status: "cannot_judge" } }]), state: "confirmed" };
  assert.deepEqual(versions(config, body, here).map(({ name, server, here: own, differs }) => [name, server, own, differs]), [
    ["SNR", "2 · b", "cannot judge", true],
    ["Integrity", "loss, left", "loss, left", false],
    ["Diagnostic", "–", "–", false],
    ["Comment", "–", "–", false],
    ["This pair is", "not confirmed", "confirmed", true],
  ]);
  assert.deepEqual(answer(config, { what: "rating", path: "ratings/2/", body: { score: 4, status: "rated" } }), ["Cord", "4 · d"]);
});
