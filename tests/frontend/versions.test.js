/** Two versions of a pair, and refused answers, in words. */

import { expect, test } from "vitest";
import { answer, versions } from "../../frontend/src/room/versions.js";
import { config, pair } from "./fixtures.js";

const server = pair({
  criteria: [1],
  answers: {
    ratings: { 1: { score: 2, status: "rated" } }, integrity: "findings", diagnostic: null, comment: "",
    findings: [{ id: 1, kind: "loss", side: "left", structure: "disc", remark: "" }],
  },
});

test("two versions are told line by line, without criteria that are not asked", () => {
  const ratings = { 1: { score: null, status: "cannot_judge" } };
  const here = { ...server, state: "confirmed", answers: { ...server.answers, ratings } };
  expect(versions(config, server, here)).toEqual([
    { name: "SNR", server: "2 · b", here: "cannot judge", differs: true },
    { name: "Integrity", server: "loss, left, disc", here: "loss, left, disc", differs: false },
    { name: "Diagnostic", server: "–", here: "–", differs: false },
    { name: "Comment", server: "–", here: "–", differs: false },
    { name: "This pair is", server: "not confirmed", here: "confirmed", differs: true },
  ]);
});

test("what the study does not ask is not told", () => {
  const names = versions({ ...config, ask_integrity: false, ask_diagnostic: false }, server, server).map(({ name }) => name);
  expect(names).toEqual(["SNR", "Comment", "This pair is"]);
});

test.each([
  [{ what: "rating", path: "ratings/2/", body: { score: 4, status: "rated" } }, ["Cord", "4 · d"]],
  [{ what: "rating", path: "ratings/2/", body: { score: null, status: "missing" } }, ["Cord", "–"]],
  [{ what: "integrity", path: "integrity/", body: { value: "none" } }, ["Integrity", "nothing wrong"]],
  [{ what: "integrity", path: "integrity/", body: { value: "" } }, ["Integrity", "–"]],
  [{ what: "diagnostic", path: "diagnostic/", body: { value: "right" } }, ["Diagnostic", "right only"]],
  [{ what: "finding", path: "findings/", body: { kind: "creation", side: "both", structure: "", remark: "bright" } }, ["Finding", "creation, both, bright"]],
  [{ what: "withdraw", path: "findings/1/", body: null }, ["Finding taken back", ""]],
  [{ what: "comment", path: "comment/", body: { text: "dark" } }, ["Comment", "dark"]],
  [{ what: "skip", path: "skip/", body: { reason: "broken" } }, ["Problem", "broken"]],
  [{ what: "guess", path: "guess/", body: { side: "left" } }, ["Question", "left"]],
  [{ what: "confirm", path: "confirm/", body: {} }, ["Confirmation", ""]],
])("a refused answer is named: %o", (record, words) => {
  expect(answer(config, record)).toEqual(words);
});
