/** What the server sends, for tests of one module. */

import { readFileSync } from "node:fs";
import { Bindings } from "../../frontend/src/room/bindings.js";

/** The keys as everybody begins; `own` by action. */
export const keys = (own = {}) =>
  JSON.parse(readFileSync("../readerstudy/accounts/keys.json", "utf8"))
    .map(({ keys: defaults, ...more }) => ({ ...more, defaults, strokes: own[more.action] ?? defaults }));
export const bindings = (own = {}) => new Bindings(keys(own));

export const ON = { state: "in_progress", revision: 0 };
const ANCHORS = ["a", "b", "c", "d", "e"];

export const config = {
  criteria: [
    { id: 1, name: "SNR", asks: "", better: "less noise", anchors: ANCHORS, required: true },
    { id: 2, name: "Cord", asks: "", better: "sharper", anchors: ANCHORS, required: true },
  ],
  finding_kinds: [{ id: "loss", name: "loss" }, { id: "creation", name: "creation" }],
  skip_reasons: ["The images look broken"],
  ask_integrity: true,
  ask_diagnostic: true,
  allow_cannot_judge: true,
  allow_back: true,
  show_values: false,
  reader: "R1",
  home: "/",
  login: "/login/",
  keys: keys(),
  keys_address: "/preferences/keys/",
  windows: [{ name: "whole range", lower: 0, upper: [100, 100] }, { name: "cord", lower: 0, upper: [70, 100] }],
};

export const noAnswers = () => ({ ratings: {}, integrity: null, diagnostic: null, comment: "", findings: [] });

/** A pair of which nothing is answered. */
export const pair = (more = {}) => ({
  token: "p1", state: "in_progress", on: ON, position: 3, total: 10, part: 1, parts: 1, kind: "reading", skipped: false,
  criteria: [1, 2], answers: noAnswers(), ...more,
});

export const flush = () => new Promise((done) => setImmediate(done));
