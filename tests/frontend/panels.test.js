// @vitest-environment happy-dom
/** The panels over the ratings: what their keys do, and what they keep. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { ChoicePanel, CommentPanel, FindingPanel } from "../../frontend/src/room/panels.js";
import { config } from "./fixtures.js";
import { openPage } from "./page.js";

beforeEach(openPage);

const byId = (id) => document.getElementById(id);
/** @returns whether the panel took the key */
const key = (panel, name, target = document.body) => {
  const event = new KeyboardEvent("keydown", { key: name, cancelable: true });
  Object.defineProperty(event, "target", { value: target });
  return panel.key(event);
};

describe("a finding", () => {
  let actions;
  let panel;

  beforeEach(() => {
    actions = { onkeep: vi.fn(), onremove: vi.fn(), onleave: vi.fn(), onchange: vi.fn() };
    panel = new FindingPanel(byId("finding"), config.finding_kinds, actions);
    panel.show([]);
  });

  test("is kept by keys alone", () => {
    key(panel, "2");
    key(panel, "ArrowLeft");
    panel.remark.value = " bright spot ";
    key(panel, "Enter", panel.remark);
    expect(actions.onkeep).toHaveBeenCalledWith({ kind: "creation", side: "left", i: null, j: null, k: null, structure: "", remark: "bright spot" });
    expect(panel.open).toBe(false);
  });

  test("is not kept without kind and side", () => {
    key(panel, "Enter");
    expect(byId("finding").querySelector(".kinds").className).toContain("wanted");
    key(panel, "1");
    key(panel, "Enter");
    expect(byId("finding").querySelector(".places").className).toContain("wanted");
    expect(actions.onkeep).not.toHaveBeenCalled();
  });

  test("takes its side from the image that is clicked, unless one was chosen", () => {
    panel.place("right", { i: 1, j: 2, k: 3 });
    expect(panel.mark).toEqual({ side: "right", i: 1, j: 2, k: 3 });
    key(panel, "ArrowDown");
    panel.place("left", { i: 4, j: 5, k: 6 });
    key(panel, "1");
    key(panel, "Enter");
    expect(actions.onkeep.mock.lastCall[0]).toMatchObject({ side: "both", i: 4, j: 5, k: 6 });
  });

  test("lets digits and arrows into a text that is being written", () => {
    panel.remark.value = "L";
    expect(key(panel, "1", panel.remark)).toBe(true);
    key(panel, "ArrowLeft", panel.remark);
    key(panel, "Enter");
    expect(actions.onkeep).not.toHaveBeenCalled();
  });

  test("is left with Escape, and no key but those for slices goes through", () => {
    expect(key(panel, "PageUp")).toBe(false);
    expect(key(panel, "w")).toBe(true);
    key(panel, "Escape");
    expect([panel.open, byId("finding").hidden, actions.onleave.mock.calls.length]).toEqual([false, true, 1]);
  });

  test("kept before can be taken back", () => {
    const finding = { id: 1, kind: "loss", side: "both", structure: "disc", remark: "" };
    panel.show([finding]);
    expect(byId("finding").querySelector(".kept span").textContent).toBe("loss · both · disc");
    byId("finding").querySelector(".kept button").click();
    expect(actions.onremove).toHaveBeenCalledWith(finding);
  });
});

describe("a comment", () => {
  test("is kept where it has changed", () => {
    const onkeep = vi.fn();
    const panel = new CommentPanel(byId("comment"), onkeep);
    panel.show("dark");
    key(panel, "Enter", panel.field);
    expect(onkeep).not.toHaveBeenCalled();
    panel.show("dark");
    panel.field.value = "darker ";
    key(panel, "Enter", panel.field);
    expect(onkeep.mock.calls).toEqual([["darker"]]);
    panel.show("darker");
    panel.field.value = "";
    key(panel, "Escape", panel.field);
    expect([onkeep.mock.calls.length, panel.open]).toEqual([1, false]);
  });
});

describe("a choice", () => {
  const options = () => [{ key: "1", mark: "1", words: "broken", choose: vi.fn() }, { key: "ArrowLeft", mark: "←", words: "left", choose: vi.fn() }];

  test("is made by its key, once, while the images can be looked at", () => {
    const panel = new ChoicePanel(byId("choice"));
    const [broken, left] = options();
    panel.ask("Why?", "", [broken, left]);
    expect(key(panel, "l")).toBe(false);
    expect(key(panel, "q")).toBe(true);
    key(panel, "ArrowLeft");
    expect(left.choose).toHaveBeenCalledOnce();
    expect([panel.open, broken.choose.mock.calls.length]).toEqual([false, 0]);
  });

  test("can be left only where that is allowed", () => {
    const panel = new ChoicePanel(byId("choice"));
    panel.ask("Why?", "", options());
    key(panel, "Escape");
    expect(panel.open).toBe(true);
    const onleave = vi.fn();
    panel.ask("Why?", "", options(), onleave);
    key(panel, "Escape");
    expect([panel.open, onleave.mock.calls.length]).toEqual([false, 1]);
  });
});
