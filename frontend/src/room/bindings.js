/** What each key and mouse button does for this reader. `readerstudy/accounts/keys.json` has the actions and what they begin with. */

import { setText } from "../shared/dom.js";
import { printed, strokes } from "./strokes.js";

/**
 * @import { Binding } from "../server.ts"
 * @import { Press } from "./strokes.js"
 */

/** Keys with one meaning everywhere: they leave, move the focus, answer what stops the reading. */
export const KEPT = new Set(["Escape", "Tab", "k", "u"]);

/** @param {string} action whether it is what a mouse does while it is dragged */
export const isDrag = (action) => action.startsWith("drag_");

/**
 * Actions by stroke, where one stroke has several.
 * @param {Binding[]} list
 * @returns {Map<string, string[]>}
 */
export function conflicts(list) {
  /** @type {Map<string, string[]>} */
  const actions = new Map();
  for (const { action, strokes: own } of list) for (const stroke of own) actions.set(stroke, [...(actions.get(stroke) ?? []), action]);
  return new Map([...actions].filter(([, several]) => several.length > 1));
}

export class Bindings {
  /** @type {Map<string, Binding>} by stroke */
  #byStroke = new Map();

  /** @param {Binding[]} list */
  constructor(list) {
    this.list = list;
    this.set(list);
  }

  /** @param {Binding[]} list */
  set(list) {
    this.list = list;
    this.#byStroke = new Map(list.flatMap((binding) => binding.strokes.map((stroke) => [stroke, binding])));
  }

  /**
   * @param {Press} press
   * @returns {string|null} the action
   */
  action(press) {
    return this.#bound(press)?.action ?? null;
  }

  /**
   * Whether a key only looks at the images.
   * @param {Press} press
   */
  looks(press) {
    const group = this.#bound(press)?.group;
    return group !== undefined && group !== "rate";
  }

  /** @param {Press} press */
  #bound(press) {
    const name = strokes(press).find((stroke) => this.#byStroke.has(stroke));
    return name === undefined ? undefined : this.#byStroke.get(name);
  }

  /**
   * What a button of the mouse does, pressed or dragged.
   * @param {Pick<MouseEvent, "button"|"shiftKey">} event
   * @returns {string|null}
   */
  button({ button, shiftKey }) {
    const name = `Mouse${button}`;
    return ((shiftKey && this.#byStroke.get(`Shift+${name}`)) || this.#byStroke.get(name))?.action ?? null;
  }

  /**
   * The key of an action as its cap has it; empty where it has none.
   * @param {string} action
   */
  mark(action) {
    const [stroke] = this.list.find((binding) => binding.action === action)?.strokes ?? [];
    return stroke ? printed(stroke) : "";
  }

  /** Writes the keys on all caps of the page. */
  markAll() {
    for (const node of document.querySelectorAll("[data-mark]")) {
      if (node instanceof HTMLElement) setText(node, this.mark(node.dataset.mark ?? ""));
    }
  }
}
