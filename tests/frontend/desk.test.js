// @vitest-environment happy-dom
/** What keys and clicks mean for the answers, and what is written about them. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { Answers } from "../../frontend/src/room/answers.js";
import { Desk } from "../../frontend/src/room/desk.js";
import { config, noAnswers, pair } from "./fixtures.js";
import { openPage } from "./page.js";

let closed;
let desk;
let written;
let strip;
let viewing;

beforeEach(() => {
  openPage();
  closed = false;
  written = [];
  const reading = {
    write: (what, method, path, said) => {
      written.push([method, path, said]);
      return `key ${written.length}`;
    },
  };
  strip = { answered: vi.fn(), tell: vi.fn(), say: vi.fn(), update: vi.fn(), choosing: false, reviewing: false };
  viewing = { shown: { left: 4, right: 5 }, swapped: null, pixelAt: () => ({ i: 1, j: 2 }), stopCine: vi.fn(), scroll: vi.fn() };
  desk = new Desk(config, { reading, strip, viewing, instruments: { mark: vi.fn() } }, () => closed);
  open();
});

const open = (more = {}) => desk.open(new Answers(config, pair({ answers: { ...noAnswers(), ...more } })));
const finding = (id) => ({ id, kind: "loss", side: "left", structure: "", remark: "", i: null, j: null, k: null });

test("a digit is written for the criterion under the cursor, and the next is asked", () => {
  desk.rate(4);
  desk.rate(2);
  expect(written).toEqual([
    ["PUT", "ratings/1/", { score: 4, status: "rated", revision: 1 }], ["PUT", "ratings/2/", { score: 2, status: "rated", revision: 1 }],
  ]);
});

test("other digits, and digits after the last criterion, write nothing", () => {
  for (const digit of [0, 6, 9]) desk.rate(digit);
  desk.answers.moveTo("integrity");
  desk.rate(3);
  expect(written).toEqual([]);
});

test("nothing is written while there is nothing to answer", () => {
  closed = true;
  for (const act of ["none", "fine", "clearLast", "cannotJudge", "choose", "comment", "finding"]) desk[act]();
  desk.rate(3);
  desk.set("1", 3);
  desk.diagnostic("both");
  expect(written).toEqual([]);
});

test("what cannot be judged is written only where the protocol allows it", () => {
  desk.cannotJudge();
  desk.config = { ...config, allow_cannot_judge: false };
  desk.cannotJudge();
  expect(written).toEqual([["PUT", "ratings/1/", { score: null, status: "cannot_judge", revision: 1 }]]);
});

describe("integrity", () => {
  test("none takes findings back, once it was asked for twice", () => {
    open({ integrity: "findings", findings: [finding(1), finding(2)] });
    desk.none();
    expect([written, strip.tell.mock.lastCall[0]]).toEqual([[], "Q again takes back 2 findings"]);
    desk.none();
    expect(written.map(([method, path]) => [method, path])).toEqual([["DELETE", "findings/1/"], ["DELETE", "findings/2/"], ["PUT", "integrity/"]]);
    expect([desk.answers.findings, desk.answers.integrity]).toEqual([[], "none"]);
  });

  test("a finding is written behind its answer, with the place that was clicked", () => {
    desk.finding("loss");
    desk.clicked("right", 10, 10);
    desk.findingPanel.key(new KeyboardEvent("keydown", { key: "Enter" }));
    expect(written).toEqual([
      ["PUT", "integrity/", { value: "findings" }],
      ["POST", "findings/", { kind: "loss", side: "right", i: 1, j: 2, k: 5, structure: "", remark: "" }],
    ]);
    expect(desk.answers.findings[0].key).toBe("key 2");
  });

  test("the last finding that is taken back takes the answer with it", () => {
    open({ integrity: "findings", findings: [finding(1)] });
    desk.clearLast();
    expect(written.map(([method, path, said]) => [method, path, said])).toEqual([["PUT", "integrity/", { value: "" }], ["DELETE", "findings/1/", null]]);
    expect(desk.answers.cursor).toBe("integrity");
  });
});

describe("diagnostic quality", () => {
  test("not both waits for an arrow", () => {
    desk.choose();
    desk.move(-1);
    desk.choose();
    desk.scroll(1);
    expect(written.map(([, , { value }]) => value)).toEqual(["left", "neither"]);
    desk.scroll(1);
    expect(viewing.scroll).toHaveBeenCalledWith(1);
  });
});

test("the short way answers integrity first, then diagnostic quality, then nothing", () => {
  for (let press = 0; press < 3; press += 1) desk.fine();
  expect(written.map(([, path, { value }]) => [path, value])).toEqual([["integrity/", "none"], ["diagnostic/", "both"]]);
});

test("the last answer is taken back, but not on a pair that was confirmed", () => {
  desk.rate(4);
  desk.clearLast();
  expect(written.at(-1)).toEqual(["PUT", "ratings/1/", { score: null, status: "missing", revision: 2 }]);
  strip.reviewing = true;
  desk.rate(4);
  const before = written.length;
  desk.clearLast();
  expect([written.length, strip.tell.mock.lastCall[0]]).toEqual([before, "Confirmed before"]);
});

test("what is missing is named, and the cursor goes to the first of it", () => {
  desk.rate(4);
  desk.answers.moveTo("diagnostic");
  desk.nameMissing();
  expect([desk.answers.cursor, strip.tell.mock.lastCall]).toEqual(["2", ["3 to go", "Cord, integrity, diagnostic quality"]]);
});
