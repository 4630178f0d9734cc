// @vitest-environment happy-dom
/** Names of sent files stay in the tab. */

import { beforeEach, expect, test, vi } from "vitest";
import { remember, sentNames } from "../../frontend/src/shared/sent_names.js";

const [ONE, TWO] = ["a".repeat(64), "b".repeat(64)];

beforeEach(() => sessionStorage.clear());

test("a name is found again by the hash of the file, in its study", () => {
  remember("one", [[ONE, "anna/SOC/1.dcm"]]);
  remember("one", [[TWO, "letter.dcm"]]);
  expect(sentNames("one")(ONE)).toBe("anna/SOC/1.dcm");
  expect(sentNames("one")(TWO)).toBe("letter.dcm");
  expect(sentNames("two")(ONE)).toBeUndefined();
});

test("a tab without room goes on without names", () => {
  const setItem = () => { throw new DOMException("", "QuotaExceededError"); };
  vi.stubGlobal("sessionStorage", { getItem: () => null, setItem });
  remember("one", [[ONE, "x.dcm"]]);
  expect(sentNames("one")(ONE)).toBeUndefined();
  vi.unstubAllGlobals();
});
