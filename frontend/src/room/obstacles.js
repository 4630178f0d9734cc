/** What stands in the way of reading, and the way round it: connection, session, another reader, closed study, another tab. */

import { byId, count, el } from "../shared/dom.js";
import { UNLOCKED } from "../shared/idle_lock.js";
import { BlockingDialog, button } from "./blocking_dialog.js";

/**
 * @import { Config, Refusal } from "../server.ts"
 * @import { ApiError } from "./api.js"
 * @import { Outbox } from "./outbox.js"
 * @import { AnswerPanel } from "./answer_panel.js"
 */

const QUIET_MS = 300;
const POLL_MS = 4000;

export class Obstacles {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #saving;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #polling;
  #accepted = 0;
  #again = () => {};

  /**
   * @param {Config} config
   * @param {{outbox: Outbox, answerPanel: AnswerPanel}} parts
   * @param {{onoffline: () => void}} actions
   */
  constructor(config, { outbox, answerPanel }, actions) {
    this.config = config;
    this.outbox = outbox;
    this.answerPanel = answerPanel;
    this.actions = actions;
    this.blockingDialog = new BlockingDialog(byId("cover"));
    outbox.onchange = () => this.#saved();
    // Coming back from the tab with the sign-in, or past the lock, is the usual moment to try again.
    const back = () => {
      if (this.#polling !== undefined) this.#again();
    };
    addEventListener("focus", back);
    addEventListener(UNLOCKED, back);
  }

  /** The server answers again. */
  gone() {
    clearInterval(this.#polling);
    this.#polling = undefined;
    for (const name of ["expired", "other_reader", "not_open", "refused"]) this.blockingDialog.hide(name);
  }

  #saved() {
    const { state, kept, empty, refused, said, accepted } = this.outbox;
    clearTimeout(this.#saving);
    this.answerPanel.kept(kept, refused.length);
    if (state === "ok") {
      if (accepted !== this.#accepted) this.gone();
      this.#accepted = accepted;
      if (empty) this.answerPanel.save("saved", "saved");
      else if (this.outbox.stuck) this.answerPanel.save("offline", `${kept} kept here`);
      else this.#saving = setTimeout(() => this.answerPanel.save("saving", "saving"), QUIET_MS);
      return;
    }
    const why = state === "offline" ? "offline" : "not saved";
    this.answerPanel.save("offline", kept ? `${why} · ${kept} kept here` : why);
    if (state === "offline") this.actions.onoffline();
    else this.show(state, said, () => this.outbox.retry());
  }

  /**
   * @param {ApiError} error of something that was to be read
   * @param {() => void} again
   */
  met(error, again) {
    const { code } = error.body;
    const known = code === "not_open" || code === "other_reader";
    const name = error.kind === "conflict" && known ? code : error.kind;
    this.show(name, error.body, again);
  }

  #kept() {
    const { kept } = this.outbox;
    return kept ? `${count(kept, "answer")} kept in this browser.` : "Nothing is lost.";
  }

  /**
   * Says what stands in the way, and tries again now and then without a word.
   * @param {string} name
   * @param {Refusal} said
   * @param {() => void} again
   */
  show(name, said, again) {
    const { login, home, reader } = this.config;
    const kept = this.#kept();
    const retry = button("Try again", again);
    /** @param {string} words @param {string} href */
    const link = (words, href, primary = false) =>
      el("a", { class: primary ? "btn primary" : "btn", href, target: "_blank", rel: "noopener" }, words);
    this.#again = again;
    clearInterval(this.#polling);
    this.#polling = setInterval(again, POLL_MS);
    if (said.code === "unlock") return; // the sheet over the page says so
    if (name === "expired") {
      this.blockingDialog.show(name, "Your session has ended", `${kept} Sign in again in a new tab; this page then goes on where you are.`,
        link("Sign in in a new tab", login, true), retry);
    } else if (name === "other_reader") {
      this.blockingDialog.show(name, "Somebody else has signed in",
        `This page reads as ${reader}. ${kept} When ${reader} signs in again, in another tab of this browser, it goes on where you are.`,
        link("Open the site in a new tab", home, true), retry);
    } else if (name === "not_open") {
      const state = ["paused", "closed", "locked"].find((each) => each === said.state);
      const then = said.state === "locked" || said.state === "closed"
        ? "It takes no answers any more. Tell the study's admin what is still kept here."
        : "This page goes on by itself when reading is opened again.";
      this.blockingDialog.show(name, state ? `The study is ${state}` : "Reading has stopped", `${kept} ${then}`, retry,
        el("a", { class: "btn", href: home }, "To your home page"));
    } else {
      this.blockingDialog.show("refused", "Reading has stopped", `${said.detail ?? "The server does not know this page."} ${kept}`, retry,
        el("a", { class: "btn", href: home }, "To your home page"));
    }
  }

  /**
   * The frames of a pair cannot be had.
   * @param {string} reason
   * @param {() => void} retry
   */
  imagesFailed(reason, retry) {
    const again = () => {
      this.blockingDialog.hide("failed");
      retry();
    };
    this.blockingDialog.show("failed", "These images did not load", reason, button("Try again", again, true));
  }

  /** A newer tab has taken over. */
  elsewhere() {
    this.blockingDialog.show("elsewhere", "This reading goes on in another tab",
      "Only one tab reads at a time, so that no answer is given twice.",
      button("Read here instead", () => location.reload(), true));
  }
}
