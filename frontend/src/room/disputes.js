/** Where this browser and the server differ about a pair: both are shown, the reader chooses, nothing is thrown away. */

import { count, el } from "../shared/dom.js";
import { overlay } from "./answers.js";
import { after } from "./outbox.js";
import { answer, versions } from "./versions.js";

/**
 * @import { Config, On, Write } from "../server.ts"
 * @import { Hold, Outbox } from "./outbox.js"
 * @import { Refused } from "./reading.js"
 * @import { Answer, BlockingDialog } from "./blocking_dialog.js"
 */

export class Disputes {
  /**
   * @param {Config} config
   * @param {{outbox: Outbox, blockingDialog: BlockingDialog}} parts
   */
  constructor(config, { outbox, blockingDialog }) {
    this.config = config;
    this.outbox = outbox;
    this.blockingDialog = blockingDialog;
  }

  /**
   * @param {Hold} hold `stale` or `confirmed`
   * @param {{keep: () => void, insist: () => void}} chosen
   */
  choose({ base, code, present, position }, { keep, insist }) {
    const own = this.outbox.waiting(base).filter((record) => record.what !== "time");
    const { state } = own.reduce((on, record) => after(on, record.what), /** @type {On} */ (present.on));
    const final = code === "confirmed";
    const explanation = final
      ? `It was confirmed in another window and can no longer be changed. ${count(own.length, "answer")} given here ${own.length === 1 ? "stays" : "stay"} in this browser, to be kept as a file.`
      : "It was changed in another window after you had opened it here. Nothing is overwritten until you choose; what you do not choose stays in this browser.";
    const lines = present.answers ? [table(versions(this.config, present, { ...overlay(present, own), state }))] : [];
    const kept = { key: "k", words: final ? "Go on" : "Keep what the server has", choose: keep, primary: final };
    const mine = { key: "u", words: "Use what was answered here", choose: insist };
    this.blockingDialog.ask(`choose ${base}`, final ? `Pair ${position} is confirmed` : `Two versions of pair ${position}`,
      [el("p", {}, explanation), ...lines], final ? [kept] : [kept, mine]);
  }

  /**
   * A pair that is not on screen was not confirmed.
   * @param {Refused} owed
   * @param {{go: () => void, stay: () => void}} chosen
   */
  owe({ position, detail }, { go, stay }) {
    this.blockingDialog.ask("owe", `Pair ${position} is not confirmed`,
      [el("p", {}, `Refused: ${detail}`), el("p", {}, "What you have answered since is kept here until that pair is confirmed.")],
      [{ key: "Enter", words: "Go to that pair", choose: go, primary: true }, { key: "Escape", words: "Later", choose: stay }]);
  }

  /** What the server did not accept, to be kept as a file. */
  refused() {
    const { refused } = this.outbox;
    const name = `not-accepted-${this.config.reader}.json`;
    const save = () => {
      const file = new Blob([JSON.stringify(refused, null, 1)], { type: "application/json" });
      const link = el("a", { href: URL.createObjectURL(file), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      this.#refused(refused, [{ key: "r", words: "Remove them from this browser", choose: () => this.outbox.forgetRefused() }]);
    };
    this.#refused(refused, [{ key: "f", words: "Save them as a file", choose: save, primary: true }]);
  }

  /**
   * @param {Write[]} refused
   * @param {Answer[]} answers
   */
  #refused(refused, answers) {
    const lines = refused.map((record) =>
      el("tr", {}, ...[`pair ${record.position}`, ...answer(this.config, record), record.refused ?? ""].map((words) => el("td", {}, words))));
    this.blockingDialog.ask(`refused ${answers[0].key}`, `${count(refused.length, "answer")} not accepted`,
      [el("p", {}, "They are not part of the study. They stay in this browser until you remove them."),
        el("div", { class: "scroll" }, el("table", { class: "table" }, el("tbody", {}, ...lines)))],
      [...answers, { key: "Escape", words: "Close", choose: () => {} }]);
  }
}

/** @param {ReturnType<typeof versions>} lines */
function table(lines) {
  const head = el("tr", {}, el("th", {}, ""), el("th", {}, "At the server"), el("th", {}, "Answered here"), el("th", {}, ""));
  const rows = lines.map(({ name, server, here, differs }) =>
    el("tr", { class: differs ? "differs" : null }, el("th", { scope: "row" }, name), el("td", {}, server), el("td", {}, here),
      el("td", {}, differs ? el("span", { class: "state attention" }, "differs") : null)));
  return el("table", { class: "table versions" }, el("thead", {}, head), el("tbody", {}, ...rows));
}
