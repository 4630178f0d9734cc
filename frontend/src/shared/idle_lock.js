/**
 * Locks a page that nobody touches: a sheet over it asks for the password, or a code, of the person who was there.
 * Nothing on the page goes: answers on their way stay kept, a text half typed is there again afterwards.
 */

import { csrfToken } from "./csrf.js";
import { el } from "./dom.js";

/** What a script says when the site answers that the session is locked. */
export const LOCKED_ELSEWHERE = "session-locked";
/** What this script says when the page goes on. */
export const UNLOCKED = "session-unlocked";
const INPUT = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];
/** How often the site is told that somebody is there, at most; how often other tabs are. */
const TELL_SITE_MS = 60_000;
const TELL_TABS_MS = 2_000;

/**
 * @typedef {object} Parts
 * @property {number} seconds until the page is locked
 * @property {string} user who may go on
 * @property {string} lock
 * @property {string} unlock
 * @property {string} here
 * @property {string} login addresses
 * @property {typeof fetch} [send]
 * @property {() => number} [now]
 */

export class IdleLock {
  #parts;
  #send;
  #now;
  #dialog;
  #said;
  #input;
  #last;
  #toldSite;
  #toldTabs = 0;
  #tabs = new BroadcastChannel("somebody-is-there");

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#send = parts.send ?? fetch.bind(globalThis);
    this.#now = parts.now ?? Date.now;
    this.#last = this.#toldSite = this.#now();
    this.#input = el("input", { class: "input", type: "password", name: "password", autocomplete: "current-password", required: true });
    this.#said = el("p", { class: "note bad", role: "alert", hidden: true });
    const form = el("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      el("h1", {}, "Locked"),
      el("p", {}, `Nobody touched this page for a while. ${parts.user} is signed in; everything is kept as it is.`),
      this.#said,
      el("label", { class: "field" }, el("span", {}, `Password of ${parts.user}, or a code of the app`), this.#input),
      el("div", { class: "row" }, el("button", { class: "btn primary" }, "Go on"),
        el("a", { class: "btn", href: parts.login, target: "_blank", rel: "noopener" }, "Sign in in a new tab")));
    this.#dialog = el("dialog", { class: "lock card roomy", "aria-label": "Locked", oncancel: (/** @type {Event} */ event) => event.preventDefault() }, form);
    // The keys of the page below must not hear what is typed here.
    for (const name of ["keydown", "keyup", "keypress"]) this.#dialog.addEventListener(name, (event) => event.stopPropagation());
    this.#tabs.onmessage = ({ data }) => this.#heard(data);
  }

  get locked() {
    return this.#dialog.open;
  }

  /** Begins to watch the page. */
  watch() {
    for (const name of INPUT) addEventListener(name, () => this.touched(), { capture: true, passive: true });
    addEventListener(LOCKED_ELSEWHERE, () => this.show());
    addEventListener("focus", () => this.#ask());
    setInterval(() => this.look(), 1000);
  }

  /** Somebody has moved, typed or scrolled. */
  touched() {
    if (this.locked) return;
    const now = this.#now();
    if (this.#late(now)) return; // the clock was asleep: look first
    this.#last = now;
    if (now - this.#toldTabs > TELL_TABS_MS) {
      this.#toldTabs = now;
      this.#tabs.postMessage("touched");
    }
    if (now - this.#toldSite > TELL_SITE_MS) {
      this.#toldSite = now;
      this.#post(this.#parts.here).catch(() => {});
    }
  }

  /** @param {number} now */
  #late(now) {
    return now - this.#last >= this.#parts.seconds * 1000;
  }

  /** Locks if it is time. */
  look() {
    if (this.locked || !this.#late(this.#now())) return;
    this.#post(this.#parts.lock).catch(() => {}); // without a connection the site locks by itself
    this.#tabs.postMessage("locked");
    this.show();
  }

  show() {
    if (this.locked) return;
    this.#input.value = "";
    this.#said.hidden = true;
    document.body.classList.add("locked");
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#input.focus();
  }

  #hide() {
    this.#last = this.#toldSite = this.#now();
    document.body.classList.remove("locked");
    this.#dialog.close();
    this.#dialog.remove();
    dispatchEvent(new Event(UNLOCKED));
  }

  /** @param {unknown} said by another tab */
  #heard(said) {
    if (said === "touched" && !this.locked) this.#last = this.#now();
    if (said === "locked") this.show();
    if (said === `unlocked ${this.#parts.user}` && this.locked) this.#hide();
  }

  /** Coming back from another tab: the session may be open again, if the same person has proved it there. */
  async #ask() {
    if (!this.locked) return;
    const answer = await this.#post(this.#parts.here, { user: this.#parts.user }).catch(() => null);
    if (answer?.ok && this.locked) this.#hide();
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const said = await this.#unlock().catch(() => "There is no connection. Try again when there is one.");
    this.#said.textContent = said;
    this.#said.hidden = !said;
    if (said) {
      this.#input.select();
      return;
    }
    this.#tabs.postMessage(`unlocked ${this.#parts.user}`);
    this.#hide();
  }

  /** @returns {Promise<string>} what is wrong; empty if nothing is */
  async #unlock() {
    const answer = await this.#post(this.#parts.unlock, { password: this.#input.value, user: this.#parts.user });
    if (answer.ok) return "";
    if (answer.status === 429) return "There were too many wrong passwords. Wait a few minutes, then try again.";
    const body = await answer.json().catch(() => ({}));
    return body.detail ?? "The session has ended. Sign in in a new tab, then go on here.";
  }

  /**
   * @param {string} address
   * @param {Record<string, string>} [fields]
   */
  #post(address, fields = {}) {
    const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
    return this.#send(address, { method: "POST", headers, body: new URLSearchParams(fields), redirect: "manual" });
  }
}
