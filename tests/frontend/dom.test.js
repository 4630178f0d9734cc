// @vitest-environment happy-dom
/** Small pieces of page building, and the token that goes with every write. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { csrfToken } from "../../frontend/src/shared/csrf.js";
import { around, byId, count, el, find, setText } from "../../frontend/src/shared/dom.js";

beforeEach(() => document.body.replaceChildren());

describe("el", () => {
  test("takes text as text, whatever it looks like", () => {
    const node = el("p", {}, "<b>bold</b>", el("i", {}, "i"));
    expect(node.outerHTML).toBe("<p>&lt;b&gt;bold&lt;/b&gt;<i>i</i></p>");
  });

  test("leaves out what is not there", () => {
    const node = el("p", { hidden: true, id: null, lang: undefined, "aria-busy": false, tabindex: 0 }, null, undefined, false, "");
    expect(node.getAttributeNames()).toEqual(["hidden", "tabindex"]);
    expect(node.textContent).toBe("");
  });

  test("makes listeners of functions, and no attributes that the content policy refuses", () => {
    const onclick = vi.fn();
    const button = el("button", { onclick });
    button.click();
    expect(onclick).toHaveBeenCalledOnce();
    expect(button.hasAttribute("onclick")).toBe(false);
  });
});

test("find says what a page lacks", () => {
  document.body.append(el("form", { id: "f" }, el("input", { class: "x" })));
  expect(find(document, ".x", HTMLInputElement)).toBe(byId("f").firstChild);
  expect(() => find(document, ".y")).toThrow("The page has no .y.");
  expect(() => byId("f", HTMLInputElement)).toThrow("The page has no #f.");
});

test("around finds what an event is about", () => {
  document.body.append(el("div", { class: "box" }, el("i")));
  const found = [];
  document.body.onclick = (event) => found.push(around(event, ".box"), around(event, ".other"));
  document.querySelector("i").click();
  expect(found).toEqual([document.querySelector(".box"), null]);
});

test("say touches nothing where the words are there already", () => {
  const node = el("p", {}, "saved");
  const { firstChild } = node;
  setText(node, "saved");
  expect(node.firstChild).toBe(firstChild);
  setText(node, "saving");
  expect(node.textContent).toBe("saving");
});

test("one has no plural", () => {
  expect([0, 1, 2].map((n) => count(n, "slice"))).toEqual(["0 slices", "1 slice", "2 slices"]);
});

test("the token is read from among other cookies, by its whole name", () => {
  expect(csrfToken("from the form")).toBe("from the form");
  document.cookie = "xcsrftoken=no";
  expect(csrfToken()).toBe("");
  document.cookie = "csrftoken=yes";
  document.cookie = "z=1";
  expect(csrfToken("from the form")).toBe("yes");
});
