/** The reader's answers about the pair on screen: what keys and clicks mean, and where each answer goes. */

import { DIAGNOSTIC, INTEGRITY } from "./answers.js";
import { count } from "./dom.js";
import { CommentPanel, FindingPanel } from "./panels.js";
import { SIDES } from "./panes.js";

const ASK_MS = 4000;

export class Desk {
  #asked = false;

  /**
   * @param {object} config of the page
   * @param {{reading: object, strip: object, viewing: object, instruments: object}} parts
   * @param {() => boolean} closed whether there is nothing to answer now
   */
  constructor(config, { reading, strip, viewing, instruments }, closed) {
    Object.assign(this, { config, reading, strip, viewing, instruments, closed });
    /** @type {import("./answers.js").Answers|null} */
    this.answers = null;
    this.findingPanel = new FindingPanel(document.getElementById("finding"), config.finding_kinds, {
      onkeep: (finding) => this.#keep(finding),
      onremove: (finding) => this.#withdraw(finding),
      onleave: () => this.strip.update(),
      onchange: () => this.#marks(),
    });
    this.commentPanel = new CommentPanel(document.getElementById("comment"), (text) => this.#comment(text));
  }

  /** A new pair's answers, or none. */
  open(answers) {
    this.answers = answers;
  }

  closePanels() {
    this.findingPanel.close();
    this.commentPanel.close();
  }

  /** Scores one criterion, or takes its score back with status `missing`. */
  set(id, score, status = "rated") {
    if (this.closed()) return;
    const rating = this.answers.rate(id, score, status);
    this.reading.write("rating", "PUT", `ratings/${id}/`, rating);
    this.strip.answered();
  }

  /** A digit: scores the criterion under the cursor. After the last criterion digits do nothing. */
  rate(score) {
    const criterion = this.answers?.current;
    if (criterion && score >= 1 && score <= 5 && !this.strip.choosing) this.set(String(criterion.id), score);
  }

  cannotJudge() {
    const criterion = this.answers?.current;
    if (criterion && this.config.allow_cannot_judge) this.set(String(criterion.id), null, "cannot_judge");
  }

  /** Integrity: nothing wrong. With findings kept, asks once before it takes them back. */
  none() {
    if (this.closed() || this.config.ask_integrity === false) return;
    const { findings } = this.answers;
    if (findings.length && !this.#asked) {
      this.#asked = true;
      setTimeout(() => {
        this.#asked = false;
      }, ASK_MS);
      this.strip.tell(`Q again takes back ${count(findings.length, "finding")}`, "and answers: nothing wrong");
      return;
    }
    this.#asked = false;
    for (const finding of [...findings]) this.#withdraw(finding, false);
    this.answers.setIntegrity("none");
    this.reading.write("integrity", "PUT", "integrity/", { value: "none" });
    this.strip.answered();
  }

  /** Opens the finding panel, with a kind where its chip was clicked. */
  finding(kind = null) {
    if (this.closed() || this.config.ask_integrity === false) return;
    this.commentPanel.close();
    this.viewing.stopCine();
    this.answers.moveTo(INTEGRITY);
    this.strip.answered();
    this.findingPanel.show(this.answers.findings, kind);
    this.strip.say("Integrity", "kind, side, a word if you like, Enter");
  }

  #keep(finding) {
    const kept = { ...finding, id: null };
    this.answers.findings.push(kept);
    if (this.answers.integrity !== "findings") this.reading.write("integrity", "PUT", "integrity/", { value: "findings" });
    kept.key = this.reading.write("finding", "POST", "findings/", finding);
    this.answers.setIntegrity("findings");
    this.strip.answered();
  }

  #withdraw(finding, alone = true) {
    const answers = this.answers;
    answers.findings = answers.findings.filter((each) => each !== finding);
    if (alone && answers.findings.length === 0 && !this.strip.reviewing) {
      answers.setIntegrity(null);
      this.reading.write("integrity", "PUT", "integrity/", { value: "" });
    }
    this.findingPanel.list(answers.findings);
    this.#marks();
    this.strip.answered();
    const known = finding.id !== null;
    this.reading.write("withdraw", "DELETE", `findings/${known ? finding.id : "{id}"}/`, null, known ? {} : { of: finding.key });
  }

  clicked(side, x, y) {
    if (!this.findingPanel.open || this.viewing.swapped) return;
    const pixel = this.viewing.pixelAt(x, y);
    if (pixel) this.findingPanel.place(side, { ...pixel, k: this.viewing.shown[side] });
  }

  /** Rings on the images where findings are, as long as their panel is open. */
  #marks() {
    const { mark, open } = this.findingPanel;
    if (!open) return void this.instruments.mark([]);
    const kept = this.answers.findings.filter((finding) => finding.k !== null && SIDES.includes(finding.side));
    this.instruments.mark(mark ? [...kept, { ...mark, side: mark.marked }] : kept);
  }

  diagnostic(value) {
    if (this.closed() || this.config.ask_diagnostic === false) return;
    this.strip.choosing = false;
    this.answers.setDiagnostic(value);
    this.reading.write("diagnostic", "PUT", "diagnostic/", { value });
    this.strip.answered();
  }

  /** Diagnostic quality: not both; an arrow says which. */
  choose() {
    if (this.closed() || this.config.ask_diagnostic === false) return;
    this.strip.choosing = !this.strip.choosing;
    this.strip.answered();
  }

  /** The numeric pad's zero: nothing wrong first, both diagnostic then. */
  fine() {
    if (this.closed()) return;
    const { missing } = this.answers;
    if (missing.includes(INTEGRITY)) this.none();
    else if (missing.includes(DIAGNOSTIC)) this.diagnostic("both");
  }

  comment() {
    if (this.closed()) return;
    this.findingPanel.close();
    this.commentPanel.show(this.answers.comment);
  }

  #comment(text) {
    this.answers.comment = text;
    this.reading.write("comment", "PUT", "comment/", { text });
    this.strip.answered();
  }

  moveTo(place) {
    if (this.closed() || this.answers.cursor === place) return;
    this.answers.moveTo(place);
    this.strip.answered();
  }

  move(step) {
    if (this.closed()) return;
    if (this.strip.choosing) return void this.diagnostic(step < 0 ? "left" : "right");
    this.answers.move(step);
    this.strip.answered();
  }

  /** ↑ and ↓ scroll; while an answer on diagnostic quality is chosen, ↓ means neither. */
  scroll(step) {
    if (this.strip.choosing && step === 1) this.diagnostic("neither");
    else {
      this.viewing.stopCine();
      this.viewing.scroll(step);
    }
  }

  /** Says what keeps the pair from being confirmed and goes to the first of it. */
  nameMissing() {
    const { answers } = this;
    const { missing } = answers;
    answers.moveTo(missing[0]);
    this.strip.answered();
    const names = { [INTEGRITY]: "integrity", [DIAGNOSTIC]: "diagnostic quality" };
    const words = missing.map((place) => names[place] ?? answers.criterion(place).name);
    const rest = words.splice(4).length;
    this.strip.tell(`${missing.length} to go`, words.join(", ") + (rest ? ` and ${rest} more` : ""));
  }

  clearLast() {
    if (this.closed()) return;
    if (this.strip.reviewing) return void this.strip.tell("Confirmed before", "an answer can be changed, not taken back");
    const place = this.answers.takeLast();
    if (place === null) return;
    if (place === INTEGRITY) {
      const last = this.answers.findings.at(-1);
      if (last) return void this.#withdraw(last);
      this.answers.setIntegrity(null);
      this.reading.write("integrity", "PUT", "integrity/", { value: "" });
    } else if (place === DIAGNOSTIC) {
      this.answers.setDiagnostic(null);
      this.reading.write("diagnostic", "PUT", "diagnostic/", { value: "" });
    } else {
      this.set(place, null, "missing");
    }
    this.strip.answered();
  }
}
