/** The dialogs in the answers' place: a finding on integrity, a comment, a choice. They cover no part of an image. */

import { around, el, find, setText } from "../shared/dom.js";
import { Focus } from "./focus.js";
import { digitOf, isStroke, strokes } from "./strokes.js";

/**
 * @import { Finding, FindingKind, NewFinding, Side } from "../server.ts"
 *
 * What is on top of the page and asked first about a key: whether it was its own.
 * @typedef {{key: (event: KeyboardEvent) => boolean}} Layer
 *
 * Whether a key only looks at the images.
 * @typedef {(event: KeyboardEvent) => boolean} Looks
 *
 * One answer to a question; `key` as `strokes` names it.
 * @typedef {{key: string, mark: string, words: string, choose: () => void}} Option
 *
 * A finding in the making.
 * @typedef {object} Draft
 * @property {string|null} kind
 * @property {NewFinding["side"]|null} side
 * @property {number|null} i
 * @property {number|null} j
 * @property {number|null} k
 * @property {Side|null} marked the image that was clicked
 */

/** @type {Record<string, NewFinding["side"]>} */
const ARROWS = { ArrowLeft: "left", ArrowDown: "both", ArrowRight: "right", ArrowUp: "undetermined" };
const SIDE_WORDS = { left: "left image", both: "both", right: "right image", undetermined: "cannot tell" };

/**
 * A letter typed beside a dialog's field lands in the field; nothing typed there may rate or confirm. Keys that write
 * nothing still look at the images.
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement|HTMLTextAreaElement} field
 * @param {Looks} looks
 */
function lead(event, field, looks) {
  if (event.key === " " && event.target instanceof Element && event.target.matches("button:focus-visible")) return false;
  if (event.key.length === 1 && event.key !== " ") field.focus();
  return event.key.length === 1 || !looks(event);
}

export class FindingDialog {
  /** @type {Draft|null} what was begun on this pair and not kept, also after the dialog was left */
  #draft = null;

  /**
   * @param {HTMLElement} root
   * @param {FindingKind[]} kinds
   * @param {{onkeep: (finding: NewFinding) => void, onremove: (finding: Finding) => void, onleave: () => void,
   *   onchange: () => void}} actions
   * @param {Looks} looks
   */
  constructor(root, kinds, actions, looks) {
    this.root = root;
    this.kinds = kinds;
    this.actions = actions;
    this.focus = new Focus(root);
    this.looks = looks;
    this.remark = find(root, ".remark", HTMLInputElement);
    this.structure = find(root, ".structure", HTMLInputElement);
    find(root, ".kinds").replaceChildren(
      ...kinds.map((kind, index) =>
        el("button", { class: "chip", type: "button", "data-kind": kind.id, onclick: () => this.#set({ kind: kind.id }) },
          el("kbd", {}, String(index + 1)), ` ${kind.name}`),
      ),
    );
    for (const side of Object.values(ARROWS)) {
      find(root, `[data-side=${side}]`).addEventListener("click", () => this.#set({ side }));
    }
    find(root, ".leave").addEventListener("click", () => this.leave());
    find(root, ".keep").addEventListener("click", () => this.#keep());
  }

  get open() {
    return !this.root.hidden;
  }

  /** The place marked so far. */
  get mark() {
    const { marked: side = null, i = null, j = null, k = null } = (this.open && this.#draft) || {};
    return side && { side, i, j, k };
  }

  /** Whether something was begun that is not kept yet. */
  get begun() {
    return this.#draft !== null && Boolean(this.#draft.kind || this.#draft.side || this.remark.value || this.structure.value);
  }

  /**
   * Goes on with what was begun on this pair.
   * @param {Finding[]} findings kept before
   */
  show(findings) {
    this.#draft ??= { kind: null, side: null, i: null, j: null, k: null, marked: null };
    this.list(findings);
    this.root.hidden = false;
    this.focus.take();
    this.#update(this.#draft);
  }

  /** @param {Finding[]} findings */
  list(findings) {
    find(this.root, ".kept").replaceChildren(
      ...findings.map((finding) => {
        const kind = this.kinds.find((each) => each.id === finding.kind)?.name ?? finding.kind;
        const words = [kind, SIDE_WORDS[finding.side], finding.structure, finding.remark].filter(Boolean).join(" · ");
        return el("li", { title: words }, el("span", {}, words),
          el("button", { class: "btn small quiet", type: "button", onclick: () => this.actions.onremove(finding) }, "take back"));
      }),
    );
  }

  /** Away, with all that was begun: it was kept, or the pair is left. */
  close() {
    this.#draft = null;
    this.remark.value = this.structure.value = "";
    this.#hide();
  }

  /** Away, until the reader comes back to what was begun. */
  leave() {
    this.#hide();
    this.actions.onleave();
  }

  #hide() {
    if (this.root.hidden) return;
    this.root.hidden = true;
    this.focus.giveBack();
    this.actions.onchange();
  }

  /**
   * A click on an image marks the place and, if none was chosen, the side.
   * @param {Side} side
   * @param {{i: number, j: number, k: number}} place
   */
  place(side, place) {
    this.#set({ ...place, marked: side, side: this.#draft?.side ?? side });
  }

  /** @param {Partial<Draft>} change */
  #set(change) {
    if (!this.#draft) return;
    Object.assign(this.#draft, change);
    this.#update(this.#draft);
  }

  /** @param {Draft} draft */
  #update({ kind, side, k, marked }) {
    for (const chip of this.root.querySelectorAll(".chip")) {
      const selected = chip.hasAttribute("data-kind") ? chip.getAttribute("data-kind") === kind : chip.getAttribute("data-side") === side;
      chip.classList.toggle("sel", selected);
      chip.setAttribute("aria-pressed", String(selected));
    }
    setText(find(this.root, ".placed"), k === null ? "click the image to mark it" : `marked ${marked}, slice ${k + 1}`);
    find(this.root, ".keep").setAttribute("aria-disabled", String(!kind || !side));
    this.actions.onchange();
  }

  #keep() {
    if (!this.#draft) return;
    const { kind, side, i, j, k } = this.#draft;
    if (!kind || !side) {
      const part = find(this.root, kind ? ".places" : ".kinds");
      part.classList.add("wanted");
      setTimeout(() => part.classList.remove("wanted"), 1200);
      return;
    }
    const words = { structure: this.structure.value.trim(), remark: this.remark.value.trim() };
    this.close();
    this.actions.onkeep({ kind, side, i, j, k, ...words });
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was the dialog's
   */
  key(event) {
    const field = [this.remark, this.structure].find((each) => each === event.target);
    const kind = this.kinds[(digitOf(event) ?? 0) - 1];
    const side = ARROWS[strokes(event)[0]];
    const writing = field !== undefined && field.value !== "";
    if (isStroke(event, "Escape")) {
      this.leave();
    } else if (isStroke(event, "Enter")) {
      if (around(event, "button")?.matches(":focus-visible")) return false;
      this.#keep();
    } else if (!writing && kind) {
      this.#set({ kind: kind.id });
    } else if (!writing && side) {
      this.#set({ side });
    } else {
      if (!field) return lead(event, this.remark, this.looks);
      return true;
    }
    event.preventDefault();
    return true;
  }
}

export class CommentDialog {
  /**
   * @param {HTMLElement} root
   * @param {(text: string) => void} onkeep called where the text has changed
   * @param {Looks} looks
   */
  constructor(root, onkeep, looks) {
    this.root = root;
    this.onkeep = onkeep;
    this.looks = looks;
    this.field = find(root, "textarea", HTMLTextAreaElement);
    this.focus = new Focus(root);
    this.before = "";
    find(root, ".leave").addEventListener("click", () => this.close());
    find(root, ".keep").addEventListener("click", () => this.#keep());
  }

  get open() {
    return !this.root.hidden;
  }

  /** @param {string} text */
  show(text) {
    this.before = text;
    this.field.value = text;
    this.root.hidden = false;
    this.focus.take(this.field);
  }

  close() {
    if (this.root.hidden) return;
    this.root.hidden = true;
    this.focus.giveBack();
  }

  #keep() {
    const text = this.field.value.trim();
    this.close();
    if (text !== this.before) this.onkeep(text);
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was the dialog's
   */
  key(event) {
    if (isStroke(event, "Escape")) this.close();
    else if (isStroke(event, "Enter") && around(event, "button")?.matches(":focus-visible")) return false;
    else if (isStroke(event, "Enter") && !event.shiftKey) this.#keep();
    else return event.target === this.field || lead(event, this.field, this.looks);
    event.preventDefault();
    return true;
  }
}

/** One question with a few answers, each a key: which image was which, why a pair cannot be read. */
export class ChoiceDialog {
  /** @type {Option[]} */
  #options = [];
  /** @type {(() => void)|null} */
  #onleave = null;

  /**
   * @param {HTMLElement} root
   * @param {Looks} looks which keys go through while the question stands
   * @param {(event: KeyboardEvent) => void} onunheard a key that does nothing here
   */
  constructor(root, looks, onunheard) {
    this.root = root;
    this.focus = new Focus(root);
    this.looks = looks;
    this.onunheard = onunheard;
  }

  get open() {
    return !this.root.hidden;
  }

  /**
   * @param {string} title
   * @param {string} note
   * @param {Option[]} options
   * @param {(() => void)|null} onleave after Escape; without it the question must be answered
   */
  ask(title, note, options, onleave = null) {
    this.#options = options;
    this.#onleave = onleave;
    this.root.setAttribute("aria-label", title);
    const leave = onleave
      ? el("button", { class: "btn leave", type: "button", onclick: () => this.#answer(onleave) }, "Leave it ", el("kbd", {}, "Esc"))
      : null;
    this.root.replaceChildren(
      el("p", { class: "row" }, el("b", {}, title), el("span", { class: "dim" }, note)),
      el("div", { class: "row", role: "group", "aria-label": title }, ...options.map(({ mark, words, choose }) =>
        el("button", { class: "chip", type: "button", onclick: () => this.#answer(choose) }, el("kbd", {}, mark), ` ${words}`)), leave),
    );
    this.root.hidden = false;
    this.focus.take();
  }

  close() {
    if (this.root.hidden) return;
    this.root.hidden = true;
    this.focus.giveBack();
  }

  /** @param {() => void} choose */
  #answer(choose) {
    this.close();
    choose();
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was the dialog's
   */
  key(event) {
    const chosen = this.#options.find((option) => isStroke(event, option.key));
    if (isStroke(event, "Escape") && this.#onleave) this.#answer(this.#onleave);
    else if (chosen && !event.repeat) this.#answer(chosen.choose);
    else if (this.looks(event)) return false;
    else {
      if (!around(event, "button")?.matches(":focus-visible")) this.onunheard(event);
      return true;
    }
    event.preventDefault();
    return true;
  }
}
