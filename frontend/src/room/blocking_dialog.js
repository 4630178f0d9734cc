/** A dialog over the dimmed room, for what stops the reading: failed images, lost sessions, two versions of a pair. */

import { el } from "../shared/dom.js";
import { Focus } from "./focus.js";
import { isStroke, printed } from "./strokes.js";

/**
 * One answer to a question; `key` as `strokes` names it.
 * @typedef {{key: string, words: string, choose: () => void, primary?: boolean}} Answer
 */

/** Keys that were meant for the pair under a question must not answer it. */
const DEAF_MS = 400;

export class BlockingDialog {
  /** @type {Answer[]} */
  #answers = [];
  #shownAt = 0;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.focus = new Focus(root);
    /** @type {string|null} */
    this.name = null;
  }

  get open() {
    return this.name !== null;
  }

  /**
   * @param {string} name so that showing the same thing twice changes nothing
   * @param {string} title
   * @param {string} text
   * @param {...HTMLElement} controls the first gets the focus
   */
  show(name, title, text, ...controls) {
    if (this.name === name && this.root.querySelector("p")?.textContent === text) return;
    this.#fill(name, title, "card", [el("p", {}, text), el("div", { class: "row" }, ...controls)]);
    this.focus.take(controls[0]);
  }

  /**
   * A question that no key in use may answer by chance: letters without another meaning, and none at once.
   * @param {string} name
   * @param {string} title
   * @param {Node[]} content
   * @param {Answer[]} answers
   */
  ask(name, title, content, answers) {
    this.#answers = answers;
    const buttons = answers.map(({ key, words, choose, primary }) => {
      const asked = button("", () => this.#answer(choose), primary);
      asked.append(words, el("kbd", {}, printed(key)));
      return asked;
    });
    this.focus.take(this.#fill(name, title, "card wide", [...content, el("div", { class: "row" }, ...buttons)]));
  }

  /**
   * @param {string} name
   * @param {string} title
   * @param {string} kind
   * @param {Node[]} content
   */
  #fill(name, title, kind, content) {
    if (this.name !== name) this.#shownAt = performance.now();
    this.name = name;
    this.root.setAttribute("aria-label", title);
    const card = el("div", { class: kind, tabindex: "-1" }, el("h1", {}, title), ...content);
    this.root.replaceChildren(card);
    this.#cover(true);
    return card;
  }

  /**
   * What lies behind cannot be reached while it is covered, neither by Tab nor by a screen reader.
   * @param {boolean} covered
   */
  #cover(covered) {
    this.root.hidden = !covered;
    for (const other of this.root.parentElement?.children ?? []) {
      if (other !== this.root && other instanceof HTMLElement) other.inert = covered;
    }
  }

  /** @param {() => void} choose */
  #answer(choose) {
    if (this.name !== null) this.hide(this.name);
    choose();
  }

  /**
   * Takes away the one of this name; another one stays.
   * @param {string} name
   */
  hide(name) {
    if (this.name !== name) return;
    this.name = null;
    this.#answers = [];
    this.#cover(false);
    this.focus.giveBack();
    this.root.replaceChildren();
  }

  /**
   * No key goes through to the room.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const chosen = this.#answers.find(({ key }) => isStroke(event, key));
    if (chosen && !event.repeat && performance.now() - this.#shownAt > DEAF_MS) {
      event.preventDefault();
      this.#answer(chosen.choose);
    }
    return true;
  }
}

/**
 * @param {string} words
 * @param {() => void} onclick
 */
export function button(words, onclick, primary = false) {
  return el("button", { class: primary ? "btn primary" : "btn", type: "button", onclick }, words);
}
