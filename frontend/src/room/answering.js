/** The reader's answers about the pair on screen: what keys and clicks mean, and where each answer goes. */

import { byId, count } from "../shared/dom.js";
import { DIAGNOSTIC, INTEGRITY } from "./answers.js";
import { CommentDialog, FindingDialog } from "./dialogs.js";
import { SIDES } from "./sides.js";
import { isStroke } from "./strokes.js";

/**
 * @import { Config, Finding, NewFinding, Quality, Rating, Side } from "../server.ts"
 * @import { Answers } from "./answers.js"
 * @import { Bindings } from "./bindings.js"
 * @import { Instruments } from "./instruments.js"
 * @import { Reading } from "./reading.js"
 * @import { AnswerPanel } from "./answer_panel.js"
 * @import { Viewing } from "./viewing.js"
 */

const ASK_MS = 4000;
/** @type {[string, Quality][]} by key, while an answer on diagnostic quality is chosen */
const CHOICES = [["ArrowLeft", "left"], ["ArrowDown", "neither"], ["ArrowRight", "right"]];

export class Answering {
  #asked = false;
  /** @type {string|null} where the cursor stood before the dialog for a finding */
  #before = null;

  /**
   * @param {Config} config
   * @param {{reading: Reading, answerPanel: AnswerPanel, viewing: Viewing, instruments: Instruments, bindings: Bindings}} parts
   * @param {() => boolean} closed whether there is nothing to answer now
   */
  constructor(config, { reading, answerPanel, viewing, instruments, bindings }, closed) {
    this.config = config;
    this.bindings = bindings;
    this.reading = reading;
    this.answerPanel = answerPanel;
    this.viewing = viewing;
    this.instruments = instruments;
    this.closed = closed;
    /** @type {Answers|null} */
    this.answers = null;
    const looks = /** @param {KeyboardEvent} event */ (event) => bindings.looks(event);
    this.findingDialog = new FindingDialog(byId("finding"), config.finding_kinds, {
      onkeep: (finding) => this.#keep(finding),
      onremove: (finding) => this.#withdraw(finding),
      onleave: () => this.#leaveFinding(),
      onchange: () => this.#marks(),
    }, looks);
    this.commentDialog = new CommentDialog(byId("comment"), (text) => this.#comment(text), looks);
  }

  /**
   * A new pair's answers, or none.
   * @param {Answers|null} answers
   */
  open(answers) {
    this.answers = answers;
  }

  /** What can be answered now; null where nothing can. */
  get #now() {
    return this.closed() ? null : this.answers;
  }

  closeDialogs() {
    this.findingDialog.close();
    this.commentDialog.close();
  }

  /**
   * Scores one criterion, or takes its score back with status `missing`.
   * @param {string} id
   * @param {number|null} score
   * @param {Rating["status"]} status
   */
  set(id, score, status = "rated") {
    const rating = this.#now?.rate(id, score, status);
    if (!rating) return;
    this.reading.write("rating", "PUT", `ratings/${id}/`, rating);
    this.answerPanel.answered();
  }

  /**
   * A digit: scores the criterion under the cursor. After the last criterion digits do nothing.
   * @param {number} score
   */
  rate(score) {
    const criterion = this.answers?.current;
    if (criterion && !this.answerPanel.choosing) this.set(String(criterion.id), score);
    else this.answerPanel.say(`${score} does nothing here`, "no criterion is under the cursor");
  }

  cannotJudge() {
    const criterion = this.answers?.current;
    if (criterion && this.config.allow_cannot_judge) this.set(String(criterion.id), null, "cannot_judge");
  }

  /** Integrity: nothing wrong. With findings kept, asks once before it takes them back. */
  none() {
    const answers = this.#now;
    if (!answers || this.config.ask_integrity === false) return;
    const { findings } = answers;
    if (findings.length && !this.#asked) {
      this.#asked = true;
      setTimeout(() => {
        this.#asked = false;
      }, ASK_MS);
      this.answerPanel.announce(`${this.bindings.mark("none")} again takes back ${count(findings.length, "finding")}`, "and answers: nothing wrong");
      return;
    }
    this.#asked = false;
    for (const finding of [...findings]) this.#withdraw(finding, false);
    answers.setIntegrity("none");
    this.reading.write("integrity", "PUT", "integrity/", { value: "none" });
    this.answerPanel.answered();
  }

  /** Opens the dialog for a finding. */
  finding() {
    const answers = this.#now;
    if (!answers || this.config.ask_integrity === false) return;
    this.commentDialog.close();
    this.viewing.stopCine();
    if (!this.findingDialog.open) this.#before = answers.cursor;
    answers.moveTo(INTEGRITY);
    this.answerPanel.answered();
    this.findingDialog.show(answers.findings);
    this.answerPanel.hint("Integrity", "kind, side, a word if you like, Enter");
  }

  /** No finding yet: the cursor stands where it stood before, and what was begun waits. */
  #leaveFinding() {
    if (this.#before === null) this.answers?.advance();
    else this.answers?.moveTo(this.#before);
    this.answerPanel.answered();
    if (this.findingDialog.begun) this.answerPanel.hint("Not kept yet", `${this.bindings.mark("finding")} goes on with the finding`);
  }

  /** @param {NewFinding} finding */
  #keep(finding) {
    const { answers } = this;
    if (!answers) return;
    /** @type {Finding} */
    const kept = { ...finding, id: null };
    answers.findings.push(kept);
    if (answers.integrity !== "findings") this.reading.write("integrity", "PUT", "integrity/", { value: "findings" });
    kept.key = this.reading.write("finding", "POST", "findings/", finding);
    answers.setIntegrity("findings");
    this.answerPanel.answered();
  }

  /**
   * @param {Finding} finding
   * @param {boolean} alone not as a part of the answer that nothing is wrong
   */
  #withdraw(finding, alone = true) {
    const { answers } = this;
    if (!answers) return;
    answers.findings = answers.findings.filter((each) => each !== finding);
    if (alone && answers.findings.length === 0 && !this.answerPanel.reviewing) {
      answers.setIntegrity(null);
      this.reading.write("integrity", "PUT", "integrity/", { value: "" });
    }
    this.findingDialog.list(answers.findings);
    this.#marks();
    this.answerPanel.answered();
    const known = finding.id !== null;
    this.reading.write("withdraw", "DELETE", `findings/${known ? finding.id : "{id}"}/`, null, known ? {} : { of: finding.key });
  }

  /** @param {Side} side @param {number} x @param {number} y */
  clicked(side, x, y) {
    const { shown, swapped } = this.viewing;
    if (!this.findingDialog.open || swapped || !shown) return;
    const pixel = this.viewing.pixelAt(x, y);
    if (pixel) this.findingDialog.place(side, { ...pixel, k: shown[side] });
  }

  /** Rings on the images where findings are, as long as their dialog is open. */
  #marks() {
    const { mark, open } = this.findingDialog;
    if (!open || !this.answers) return void this.instruments.mark([]);
    const kept = this.answers.findings.filter((finding) => finding.k !== null && SIDES.some((side) => side === finding.side));
    this.instruments.mark(mark ? [...kept, mark] : kept);
  }

  /** @param {Quality} value */
  diagnostic(value) {
    const answers = this.#now;
    if (!answers || this.config.ask_diagnostic === false) return;
    this.answerPanel.choosing = false;
    answers.setDiagnostic(value);
    this.reading.write("diagnostic", "PUT", "diagnostic/", { value });
    this.answerPanel.answered();
  }

  /** Diagnostic quality: not both; an arrow says which. */
  choose() {
    if (this.closed() || this.config.ask_diagnostic === false) return;
    this.answerPanel.choosing = !this.answerPanel.choosing;
    this.answerPanel.answered();
  }

  /**
   * While an answer on diagnostic quality is chosen, arrows give it.
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was one of them
   */
  choosingKey(event) {
    const [, value] = CHOICES.find(([name]) => isStroke(event, name)) ?? [];
    if (!value || this.closed()) return false;
    event.preventDefault();
    if (!event.repeat) this.diagnostic(value);
    return true;
  }

  /** The numeric pad's zero: nothing wrong first, both diagnostic then. */
  fine() {
    const missing = this.#now?.missing ?? [];
    if (missing.includes(INTEGRITY)) this.none();
    else if (missing.includes(DIAGNOSTIC)) this.diagnostic("both");
  }

  comment() {
    const answers = this.#now;
    if (!answers) return;
    if (this.findingDialog.open) this.findingDialog.leave();
    this.commentDialog.show(answers.comment);
  }

  /** @param {string} text */
  #comment(text) {
    if (!this.answers) return;
    this.answers.comment = text;
    this.reading.write("comment", "PUT", "comment/", { text });
    this.answerPanel.answered();
  }

  /** @param {string} place */
  moveTo(place) {
    const answers = this.#now;
    if (!answers || answers.cursor === place) return;
    answers.moveTo(place);
    this.answerPanel.answered();
  }

  /** @param {number} step */
  move(step) {
    const answers = this.#now;
    if (!answers) return;
    answers.move(step);
    this.answerPanel.answered();
  }

  /** Says what keeps the pair from being confirmed and goes to the first of it. */
  nameMissing() {
    const { answers } = this;
    if (!answers) return;
    const { missing } = answers;
    answers.moveTo(missing[0]);
    this.answerPanel.answered();
    const names = new Map([[INTEGRITY, "integrity"], [DIAGNOSTIC, "diagnostic quality"]]);
    const words = missing.map((place) => names.get(place) ?? answers.criterion(place)?.name);
    const rest = words.splice(4).length;
    this.answerPanel.announce(`${missing.length} to go`, words.join(", ") + (rest ? ` and ${rest} more` : ""));
  }

  clearLast() {
    const answers = this.#now;
    if (!answers) return;
    if (this.answerPanel.reviewing) return void this.answerPanel.announce("Confirmed before", "an answer can be changed, not taken back");
    const place = answers.takeLast();
    if (place === null) return;
    if (place === INTEGRITY) {
      const last = answers.findings.at(-1);
      if (last) return void this.#withdraw(last);
      answers.setIntegrity(null);
      this.reading.write("integrity", "PUT", "integrity/", { value: "" });
    } else if (place === DIAGNOSTIC) {
      answers.setDiagnostic(null);
      this.reading.write("diagnostic", "PUT", "diagnostic/", { value: "" });
    } else {
      this.set(place, null, "missing");
    }
    this.answerPanel.answered();
  }
}
