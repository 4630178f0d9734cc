/** The panel under the images: echo, prompt, scales, integrity, diagnostic quality, confirm. Draws `Answers`. */

import { count, el, find, setText } from "../shared/dom.js";
import { DIAGNOSTIC, INTEGRITY } from "./answers.js";
import { WHOLE } from "./viewing.js";

/**
 * @import { Config, Pair, Quality } from "../server.ts"
 * @import { Answers } from "./answers.js"
 * @import { Viewing } from "./viewing.js"
 *
 * What the reader does with the mouse, or by focus; while the strip is inert, `mark` alone is asked for.
 * @typedef {object} Actions
 * @property {(id: string, score: number) => void} rate
 * @property {(place: string) => void} moveTo
 * @property {() => void} none
 * @property {() => void} finding
 * @property {(value: Quality) => void} diagnostic
 * @property {() => void} comment
 * @property {() => void} skip
 * @property {() => void} confirm
 * @property {() => void} keys
 * @property {() => void} refused
 * @property {(action: string) => string} mark the key of an action
 */

const ANNOUNCE_MS = 6000;
const SAY_MS = 2000;
const COLLAPSED = "reading.collapsed";
/** @type {{value: Quality, name: string, key: string}[]} the answers on diagnostic quality */
const QUALITIES = [
  { value: "both", name: "both", key: "" },
  { value: "left", name: "left only", key: "←" },
  { value: "right", name: "right only", key: "→" },
  { value: "neither", name: "neither", key: "↓" },
];

function remembered() {
  try {
    return localStorage.getItem(COLLAPSED) === "1";
  } catch {
    return false;
  }
}

export class AnswerPanel {
  /** @type {Answers|null} */
  #answers = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #announcing;
  /** Whether the mouse was used since Tab: focus that came from it moves no cursor. */
  #pointed = false;
  /** @type {Map<string, {field: HTMLElement, points: {input: HTMLInputElement, label: HTMLElement}[]}>} */
  #scales = new Map();

  /**
   * @param {HTMLFormElement} root
   * @param {Config} config
   * @param {Actions} actions
   */
  constructor(root, config, actions) {
    this.root = root;
    this.config = config;
    this.actions = actions;
    this.find = /** @param {string} selector */ (selector) => find(root, selector);
    /** Whether `S` waits for its arrow. */
    this.choosing = false;
    /** @type {string|null} what else keeps the pair from being confirmed, in words; null where nothing does */
    this.unseen = null;
    this.reviewing = false;
    this.synthetic = "synthetic" in document.body.dataset;
    root.addEventListener("submit", (event) => {
      event.preventDefault();
      this.actions.confirm();
    });
    // A click must not leave the focus where Space would press the button again. WebKit gives it after the click.
    addEventListener("pointerdown", () => { this.#pointed = true; }, true);
    addEventListener("keydown", ({ key }) => { if (key === "Tab") this.#pointed = false; }, true);
    root.addEventListener("focusin", ({ target }) => {
      if (this.#pointed && target instanceof HTMLInputElement && target.type === "radio") target.blur();
    });
    root.addEventListener("click", (event) => {
      const { activeElement } = document;
      if (event.detail > 0 && activeElement instanceof HTMLElement && activeElement.matches("button, [type=radio]")) activeElement.blur();
    });
    this.find(".help").addEventListener("click", () => this.actions.keys());
    this.find(".refused").addEventListener("click", () => this.actions.refused());
    this.find(".chip.comment").addEventListener("click", () => this.actions.comment());
    this.find(".chip.trouble").addEventListener("click", () => this.actions.skip());
    this.#buildClose();
    root.classList.toggle("collapsed", remembered());
  }

  toggleCollapsed() {
    const collapsed = this.root.classList.toggle("collapsed");
    try {
      localStorage.setItem(COLLAPSED, collapsed ? "1" : "0");
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }

  /**
   * A new pair.
   * @param {Pair} body
   * @param {Answers} answers
   */
  open(body, answers) {
    this.#answers = answers;
    this.choosing = false;
    this.unseen = null;
    this.reviewing = body.state === "confirmed";
    this.#quiet();
    const practice = body.kind === "training" ? "practice, not counted" : null;
    const part = body.parts > 1 ? `part ${body.part} of ${body.parts}` : null;
    const again = body.skipped && !this.reviewing ? "skipped before" : null;
    const asked = body.guess ? `question ${body.guess.number} of ${body.guess.of}` : null;
    this.root.classList.toggle("asking", Boolean(body.guess));
    const notes = asked ? [asked] : [practice, part, again, this.reviewing ? "confirmed, open again" : null, this.synthetic ? "synthetic" : null];
    this.counts(body);
    setText(this.find(".part"), notes.filter(Boolean).join(" · "));
    document.title = asked ?? `${body.position} of ${body.total}`;
    this.#buildScales(answers);
    this.update();
  }

  /** @param {Pick<Pair, "guess"|"position"|"total">} body */
  counts(body) {
    setText(this.find(".position"), body.guess ? "All pairs are read" : `${body.position} of ${body.total}`);
  }

  /** @param {Answers} answers */
  #buildScales({ criteria }) {
    this.#scales.clear();
    this.root.style.setProperty("--n", String(criteria.length));
    this.root.style.setProperty("--half", String(Math.ceil(criteria.length / 2)));
    this.find(".scales").replaceChildren(
      ...criteria.map((criterion) => {
        const id = String(criterion.id);
        const [worst, , neutral, , best] = criterion.anchors;
        const points = [1, 2, 3, 4, 5].map((score) => {
          const input = el("input", {
            type: "radio",
            name: `criterion-${id}`,
            value: score,
            "aria-label": `${score} ${criterion.anchors[score - 1]}`,
            onchange: () => this.actions.rate(id, score),
            onfocus: () => this.#pointed || this.actions.moveTo(id),
          });
          const title = criterion.anchors[score - 1];
          return { input, label: el("label", { class: score === 3 ? "pt mid" : "pt", title }, input, String(score)) };
        });
        const label = `${criterion.name}: 1 ${worst}, 3 ${neutral}, 5 ${best}`;
        const field = el(
          "fieldset",
          { class: "scale", title: criterion.asks },
          el("span", { class: "name", onclick: () => this.actions.moveTo(id) }, criterion.name),
          el("div", { class: "pts", role: "radiogroup", "aria-label": label },
            ...points.map((point) => point.label), el("span", { class: "cj", hidden: true }, "cannot judge")),
        );
        this.#scales.set(id, { field, points });
        return field;
      }),
    );
    this.find(".pips").replaceChildren(...criteria.map(() => el("i")));
  }

  #buildClose() {
    const { config } = this;
    const integrity = this.find(".integrity");
    integrity.hidden = config.ask_integrity === false;
    integrity.replaceChildren(
      el("span", {}, "Integrity"),
      el("button", { class: "chip", type: "button", "data-none": true, onclick: () => this.actions.none() }, "none ", el("kbd", { "data-mark": "none" })),
      el("button", { class: "chip", type: "button", "data-finding": true, onclick: () => this.actions.finding() }, "finding ", el("kbd", { "data-mark": "finding" })),
      el("span", { class: "on", hidden: true }),
    );
    const diagnostic = this.find(".diagnostic");
    diagnostic.hidden = config.ask_diagnostic === false;
    diagnostic.replaceChildren(
      el("span", {}, "Diagnostic"),
      ...QUALITIES.map(({ value, name, key }) =>
        el("button", {
          class: `chip ${value === "both" ? value : ""}`, type: "button", role: "radio", "aria-checked": "false",
          "data-value": value, onclick: () => this.actions.diagnostic(value),
        }, `${name} `, el("kbd", { class: key && "arrow", "data-mark": key ? null : "both" }, key)),
      ),
      el("button", { class: "chip other", type: "button", onclick: () => this.actions.moveTo(DIAGNOSTIC) }, "other ", el("kbd", { "data-mark": "choose" })),
      el("span", { class: "also" }, el("kbd", { "data-mark": "choose" })),
    );
  }

  /** Draws the present state. */
  update() {
    const answers = this.#answers;
    if (!answers) return;
    const { cursor } = answers;
    answers.criteria.forEach((criterion, at) => {
      const id = String(criterion.id);
      const scale = this.#scales.get(id);
      if (!scale) return;
      const { field, points } = scale;
      const rating = answers.ratings.get(id);
      const score = rating?.status === "rated" ? rating.score : null;
      field.classList.toggle("done", answers.answered(id));
      field.classList.toggle("now", cursor === id);
      field.classList.toggle("cannot", rating?.status === "cannot_judge");
      find(field, ".cj").hidden = rating?.status !== "cannot_judge";
      points.forEach(({ input, label }, index) => {
        input.checked = score === index + 1;
        label.classList.toggle("sel", input.checked);
      });
      const pip = /** @type {HTMLElement} */ (this.find(".pips").children[at]);
      pip.className = [answers.answered(id) ? "a" : "", cursor === id ? "now" : ""].join(" ").trim();
      pip.style.setProperty("--x", `${((score ?? 3) - 1) * 4}px`);
      pip.classList.toggle("cannot", rating?.status === "cannot_judge");
    });
    Array.from(this.find(".echo").children).forEach((fifth, index) => fifth.classList.toggle("hit", answers.echo === index + 1));
    this.#updateClose(answers);
    setText(this.find(".said"), this.#said(answers));
    const unseen = this.find(".unseen");
    unseen.hidden = this.unseen === null || this.reviewing;
    setText(unseen, this.unseen ?? "");
    if (this.#announcing === undefined) this.#prompt(answers);
  }

  /** @param {Answers} answers */
  #updateClose(answers) {
    const integrity = this.find(".integrity");
    integrity.classList.toggle("now", answers.cursor === INTEGRITY);
    for (const chip of integrity.querySelectorAll(".chip")) {
      const selected = chip.hasAttribute("data-none") ? answers.integrity === "none" : answers.findings.length > 0;
      chip.classList.toggle("sel", selected);
      chip.setAttribute("aria-pressed", String(selected));
    }
    const on = find(integrity, ".on");
    on.hidden = answers.findings.length === 0;
    const [only] = answers.findings;
    const where = { left: "on the left", right: "on the right", both: "on both", undetermined: "side unclear" };
    setText(on, answers.findings.length > 1 ? count(answers.findings.length, "finding") : only ? `${this.#kind(only.kind)} ${where[only.side]}` : "");

    const diagnostic = this.find(".diagnostic");
    diagnostic.classList.toggle("now", answers.cursor === DIAGNOSTIC || this.choosing);
    diagnostic.classList.toggle("choosing", this.choosing);
    for (const chip of diagnostic.querySelectorAll("[data-value]")) {
      const selected = answers.diagnostic === chip.getAttribute("data-value");
      chip.classList.toggle("sel", selected);
      chip.setAttribute("aria-checked", String(selected));
    }
    this.find(".chip.comment").classList.toggle("sel", answers.comment !== "");

    const go = this.find(".go");
    const missing = answers.missing.length;
    const ready = missing === 0 && this.unseen === null;
    go.classList.toggle("ready", ready);
    go.setAttribute("aria-disabled", String(!ready));
    const words = this.reviewing ? "Back to the next pair" : "Confirm";
    if (ready || this.reviewing) {
      if (!go.classList.contains("keyed") || go.firstChild?.textContent !== `${words} `) {
        go.replaceChildren(`${words} `, this.#key("confirm"));
      }
      go.classList.add("keyed", "ready");
      go.setAttribute("aria-disabled", "false");
    } else {
      go.classList.remove("keyed");
      setText(go, missing ? `Confirm · ${missing} to go` : `Confirm · ${this.unseen}`);
    }
  }

  /**
   * The latest answer, for who does not see it.
   * @param {Answers} answers
   */
  #said(answers) {
    const place = answers.latest;
    const criterion = answers.criterion(place);
    const rating = answers.ratings.get(place ?? "");
    if (criterion && rating?.score) return `${criterion.name}: ${rating.score}, ${criterion.anchors[rating.score - 1]}`;
    if (criterion && rating?.status === "cannot_judge") return `${criterion.name}: cannot judge`;
    if (place === INTEGRITY && answers.integrity) return `Integrity: ${answers.integrity === "none" ? "none" : count(answers.findings.length, "finding")}`;
    if (place === DIAGNOSTIC && answers.diagnostic) return `Diagnostic: ${answers.diagnostic}`;
    return "";
  }

  /** @param {string} id */
  #kind(id) {
    return this.config.finding_kinds.find((kind) => kind.id === id)?.name ?? id;
  }

  /**
   * Names the next question between the images.
   * @param {Answers} answers
   */
  #prompt(answers) {
    const criterion = answers.current;
    const { mark } = this.actions;
    /** @type {[string, string]} */
    let text = ["All answered", ""];
    if (this.choosing) text = ["Diagnostic", "← left only · ↓ neither · → right only"];
    else if (criterion) text = [criterion.name, criterion.better];
    else if (answers.cursor === INTEGRITY) text = ["Integrity", `${mark("none")} nothing wrong · ${mark("finding")} loss, corruption, alteration, creation, exaggeration`];
    else if (answers.cursor === DIAGNOSTIC) text = ["Diagnostic", `${mark("both")} both images are · ${mark("choose")} not both`];
    else if (this.reviewing) text = ["Confirmed before", "a change is kept beside the first answer"];
    else if (this.unseen) text = ["All answered", `scroll the rest: ${this.unseen}`];
    this.#showPrompt(text, Boolean(criterion) && !this.choosing);
  }

  /**
   * @param {[string, string]} text
   * @param {boolean} ends whether the ends of the scale are named
   */
  #showPrompt([title, detail], ends) {
    const ask = this.find(".ask");
    const middle = find(ask, "b");
    const wanted = title + detail;
    if (middle.textContent !== wanted) middle.replaceChildren(title, ...(detail ? [el("em", {}, detail)] : []));
    ask.classList.toggle("free", !ends);
    const lower = find(ask, ".lower");
    if (ends === (lower.childElementCount > 0)) return;
    lower.replaceChildren(...(ends ? ["◂ left better ", this.#key("score_1")] : []));
    find(ask, ".upper").replaceChildren(...(ends ? [this.#key("score_5"), " right better ▸"] : []));
  }

  /**
   * The key of an action, printed as the reader has it.
   * @param {string} action
   */
  #key(action) {
    return el("kbd", { "data-mark": action }, this.actions.mark(action));
  }

  /**
   * Says something in the prompt's place until the next answer.
   * @param {string} title
   * @param {string} detail
   */
  hint(title, detail) {
    this.#quiet();
    this.#showPrompt([title, detail], false);
  }

  /**
   * Says something in the prompt's place for a few seconds.
   * @param {string} title
   */
  announce(title, detail = "", ms = ANNOUNCE_MS) {
    clearTimeout(this.#announcing);
    this.#announcing = setTimeout(() => {
      this.#quiet();
      this.update();
    }, ms);
    this.find(".ask").classList.add("tell");
    this.#showPrompt([title, detail], false);
  }

  /**
   * A word about a key that was pressed, in the prompt's place.
   * @param {string} title
   */
  say(title, detail = "") {
    this.announce(title, detail, SAY_MS);
  }

  /** Back to the next question. */
  #quiet() {
    clearTimeout(this.#announcing);
    this.#announcing = undefined;
    this.find(".ask").classList.remove("tell");
  }

  /** An answer was given: whatever was being said has been heard. */
  answered() {
    this.#quiet();
    this.update();
  }

  /**
   * Window and zoom, while they are not what a new pair shows.
   * @param {Viewing} viewing
   */
  readout(viewing) {
    const inverted = viewing.invert ? " · inverted" : "";
    const [readout, zoom] = [this.find(".window"), this.find(".zoom")];
    setText(readout, `window ${Math.round(viewing.window)} % · level ${Math.round(viewing.level)} %${inverted}`);
    setText(zoom, `zoom ${viewing.zoom.toFixed(1)}`);
    readout.hidden = viewing.window === WHOLE.window && viewing.level === WHOLE.level && !viewing.invert;
    zoom.hidden = viewing.zoom === 1;
  }

  /**
   * Answers that the server does not have yet, and those that it has refused.
   * @param {number} waiting
   * @param {number} refused
   */
  kept(waiting, refused) {
    this.find(".save").dataset.kept = String(waiting);
    const node = this.find(".refused");
    node.hidden = refused === 0;
    setText(node, `${refused} not accepted`);
  }

  /** @param {"saved"|"saving"|"offline"} state @param {string} words */
  save(state, words) {
    const node = this.find(".save");
    node.className = `save ${state}`;
    setText(node, words);
  }
}
