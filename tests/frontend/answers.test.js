/** What has been answered about one pair: cursor, what is missing, taking back; and what waits laid over it. */

import { describe, expect, test } from "vitest";
import { Answers, DIAGNOSTIC, INTEGRITY, overlay } from "../../frontend/src/room/answers.js";
import { config, noAnswers, pair } from "./fixtures.js";

const answers = (more = {}, changes = {}) => new Answers({ ...config, ...changes }, pair(more));

describe("the cursor", () => {
  test("goes through everything that is asked, in order, and rests", () => {
    const given = answers();
    const places = [];
    for (const answer of [() => given.rate("1", 4), () => given.rate("2", 3), () => given.setIntegrity("none"), () => given.setDiagnostic("both")]) {
      places.push(given.cursor);
      answer();
    }
    expect(places).toEqual(["1", "2", INTEGRITY, DIAGNOSTIC]);
    expect(given.cursor).toBeNull();
  });

  test("starts where the first answer is missing", () => {
    const ratings = { 1: { score: 2, status: "rated", revision: 1 } };
    expect(answers({ answers: { ...noAnswers(), ratings } }).cursor).toBe("2");
  });

  test("stays at either end when it is moved beyond", () => {
    const given = answers();
    given.move(-1);
    expect(given.cursor).toBe("1");
    for (let step = 0; step < 9; step += 1) given.move(1);
    expect(given.cursor).toBe(DIAGNOSTIC);
  });

  test("goes back from the end to the last place", () => {
    const given = answers({}, { ask_integrity: false, ask_diagnostic: false });
    given.rate("1", 1);
    given.rate("2", 1);
    given.move(-1);
    expect(given.cursor).toBe("2");
  });

  test("goes to no place that is not asked", () => {
    const given = answers({ criteria: [1] });
    given.moveTo("2");
    expect(given.cursor).toBe("1");
  });
});

describe("what is missing", () => {
  test("is all that is asked, and no criterion of another region", () => {
    expect(answers({ criteria: [2] }).missing).toEqual(["2", INTEGRITY, DIAGNOSTIC]);
    expect(answers({ criteria: [2] }, { ask_integrity: false }).missing).toEqual(["2", DIAGNOSTIC]);
  });

  test("is not what cannot be judged", () => {
    const given = answers();
    given.rate("1", null, "cannot_judge");
    expect(given.missing).not.toContain("1");
    expect(given.echo).toBeNull();
  });

  test("is a finding where findings are said and none is there", () => {
    const given = answers();
    given.setIntegrity("findings");
    expect(given.missing).toContain(INTEGRITY);
    given.findings.push({ kind: "loss", side: "left" });
    expect(given.missing).not.toContain(INTEGRITY);
  });
});

describe("taking back", () => {
  test("begins with what was answered last, whatever its place", () => {
    const given = answers();
    given.rate("2", 5);
    given.rate("1", 5);
    expect(given.takeLast()).toBe("1");
    given.rate("1", null, "missing");
    expect(given.cursor).toBe("1");
    expect(given.takeLast()).toBe("2");
  });

  test("goes on with what an earlier page answered, from the end", () => {
    const ratings = { 1: { score: 2, status: "rated", revision: 1 }, 2: { score: 2, status: "rated", revision: 1 } };
    expect(answers({ answers: { ...noAnswers(), ratings } }).takeLast()).toBe("2");
  });

  test("ends where nothing is answered", () => {
    expect(answers().takeLast()).toBeNull();
  });
});

test("every change of a rating is a new revision", () => {
  const ratings = { 1: { score: 2, status: "rated", revision: 6 } };
  const given = answers({ answers: { ...noAnswers(), ratings } });
  expect(given.rate("1", 4)).toEqual({ score: 4, status: "rated", revision: 7 });
  expect(given.rate("2", 4).revision).toBe(1);
});

describe("what waits is laid over what the server has", () => {
  const said = {
    ratings: { 1: { score: 2, status: "rated", revision: 1 } }, integrity: "findings", diagnostic: null, comment: "",
    findings: [{ id: 1, kind: "loss", side: "left" }],
  };

  test("the last of each, and no finding that is taken back", () => {
    const waiting = [
      { what: "rating", path: "ratings/1/", body: { score: 5, status: "rated" } },
      { what: "withdraw", path: "findings/1/?key=w", body: null },
      { what: "finding", path: "findings/", body: { key: "f", kind: "loss", side: "right" } },
      { what: "finding", path: "findings/", body: { key: "g", kind: "loss", side: "both" } },
      { what: "withdraw", path: "findings/{id}/?key=v", body: null, of: "g" },
      { what: "diagnostic", path: "diagnostic/", body: { value: "left" } },
      { what: "integrity", path: "integrity/", body: { value: "" } },
      { what: "comment", path: "comment/", body: { text: "blurred" } },
      { what: "time", path: "time/", body: { seconds: 3 } },
    ];
    const { answers: laid } = overlay({ ...pair(), answers: said }, waiting);
    expect(laid.ratings[1].score).toBe(5);
    expect(laid.findings.map(({ key, side }) => [key, side])).toEqual([["f", "right"]]);
    expect([laid.diagnostic, laid.integrity, laid.comment]).toEqual(["left", null, "blurred"]);
  });

  test("and what the server has stays as it is", () => {
    overlay({ ...pair(), answers: said }, [{ what: "finding", path: "findings/", body: { key: "f" } }, { what: "rating", path: "ratings/1/", body: {} }]);
    expect(said.findings).toHaveLength(1);
    expect(said.ratings[1].score).toBe(2);
  });
});
