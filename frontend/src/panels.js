/** The panels that rise from the strip: a finding on integrity, a comment. They never cover an image's centre. */

import { el, say } from "./dom.js";

const ARROWS = { ArrowLeft: "left", ArrowDown: "both", ArrowRight: "right", ArrowUp: "undetermined" };
/** Keys that still move through the slices while a panel is open. */
const THROUGH = new Set(["PageUp", "PageDown", "Home", "End"]);
const SIDE_WORDS = { left: "left image", both: "both", right: "right image", undetermined: "cannot tell" };

/** A letter typed beside a panel's field lands in the field; nothing typed there may rate or confirm. */
function lead(event, field) {
  if (event.key === " " && event.target.matches?.("button:focus-visible")) return false;
  if (event.key.length === 1 && event.key !== " ") field.focus();
  return !THROUGH.has(event.key);
}

export class FindingPanel {
  #draft = null;

  /**
   * @param {HTMLElement} root
   * @param {{id: string, name: string}[]} kinds
   * @param {{onkeep: (finding: object) => void, onremove: (finding: object) => void, onleave: () => void,
   *   onchange: () => void}} actions
   */
  constructor(root, kinds, actions) {
    this.root = root;
    this.kinds = kinds;
    this.actions = actions;
    this.remark = root.querySelector(".remark");
    this.structure = root.querySelector(".structure");
    root.querySelector(".kinds").replaceChildren(
      ...kinds.map((kind, index) =>
        el("button", { class: "chip", type: "button", "data-kind": kind.id, onclick: () => this.#set({ kind: kind.id }) },
          el("kbd", {}, String(index + 1)), ` ${kind.name}`),
      ),
    );
    for (const chip of root.querySelectorAll("[data-side]")) {
      chip.addEventListener("click", () => this.#set({ side: chip.dataset.side }));
    }
    root.querySelector(".keep").addEventListener("click", () => this.#keep());
  }

  get open() {
    return this.#draft !== null;
  }

  /** @returns {{side: string, i: number, j: number, k: number}|null} the place marked so far */
  get mark() {
    return this.#draft && this.#draft.k !== null ? this.#draft : null;
  }

  /**
   * @param {object[]} findings kept before
   * @param {string|null} kind chosen by its chip
   */
  show(findings, kind = null) {
    this.#draft = { kind, side: null, i: null, j: null, k: null, marked: null };
    this.remark.value = this.structure.value = "";
    this.list(findings);
    this.root.hidden = false;
    this.#update();
  }

  list(findings) {
    this.root.querySelector(".kept").replaceChildren(
      ...findings.map((finding) => {
        const kind = this.kinds.find((each) => each.id === finding.kind)?.name ?? finding.kind;
        const words = [kind, SIDE_WORDS[finding.side], finding.structure, finding.remark].filter(Boolean).join(" · ");
        return el("li", {}, el("span", {}, words),
          el("button", { class: "btn small quiet", type: "button", onclick: () => this.actions.onremove(finding) }, "take back"));
      }),
    );
  }

  close() {
    this.#draft = null;
    this.root.hidden = true;
    if (this.root.contains(document.activeElement)) document.activeElement.blur();
    this.actions.onchange();
  }

  /** A click on an image marks the place and, if none was chosen, the side. */
  place(side, { i, j, k }) {
    this.#set({ i, j, k, marked: side, side: this.#draft.side ?? side });
  }

  #set(change) {
    Object.assign(this.#draft, change);
    this.#update();
  }

  #update() {
    for (const chip of this.root.querySelectorAll(".chip")) {
      const selected = chip.dataset.kind ? chip.dataset.kind === this.#draft.kind : chip.dataset.side === this.#draft.side;
      chip.classList.toggle("sel", selected);
      chip.setAttribute("aria-pressed", String(selected));
    }
    const { kind, side, k, marked } = this.#draft;
    say(this.root.querySelector(".placed"), k === null ? "click the image to mark it" : `marked ${marked}, slice ${k + 1}`);
    this.root.querySelector(".keep").setAttribute("aria-disabled", String(!kind || !side));
    this.actions.onchange();
  }

  #keep() {
    const { kind, side, i, j, k } = this.#draft;
    if (!kind || !side) {
      const part = this.root.querySelector(kind ? ".places" : ".kinds");
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
   * @returns {boolean} whether the key was the panel's
   */
  key(event) {
    const field = event.target === this.remark || event.target === this.structure ? event.target : null;
    const writing = field !== null && field.value !== "";
    if (event.key === "Escape") {
      this.close();
      this.actions.onleave();
    } else if (event.key === "Enter") {
      if (event.target.closest?.("button") && event.target.matches(":focus-visible")) return false;
      this.#keep();
    } else if (!writing && /^[1-9]$/.test(event.key) && this.kinds[event.key - 1]) {
      this.#set({ kind: this.kinds[event.key - 1].id });
    } else if (!writing && ARROWS[event.key]) {
      this.#set({ side: ARROWS[event.key] });
    } else {
      if (!field) return lead(event, this.remark);
      return true;
    }
    event.preventDefault();
    return true;
  }
}

export class CommentPanel {
  /**
   * @param {HTMLElement} root
   * @param {(text: string) => void} onkeep called where the text has changed
   */
  constructor(root, onkeep) {
    this.root = root;
    this.onkeep = onkeep;
    this.field = root.querySelector("input");
    root.querySelector(".keep").addEventListener("click", () => this.#keep());
  }

  get open() {
    return !this.root.hidden;
  }

  show(text) {
    this.before = text;
    this.field.value = text;
    this.root.hidden = false;
    this.field.focus();
  }

  close() {
    this.root.hidden = true;
    this.field.blur();
  }

  #keep() {
    const text = this.field.value.trim();
    this.close();
    if (text !== this.before) this.onkeep(text);
  }

  /** @returns {boolean} whether the key was the panel's */
  key(event) {
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter") this.#keep();
    else return event.target === this.field || lead(event, this.field);
    event.preventDefault();
    return true;
  }
}

/** One question with a few answers, each a key: which image was which, why a pair cannot be read. */
export class ChoicePanel {
  /** Keys that still look at the images while the question stands. */
  static #LOOK = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", "+", "-", "=", "i", "z", "l", "v", "c", "g", "d", "f", "?"]);
  #options = [];
  #onleave = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  get open() {
    return !this.root.hidden;
  }

  /**
   * @param {string} title
   * @param {string} note
   * @param {{key: string, mark: string, words: string, choose: () => void}[]} options `key` as the keyboard names it
   * @param {(() => void)|null} onleave after Escape; without it the question must be answered
   */
  ask(title, note, options, onleave = null) {
    this.#options = options;
    this.#onleave = onleave;
    this.root.setAttribute("aria-label", title);
    const leave = onleave ? el("span", { class: "dim small" }, el("kbd", {}, "Esc"), " leave it") : null;
    this.root.replaceChildren(
      el("div", { class: "row spread" }, el("b", {}, title), leave),
      note ? el("p", { class: "dim small" }, note) : "",
      el("div", { class: "row", role: "group" }, ...options.map(({ mark, words, choose }) =>
        el("button", { class: "chip", type: "button", onclick: () => this.#answer(choose) }, el("kbd", {}, mark), ` ${words}`))),
    );
    this.root.hidden = false;
  }

  close() {
    this.root.hidden = true;
    if (this.root.contains(document.activeElement)) document.activeElement.blur();
  }

  #answer(choose) {
    this.close();
    choose();
  }

  /** @returns {boolean} whether the key was the panel's */
  key(event) {
    const chosen = this.#options.find((option) => option.key === event.key);
    if (event.key === "Escape" && this.#onleave) this.#answer(this.#onleave);
    else if (chosen && !event.repeat) this.#answer(chosen.choose);
    else return !ChoicePanel.#LOOK.has(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    event.preventDefault();
    return true;
  }
}
