// @vitest-environment happy-dom
/** What stands under the images: scales, what is asked next, and when the pair can be confirmed. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Answers } from "../../frontend/src/room/answers.js";
import { AnswerPanel } from "../../frontend/src/room/answer_panel.js";
import { bindings, config, pair } from "./fixtures.js";
import { openPage } from "./page.js";

let answerPanel;
let answers;
let actions;

beforeEach(() => {
  vi.useFakeTimers();
  openPage();
  localStorage.clear();
  actions = Object.fromEntries(
    ["rate", "moveTo", "none", "finding", "diagnostic", "comment", "skip", "confirm", "keys", "refused"].map((name) => [name, vi.fn()]),
  );
  actions.mark = (action) => bindings().mark(action);
  answerPanel = new AnswerPanel(document.getElementById("strip"), config, actions);
  open();
});
afterEach(() => vi.useRealTimers());

function open(more = {}) {
  const body = pair(more);
  answers = new Answers(config, body);
  answerPanel.open(body, answers);
}
const text = (selector) => answerPanel.find(selector).textContent;

test("a click rates the criterion whose scale it is on", () => {
  document.querySelector("input[name=criterion-2][value='4']").click();
  expect(actions.rate).toHaveBeenCalledWith("2", 4);
});

test("the prompt names what is asked next", () => {
  const prompts = [];
  for (const answer of [() => answers.rate("1", 2), () => answers.rate("2", 2), () => answers.setIntegrity("none"), () => answers.setDiagnostic("both"), () => {}]) {
    prompts.push(text(".ask b"));
    answer();
    answerPanel.answered();
  }
  expect(prompts.map((prompt) => prompt.slice(0, 7))).toEqual(["SNRless", "Cordsha", "Integri", "Diagnos", "All ans"]);
});

describe("the pair", () => {
  test("can be confirmed once everything is answered and seen", () => {
    expect(text(".go")).toBe("Confirm · 4 to go");
    answers.rate("1", 2);
    answers.rate("2", null, "cannot_judge");
    answers.setIntegrity("none");
    answers.setDiagnostic("both");
    answerPanel.unseen = "3 slices unseen";
    answerPanel.update();
    expect([text(".go"), answerPanel.find(".go").getAttribute("aria-disabled")]).toEqual(["Confirm · 3 slices unseen", "true"]);
    answerPanel.unseen = null;
    answerPanel.update();
    expect([text(".go"), answerPanel.find(".go").getAttribute("aria-disabled")]).toEqual(["Confirm Enter", "false"]);
  });

  test("that was confirmed before leads back to the next one", () => {
    open({ state: "confirmed" });
    expect(text(".go")).toContain("Back to the next pair");
    expect(text(".part")).toContain("confirmed, open again");
  });

  test("says where it stands, and what it is", () => {
    open({ kind: "training", part: 2, parts: 3, skipped: true });
    expect([text(".position"), text(".part")]).toEqual(["3 of 10", "practice, not counted · part 2 of 3 · skipped before"]);
  });
});

test("the latest answer is said to who does not see it, and an earlier pair's no more", () => {
  const said = [];
  for (const answer of [() => answers.rate("1", 5), () => answers.rate("2", null, "cannot_judge"), () => answers.setIntegrity("none"), () => answers.setDiagnostic("left")]) {
    answer();
    answerPanel.answered();
    said.push(text(".said"));
  }
  expect(said).toEqual([`SNR: 5, ${config.criteria[0].anchors[4]}`, "Cord: cannot judge", "Integrity: none", "Diagnostic: left"]);
  open();
  expect(text(".said")).toBe("");
});

test("slices that were not seen are said before the first answer", () => {
  answerPanel.unseen = "11 slices unseen";
  answerPanel.update();
  expect([text(".unseen"), answerPanel.find(".unseen").hidden]).toEqual(["11 slices unseen", false]);
  answerPanel.unseen = null;
  answerPanel.update();
  expect(answerPanel.find(".unseen").hidden).toBe(true);
});

test("window and zoom are said only while they differ from what a new pair shows", () => {
  const usual = { window: 100, level: 50, zoom: 1, invert: false };
  const said = (more) => {
    answerPanel.readout({ ...usual, ...more });
    return [".window", ".zoom"].map((selector) => answerPanel.find(selector).hidden);
  };
  expect([said({}), said({ invert: true }), said({ level: 40 }), said({ zoom: 2 })]).toEqual([[true, true], [false, true], [false, true], [true, false]]);
});

test("what is told stands for a few seconds, or until the next answer", () => {
  answerPanel.announce("No connection", "this pair stays");
  answerPanel.update();
  expect(text(".ask b")).toBe("No connectionthis pair stays");
  vi.advanceTimersByTime(6000);
  expect(text(".ask b")).toContain("SNR");
  answerPanel.announce("No connection");
  answerPanel.answered();
  expect(text(".ask b")).toContain("SNR");
});

test("answers are shown as they are", () => {
  answers.rate("1", 5);
  answers.findings.push({ kind: "loss", side: "both" });
  answers.setIntegrity("findings");
  answers.setDiagnostic("left");
  answers.comment = "dark";
  answerPanel.update();
  expect(document.querySelector("input[name=criterion-1]:checked").value).toBe("5");
  expect([...document.querySelectorAll(".chip.sel")].map((chip) => chip.textContent.trim())).toEqual(["finding", "left only ←", "comment"]);
  expect(text(".integrity .on")).toBe("loss on both");
});

test("whether the ratings are hidden is remembered", () => {
  answerPanel.toggleCollapsed();
  expect(new AnswerPanel(document.getElementById("strip"), config, actions).root.className).toContain("collapsed");
});
