// @vitest-environment happy-dom
/** What keys and clicks mean for the answers, and what is written about them. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { Answers } from "../../frontend/src/room/answers.js";
import { Answering } from "../../frontend/src/room/answering.js";
import { bindings, config, noAnswers, pair } from "./fixtures.js";
import { openPage } from "./page.js";

let closed;
let answering;
let written;
let answerPanel;
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
  answerPanel = { answered: vi.fn(), announce: vi.fn(), say: vi.fn(), hint: vi.fn(), update: vi.fn(), choosing: false, reviewing: false };
  viewing = { shown: { left: 4, right: 5 }, swapped: null, pixelAt: () => ({ i: 1, j: 2 }), stopCine: vi.fn(), scroll: vi.fn() };
  answering = new Answering(config, { reading, answerPanel, viewing, instruments: { mark: vi.fn() }, bindings: bindings() }, () => closed);
  open();
});

const open = (more = {}) => answering.open(new Answers(config, pair({ answers: { ...noAnswers(), ...more } })));
const finding = (id) => ({ id, kind: "loss", side: "left", structure: "", remark: "", i: null, j: null, k: null });

test("a digit is written for the criterion under the cursor, and the next is asked", () => {
  answering.rate(4);
  answering.rate(2);
  expect(written).toEqual([
    ["PUT", "ratings/1/", { score: 4, status: "rated", revision: 1 }], ["PUT", "ratings/2/", { score: 2, status: "rated", revision: 1 }],
  ]);
});

test("digits after the last criterion write nothing, and say so", () => {
  answering.answers.moveTo("integrity");
  answering.rate(3);
  expect([written, answerPanel.say.mock.calls[0][0]]).toEqual([[], "3 does nothing here"]);
});

test("nothing is written while there is nothing to answer", () => {
  closed = true;
  for (const act of ["none", "fine", "clearLast", "cannotJudge", "choose", "comment", "finding"]) answering[act]();
  answering.rate(3);
  answering.set("1", 3);
  answering.diagnostic("both");
  expect(written).toEqual([]);
});

test("what cannot be judged is written only where the protocol allows it", () => {
  answering.cannotJudge();
  answering.config = { ...config, allow_cannot_judge: false };
  answering.cannotJudge();
  expect(written).toEqual([["PUT", "ratings/1/", { score: null, status: "cannot_judge", revision: 1 }]]);
});

describe("integrity", () => {
  test("none takes findings back, once it was asked for twice", () => {
    open({ integrity: "findings", findings: [finding(1), finding(2)] });
    answering.none();
    expect([written, answerPanel.announce.mock.lastCall[0]]).toEqual([[], "Q again takes back 2 findings"]);
    answering.none();
    expect(written.map(([method, path]) => [method, path])).toEqual([["DELETE", "findings/1/"], ["DELETE", "findings/2/"], ["PUT", "integrity/"]]);
    expect([answering.answers.findings, answering.answers.integrity]).toEqual([[], "none"]);
  });

  test("a finding is written behind its answer, with the place that was clicked", () => {
    answering.finding();
    answering.findingDialog.key(new KeyboardEvent("keydown", { key: "1" }));
    answering.clicked("right", 10, 10);
    answering.findingDialog.key(new KeyboardEvent("keydown", { key: "Enter" }));
    expect(written).toEqual([
      ["PUT", "integrity/", { value: "findings" }],
      ["POST", "findings/", { kind: "loss", side: "right", i: 1, j: 2, k: 5, structure: "", remark: "" }],
    ]);
    expect(answering.answers.findings[0].key).toBe("key 2");
  });

  test("a finding that is left puts the cursor back where it stood", () => {
    const escape = () => answering.findingDialog.key(new KeyboardEvent("keydown", { key: "Escape" }));
    answering.rate(4);
    for (const opened of [() => answering.finding(), () => { answering.finding(); answering.finding("loss"); }]) {
      opened();
      expect(answering.answers.cursor).toBe("integrity");
      escape();
      expect(answering.answers.cursor).toBe("2");
    }
    answering.finding();
    answering.comment();
    expect(answering.answers.cursor).toBe("2");
  });

  test("the last finding that is taken back takes the answer with it", () => {
    open({ integrity: "findings", findings: [finding(1)] });
    answering.clearLast();
    expect(written.map(([method, path, said]) => [method, path, said])).toEqual([["PUT", "integrity/", { value: "" }], ["DELETE", "findings/1/", null]]);
    expect(answering.answers.cursor).toBe("integrity");
  });
});

describe("diagnostic quality", () => {
  test("not both waits for an arrow", () => {
    answering.choose();
    const arrow = (key, more = {}) => answering.choosingKey(new KeyboardEvent("keydown", { key, ...more }));
    expect([arrow("3"), arrow("ArrowDown", { repeat: true }), written.length]).toEqual([false, true, 0]);
    arrow("ArrowLeft");
    arrow("ArrowDown");
    expect(written.map(([, , { value }]) => value)).toEqual(["left", "neither"]);
  });
});

test("the short way answers integrity first, then diagnostic quality, then nothing", () => {
  for (let press = 0; press < 3; press += 1) answering.fine();
  expect(written.map(([, path, { value }]) => [path, value])).toEqual([["integrity/", "none"], ["diagnostic/", "both"]]);
});

test("the last answer is taken back, but not on a pair that was confirmed", () => {
  answering.rate(4);
  answering.clearLast();
  expect(written.at(-1)).toEqual(["PUT", "ratings/1/", { score: null, status: "missing", revision: 2 }]);
  answerPanel.reviewing = true;
  answering.rate(4);
  const before = written.length;
  answering.clearLast();
  expect([written.length, answerPanel.announce.mock.lastCall[0]]).toEqual([before, "Confirmed before"]);
});

test("what is missing is named, and the cursor goes to the first of it", () => {
  answering.rate(4);
  answering.answers.moveTo("diagnostic");
  answering.nameMissing();
  expect([answering.answers.cursor, answerPanel.announce.mock.lastCall]).toEqual(["2", ["3 to go", "Cord, integrity, diagnostic quality"]]);
});
