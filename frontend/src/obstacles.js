/** What stands in the way of reading, and the way round it: connection, session, closed study, another tab. */

import { count, el } from "./dom.js";
import { button, Cover } from "./screens.js";

const QUIET_MS = 300;

export class Obstacles {
  #saving = 0;

  /**
   * @param {object} config of the page
   * @param {{outbox: object, strip: object}} parts
   * @param {{onoffline: () => void, reload: () => void}} actions
   */
  constructor(config, { outbox, strip }, actions) {
    Object.assign(this, { config, outbox, strip, actions });
    this.cover = new Cover(document.getElementById("cover"));
    outbox.onchange = () => this.#saved();
    outbox.onrefused = (error) => this.#refused(error);
  }

  /** The server answers again. */
  gone() {
    this.cover.hide("expired");
    this.cover.hide("stopped");
  }

  #saved() {
    const { state, kept, empty, refused, detail } = this.outbox;
    clearTimeout(this.#saving);
    this.strip.kept(kept);
    if (state === "ok") {
      this.gone();
      if (empty) this.strip.save("saved", refused ? `saved · ${refused} not accepted` : "saved");
      else this.#saving = setTimeout(() => this.strip.save("saving", "saving"), QUIET_MS);
      return;
    }
    const why = state === "offline" ? "offline" : "not saved";
    this.strip.save("offline", kept ? `${why} · ${kept} kept here` : why);
    if (state === "expired") this.expired(() => this.outbox.retry());
    if (state === "conflict") this.stopped(detail);
    if (state === "offline") this.actions.onoffline();
  }

  #refused(error) {
    if (error.body.code === "confirmed") {
      this.strip.tell("This pair is confirmed", "it was confirmed in another place; here is the next one");
      this.actions.reload();
    } else if (error.status !== 422) {
      this.strip.tell("Not accepted", error.message);
    }
  }

  #kept() {
    const { kept } = this.outbox;
    return kept ? ` ${count(kept, "answer")} kept in this browser.` : " Nothing is lost.";
  }

  /** The session has ended: sign in in another tab, then `retry`. */
  expired(retry) {
    const again = () => {
      removeEventListener("focus", again);
      retry();
    };
    // Coming back from the tab with the sign-in is the usual moment to try again.
    addEventListener("focus", again);
    this.cover.show("expired", "Your session has ended", `Sign in again and go on where you are.${this.#kept()}`,
      el("a", { class: "btn primary", href: this.config.login, target: "_blank", rel: "noopener" }, "Sign in in a new tab"),
      button("Try again", again));
  }

  /** The server takes nothing now, and says why. */
  stopped(sentence) {
    const again = () => {
      this.cover.hide("stopped");
      if (this.outbox.empty) this.actions.reload();
      else this.outbox.retry();
    };
    this.cover.show("stopped", "Reading has stopped", `${sentence}${this.#kept()}`, button("Try again", again, true),
      el("a", { class: "btn", href: this.config.home }, "To your home page"));
  }

  /** The frames of a pair cannot be had. */
  imagesFailed(reason, retry) {
    const again = () => {
      this.cover.hide("failed");
      retry();
    };
    this.cover.show("failed", "These images did not load", reason, button("Try again", again, true));
  }

  /** A newer tab has taken over. */
  elsewhere() {
    this.outbox.stop();
    this.cover.show("elsewhere", "This reading goes on in another tab",
      "Only one tab reads at a time, so that no answer is given twice.",
      button("Read here instead", () => location.reload(), true));
  }
}
