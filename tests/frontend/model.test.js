/** Outbox and reading against a scripted server, in every order in which things can happen. */

import assert from "node:assert/strict";
import { test } from "vitest";
import { after, Outbox } from "../../frontend/src/room/outbox.js";
import { Reading } from "../../frontend/src/room/reading.js";
import { explore } from "./world.js";

const both = ["keep", "use"];
const two = ["type", "confirm", "type", "confirm", "type", "type"];
const three = ["type", "confirm", "type", "confirm", "type", "confirm", "type", "type"];

const SCENARIOS = {
  "two confirmations wait, the reader types on": { pairs: 4, script: two, faults: 2 },
  "three confirmations wait, the reader types on": { pairs: 4, script: three, faults: 1 },
  "the browser says when the connection goes and comes": { pairs: 4, script: two, others: ["lost", "found"], faults: 1 },
  "the page is loaded again at any moment": { pairs: 3, script: two.slice(0, -1), others: ["reload"], faults: 1 },
  "a pair is put off": { pairs: 3, script: ["type", "skip", "type", "confirm", "type", "type"], faults: 2 },
  "the way back and forth": { pairs: 3, script: ["type", "confirm", "type", "back", "type", "leave", "type"], faults: 1 },
  "another browser answers the pair on screen and the next": {
    pairs: 3, script: ["type", "type", "confirm", "type"], others: ["write p1", "write p2"], faults: 1, choices: both,
  },
  "another browser confirms the pair on screen": { pairs: 3, script: ["type", "type", "confirm", "type"], others: ["confirm p1"], faults: 1, choices: both },
  "a confirmation is refused late": { pairs: 4, script: three.slice(0, -1), others: ["refuse p1"], faults: 1, choices: both },
  "another reader signs in and out": { pairs: 3, script: two, others: ["leave", "return"], faults: 1 },
  "the study is paused and opened again": { pairs: 3, script: two, others: ["pause", "open"], faults: 1 },
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  test(name, async () => {
    const { states, ends, broken } = await explore(scenario);
    assert.equal(broken, null);
    assert.ok(states > 100 && ends > 10, `only ${states} states and ${ends} ends were reached`);
  });
}

/** The answer to a confirmation shows the pair that it names, whatever is on screen. */
class Throwing extends Reading {
  late(next) {
    this.body = next;
    this.on = next.on;
    this.page.show(next);
  }
}

/** The same, with an eye on what waits: the pair on screen goes blank instead. */
class Blanking extends Reading {
  late(next) {
    this.present(next);
  }
}

/** What was refused or set aside is forgotten. */
class Forgetting extends Outbox {
  constructor(parts) {
    const { store } = parts;
    super({ ...parts, store: { ...store, put: (record) => (record.refused === undefined ? store.put(record) : store.remove(record)) } });
  }
}

/** Where the server has another version, this one is written over it. */
class Overwriting extends Outbox {
  constructor(parts) {
    const request = async (method, path, body) => {
      try {
        return await parts.request(method, path, body);
      } catch (error) {
        if (error.body.code !== "stale") throw error;
        return parts.request(method, path, { ...body, on: error.body.present.on });
      }
    };
    super({ ...parts, request });
  }
}

/** The newest answer goes first. */
class Hasty extends Outbox {
  put(record) {
    super.put(record);
    const [first, ...rest] = this.waiting(record.base);
    if (rest.length > 1) [first.body, rest.at(-1).body] = [rest.at(-1).body, first.body];
  }
}

const FAULTS = [
  ["a late answer that navigates", { ...SCENARIOS["two confirmations wait, the reader types on"], choices: both, reading: Throwing }, /thrown|back on/],
  ["a late answer that blanks the pair on screen", { ...SCENARIOS["two confirmations wait, the reader types on"], reading: Blanking }, /thrown/],
  ["another browser's answer overwritten", { ...SCENARIOS["another browser answers the pair on screen and the next"], outbox: Overwriting }, /overwrote/],
  ["an answer forgotten once refused", { ...SCENARIOS["another browser confirms the pair on screen"], outbox: Forgetting }, /is gone/],
  ["answers out of order", { pairs: 3, script: ["type", "type", "type", "type"], faults: 1, outbox: Hasty }, /p1 has|is gone/],
];

for (const [name, scenario, what] of FAULTS) {
  test(`${name} is found`, async () => {
    const { broken } = await explore(scenario);
    assert.match(broken?.what ?? "nothing", what);
  });
}

test("what a write was made on counts the own writes", () => {
  const on = { state: "in_progress", revision: 4 };
  assert.deepEqual(after(on, "rating"), { state: "in_progress", revision: 5 });
  assert.deepEqual(after(on, "confirm"), { state: "confirmed", revision: 5 });
  assert.deepEqual(after(on, "time"), on);
});
