/** The reading room: one pair after the other, each answer sent as it is given. */

import { Answers, DIAGNOSTIC, INTEGRITY, overlay } from "./answers.js";
import { ApiError, newKey, request } from "./api.js";
import { Clock } from "./clock.js";
import { count, say } from "./dom.js";
import { Stacks } from "./frames.js";
import { Instruments } from "./instruments.js";
import * as keyboard from "./keys.js";
import * as mouse from "./mouse.js";
import { Outbox } from "./outbox.js";
import { CommentPanel, FindingPanel } from "./panels.js";
import { Panes, SIDES } from "./panes.js";
import { button, calm, Cover } from "./screens.js";
import { Seam } from "./seam.js";
import { Strip } from "./strip.js";
import { claim } from "./tabs.js";
import { PRESETS, Viewing } from "./view.js";

/** After a new pair, keys that were meant for the one before must not confirm it. */
const DEAF_MS = 400;
const QUIET_MS = 300;
const REPORT_MS = 30_000;
const RETRY_MS = 3000;
/** Requests at once for the pair on screen, and for the one after it. */
const WIDTH = { now: 4, ahead: 2 };

const byId = (id) => document.getElementById(id);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class Room {
  #body = null;
  #answers = null;
  #stacks = null;
  #ahead = null;
  #paintedAt = 0;
  #confirming = false;
  #saving = 0;
  #waiting = 0;
  #visited = [];
  #opening = 0;
  #asked = false;

  /** @param {object} config of the page */
  constructor(config) {
    this.config = config;
    this.panes = Object.fromEntries(SIDES.map((side) => [side, byId(`pane-${side}`)]));
    this.outbox = new Outbox();
    this.clock = new Clock();
    this.cover = new Cover(byId("cover"));
    const views = Object.fromEntries(SIDES.map((side) => [side, this.panes[side].querySelector(".view")]));
    this.canvas = new Panes(views, { onpaint: () => this.#painted(), onresize: () => this.viewing.look() });
    this.viewing = new Viewing(this.canvas, () => this.#looked());
    this.instruments = new Instruments(this.panes, this.viewing);
    this.seam = new Seam(byId("seam"), {
      onlink: () => this.viewing.toggleLink(),
      ongoto: (index, side) => this.viewing.goTo(index, side),
    });
    this.strip = new Strip(byId("strip"), config, {
      rate: (id, score) => this.#rate(id, score, "rated"),
      moveTo: (place) => this.#moveTo(place),
      none: () => this.none(),
      finding: (kind) => this.finding(kind),
      diagnostic: (value) => this.diagnostic(value),
      comment: () => this.comment(),
      confirm: () => this.confirm(),
      keys: () => this.keys(),
    });
    this.findingPanel = new FindingPanel(byId("finding"), config.finding_kinds, {
      onkeep: (finding) => this.#keep(finding),
      onremove: (finding) => this.#withdraw(finding),
      onleave: () => this.strip.update(),
      onchange: () => this.#marks(),
    });
    this.commentPanel = new CommentPanel(byId("comment"), (text) => this.#comment(text));
    mouse.listen(this.panes, this.viewing, {
      onclick: (side, x, y) => this.#clicked(side, x, y),
      onlarge: (side) => this.#large(side),
      tool: () => this.instruments.tool,
      onhover: (side, x, y) => this.instruments.hover(x, y),
    });
    keyboard.listen(this, () => this.#topLayer());
    this.outbox.onchange = () => this.#saved();
    this.outbox.onrefused = (error) => this.#refused(error);
    setInterval(() => this.#reportTime(), REPORT_MS);
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.#reportTime());
    byId("keys").addEventListener("click", () => this.keys());
  }

  /** Takes over from other tabs, sends what an earlier page left, and shows the current pair. */
  async start() {
    claim(this.config.base, () => this.#elsewhere());
    this.#wait("loading both images");
    await this.outbox.start();
    await this.outbox.settled();
    await this.load("current/");
  }

  /** Whether keys have nothing to act on: no pair, nothing painted, or a confirmation under way. */
  get closed() {
    return this.#answers === null || this.#paintedAt === 0 || this.#confirming;
  }

  // -- pairs ---------------------------------------------------------------------------------------------------

  /** Fetches a presentation (or `current/`) until there is one, and shows it. */
  async load(path) {
    this.#opening += 1;
    const mine = this.#opening;
    while (mine === this.#opening) {
      try {
        const body = await request("GET", this.config.base + path);
        if (mine !== this.#opening) return;
        this.cover.hide("expired");
        this.cover.hide("stopped");
        this.present(body);
        return;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.kind === "offline") this.#wait("no connection, trying again");
        else if (error.kind === "expired") this.#expired(() => this.load(path));
        else return void this.#stopped(error.message);
        if (error.kind === "expired") return;
        await pause(RETRY_MS);
      }
    }
  }

  /** @param {object} body a presentation, a break or the end */
  present(body) {
    this.#confirming = false;
    if (body.finished || body.break) {
      this.#rest(body.break ?? body);
      return;
    }
    if (!body.geometry) {
      // The worker still prepares this pair.
      this.#leave();
      this.#wait("these images are being prepared");
      setTimeout(() => this.load("current/"), RETRY_MS);
      return;
    }
    const ahead = this.#ahead?.token === body.token ? this.#ahead.stacks : null;
    if (!ahead) this.#ahead?.stacks?.stop();
    this.#ahead = null;
    this.#leave();
    this.#open(body, ahead ?? new Stacks(`${this.config.base}${body.token}/`, body));
  }

  /** Both panes black; nothing of the pair before is left. */
  #leave() {
    this.clock.run(false);
    this.#paintedAt = 0;
    for (const side of SIDES) {
      this.panes[side].classList.add("blank");
      this.panes[side].dataset.ready = "false";
    }
    this.findingPanel.close();
    this.commentPanel.close();
    this.instruments.clear();
    this.viewing.close();
    this.#stacks?.stop();
    this.#stacks = null;
    this.#large(null);
  }

  #open(body, stacks) {
    this.#opening += 1;
    this.#body = overlay(body, this.outbox.waiting(`${this.config.base}${body.token}/`));
    this.#answers = new Answers(this.config, this.#body);
    this.#stacks = stacks;
    byId("calm").hidden = byId("calm-top").hidden = true;
    document.body.classList.add("reading");
    const letters = body.geometry.letters ?? {};
    for (const side of SIDES) {
      for (const edge of ["w", "e", "n", "s"]) say(this.panes[side].querySelector(`.o.${edge}`), letters[edge] ?? "");
    }
    this.strip.open(this.#body, this.#answers);
    this.#wait("loading both images", QUIET_MS);
    stacks.onslice = () => {
      this.viewing.arrived();
      if (stacks.complete) this.#lookAhead();
    };
    stacks.onerror = (error) => this.#imagesFailed(error, stacks);
    this.viewing.open(stacks);
    stacks.load(WIDTH.now);
    if (stacks.complete) this.#lookAhead();
  }

  /** Both sides are on screen, in the same animation frame. */
  #painted() {
    const { shown } = this.viewing;
    if (!shown || !this.#stacks) return;
    for (const side of SIDES) {
      const pane = this.panes[side];
      pane.classList.remove("blank");
      pane.dataset.ready = "true";
      pane.dataset.slice = String(shown[side]);
      pane.setAttribute("aria-label", `${side} image, slice ${shown[side] + 1} of ${this.viewing.slices}`);
    }
    if (this.#paintedAt === 0) {
      this.#paintedAt = performance.now();
      this.#hush();
      this.clock.run(true);
    }
    this.viewing.painted();
    this.instruments.draw();
  }

  /** Something about the view changed. */
  #looked() {
    if (!this.viewing) return;
    this.seam.update(this.viewing);
    this.strip.readout(this.viewing);
    for (const side of SIDES) {
      this.#name(side);
      this.panes[side].classList.toggle("cine", this.viewing.cine);
    }
    const { left, right } = this.viewing.unseen;
    const unseen = left === right ? `${count(left, "slice")} unseen` : `unseen: ${left} left, ${right} right`;
    const words = left + right > 0 && this.#paintedAt ? unseen : null;
    if (words !== this.strip.unseen) {
      this.strip.unseen = words;
      this.strip.update();
    }
  }

  /** Says which image a pane shows where its place does not: enlarged, or swapped for the other. */
  #name(side) {
    const node = this.panes[side].querySelector(".here");
    const swapped = this.viewing.swapped === side;
    const other = SIDES.find((each) => each !== side);
    node.hidden = !swapped && !this.panes[side].classList.contains("front");
    say(node, swapped ? `${other} image here` : `${side} image`);
  }

  /** Fetches the pair after this one while this one is being rated. */
  async #lookAhead() {
    const token = this.#body?.next;
    if (!token || this.#ahead?.token === token) return;
    const ahead = { token, body: null, stacks: null };
    this.#ahead = ahead;
    try {
      ahead.body = await request("GET", `${this.config.base}${token}/`);
      if (this.#ahead !== ahead || !ahead.body.geometry) return;
      ahead.stacks = new Stacks(`${this.config.base}${token}/`, ahead.body);
      ahead.stacks.load(WIDTH.ahead);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.#ahead === ahead) this.#ahead = null;
    }
  }

  #imagesFailed(error, stacks) {
    if (stacks !== this.#stacks) return;
    if (error.kind === "expired") {
      this.#expired(() => stacks.load(WIDTH.now));
      return;
    }
    const again = () => {
      this.cover.hide("failed");
      if (stacks === this.#stacks) stacks.load(WIDTH.now);
    };
    if (this.#paintedAt === 0 && error.status) {
      const reason = error.status >= 500 ? `The server could not send them (${error.status}).` : error.message;
      this.cover.show("failed", "These images did not load", reason, button("Try again", again, true));
      return;
    }
    if (this.#paintedAt === 0) this.#wait("no connection, trying again");
    setTimeout(again, RETRY_MS);
  }

  // -- answers -------------------------------------------------------------------------------------------------

  #send(what, method, path, body) {
    const base = `${this.config.base}${this.#body.token}/`;
    return this.outbox.put({ base, what, method, path, body: { ...body, key: newKey() } });
  }

  #rate(id, score, status) {
    if (this.closed) return;
    const rating = this.#answers.rate(id, score, status);
    this.#send("rating", "PUT", `ratings/${id}/`, rating);
    this.strip.answered();
  }

  /** A digit: scores the criterion under the cursor. After the last criterion digits do nothing. */
  rate(score) {
    const criterion = this.#answers?.current;
    if (criterion && score >= 1 && score <= 5 && !this.strip.choosing) this.#rate(String(criterion.id), score, "rated");
  }

  cannotJudge() {
    const criterion = this.#answers?.current;
    if (criterion && this.config.allow_cannot_judge) this.#rate(String(criterion.id), null, "cannot_judge");
  }

  /** Integrity: nothing wrong. With findings kept, asks once before it takes them back. */
  none() {
    if (this.closed || this.config.ask_integrity === false) return;
    const { findings } = this.#answers;
    if (findings.length && !this.#asked) {
      this.#asked = true;
      setTimeout(() => {
        this.#asked = false;
      }, 4000);
      this.strip.tell(`Q again takes back ${count(findings.length, "finding")}`, "and answers: nothing wrong");
      return;
    }
    this.#asked = false;
    for (const finding of [...findings]) this.#withdraw(finding, false);
    this.#answers.setIntegrity("none");
    this.#send("integrity", "PUT", "integrity/", { value: "none" });
    this.strip.answered();
  }

  /** Opens the finding panel, with a kind where its chip was clicked. */
  finding(kind = null) {
    if (this.closed || this.config.ask_integrity === false) return;
    this.commentPanel.close();
    this.viewing.stopCine();
    this.#answers.moveTo(INTEGRITY);
    this.strip.answered();
    this.findingPanel.show(this.#answers.findings, kind);
    this.strip.say("Integrity", "kind, side, a word if you like, Enter");
  }

  #keep(finding) {
    const kept = { ...finding, id: null };
    this.#answers.findings.push(kept);
    if (this.#answers.integrity !== "findings") this.#send("integrity", "PUT", "integrity/", { value: "findings" });
    kept.posted = this.#send("finding", "POST", "findings/", finding).then(({ id }) => {
      kept.id = id;
    });
    kept.posted.catch(() => {});
    this.#answers.setIntegrity("findings");
    this.strip.answered();
  }

  async #withdraw(finding, alone = true) {
    const answers = this.#answers;
    answers.findings = answers.findings.filter((each) => each !== finding);
    if (alone && answers.findings.length === 0) {
      answers.setIntegrity(null);
      this.#send("integrity", "PUT", "integrity/", { value: "" });
    }
    this.findingPanel.list(answers.findings);
    this.#marks();
    this.strip.answered();
    const base = `${this.config.base}${this.#body.token}/`;
    await finding.posted;
    if (finding.id === null) return;
    const key = newKey();
    this.outbox.put({ base, what: "withdraw", method: "DELETE", path: `findings/${finding.id}/?key=${key}`, body: null });
  }

  #clicked(side, x, y) {
    if (!this.findingPanel.open || this.viewing.swapped) return;
    const pixel = this.viewing.pixelAt(x, y);
    if (pixel) this.findingPanel.place(side, { ...pixel, k: this.viewing.shown[side] });
  }

  /** Rings on the images where findings are, as long as their panel is open. */
  #marks() {
    const { mark, open } = this.findingPanel;
    if (!open) return void this.instruments.mark([]);
    const kept = this.#answers.findings.filter((finding) => finding.k !== null && SIDES.includes(finding.side));
    this.instruments.mark(mark ? [...kept, { ...mark, side: mark.marked }] : kept);
  }

  diagnostic(value) {
    if (this.closed || this.config.ask_diagnostic === false) return;
    this.strip.choosing = false;
    this.#answers.setDiagnostic(value);
    this.#send("diagnostic", "PUT", "diagnostic/", { value });
    this.strip.answered();
  }

  /** Diagnostic quality: not both; an arrow says which. */
  choose() {
    if (this.closed || this.config.ask_diagnostic === false) return;
    this.strip.choosing = !this.strip.choosing;
    this.strip.answered();
  }

  /** The numeric pad's zero: nothing wrong first, both diagnostic then. */
  fine() {
    if (this.closed) return;
    const { missing } = this.#answers;
    if (missing.includes(INTEGRITY)) this.none();
    else if (missing.includes(DIAGNOSTIC)) this.diagnostic("both");
  }

  comment() {
    if (this.closed) return;
    this.findingPanel.close();
    this.commentPanel.show(this.#answers.comment);
  }

  #comment(text) {
    this.#answers.comment = text;
    this.#send("comment", "PUT", "comment/", { text });
    this.strip.answered();
  }

  #moveTo(place) {
    if (this.closed || this.#answers.cursor === place) return;
    this.#answers.moveTo(place);
    this.strip.answered();
  }

  move(step) {
    if (this.closed) return;
    if (this.strip.choosing) return void this.diagnostic(step < 0 ? "left" : "right");
    this.#answers.move(step);
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

  clearLast() {
    if (this.closed) return;
    const place = this.#answers.takeLast();
    if (place === null) return;
    if (place === INTEGRITY) {
      const last = this.#answers.findings.at(-1);
      if (last) return void this.#withdraw(last);
      this.#answers.setIntegrity(null);
      this.#send("integrity", "PUT", "integrity/", { value: "" });
    } else if (place === DIAGNOSTIC) {
      this.#answers.setDiagnostic(null);
      this.#send("diagnostic", "PUT", "diagnostic/", { value: "" });
    } else {
      this.#rate(place, null, "missing");
    }
    this.strip.answered();
  }

  // -- confirming ----------------------------------------------------------------------------------------------

  async confirm() {
    if (this.closed || performance.now() - this.#paintedAt < DEAF_MS) return;
    const answers = this.#answers;
    if (this.strip.reviewing) {
      this.#reportTime();
      await this.load("current/");
      return;
    }
    const { missing } = answers;
    if (missing.length) {
      answers.moveTo(missing[0]);
      this.strip.answered();
      const names = { [INTEGRITY]: "integrity", [DIAGNOSTIC]: "diagnostic quality" };
      const words = missing.map((place) => names[place] ?? answers.criterion(place).name);
      const rest = words.splice(4).length;
      this.strip.tell(`${missing.length} to go`, words.join(", ") + (rest ? ` and ${rest} more` : ""));
      return;
    }
    if (this.strip.unseen) {
      this.strip.tell("Scroll the rest", this.strip.unseen);
      return;
    }
    this.#reportTime();
    const { left, right } = this.viewing.seen;
    const body = this.#body;
    this.#visited.push(body.token);
    const confirmed = this.#send("confirm", "POST", "confirm/", { seen: { left: left.size, right: right.size } });
    this.#confirming = true;
    confirmed.then(
      (next) => this.#confirmed(body, next),
      (error) => this.#notConfirmed(body, error),
    );
    this.#goOnAlone();
  }

  /** The server has it: `next` is the pair to show, unless that is on screen already. */
  #confirmed(body, next) {
    if (this.#body === body || this.#body?.token !== next.token) {
      this.present(next);
    } else {
      this.#body.next = next.next;
      if (this.#stacks?.complete) this.#lookAhead();
    }
  }

  #notConfirmed(body, error) {
    this.#confirming = false;
    if (error.status !== 422 || this.#body !== body) return void this.load("current/");
    this.strip.tell("Not confirmed", (error.body.missing ?? []).join(", ") || error.message);
    this.strip.update();
  }

  /** Without a connection the pair fetched ahead can be read; its answers wait behind this confirmation. */
  #goOnAlone() {
    if (!this.#confirming || this.outbox.state !== "offline") return;
    if (this.#ahead?.stacks?.complete) this.present({ ...this.#ahead.body, previous: null });
    else this.strip.tell("No connection", "confirmed here; the next pair comes when the connection returns");
  }

  /** The pair before, where the protocol allows it. */
  async back() {
    if (this.closed) return;
    if (!this.config.allow_back) return void this.strip.tell("No way back", "this protocol takes answers as final");
    const token = this.#body.previous ?? this.#visited.at(-1);
    if (!token || token === this.#body.token) return void this.strip.tell("This is the first pair");
    this.#reportTime();
    await this.outbox.settled();
    await this.load(`${token}/`);
  }

  #reportTime() {
    if (!this.#body) return;
    const seconds = this.clock.take();
    if (seconds > 0) this.#send("time", "POST", "time/", { seconds });
  }

  // -- what stands in the way ----------------------------------------------------------------------------------

  #saved() {
    const { state, kept, empty, refused, detail } = this.outbox;
    clearTimeout(this.#saving);
    this.strip.kept(kept);
    if (state === "ok") {
      this.cover.hide("expired");
      this.cover.hide("stopped");
      const saved = () => this.strip.save("saved", refused ? `saved · ${refused} not accepted` : "saved");
      if (empty) saved();
      else this.#saving = setTimeout(() => this.strip.save("saving", "saving"), QUIET_MS);
      return;
    }
    const why = state === "offline" ? "offline" : "not saved";
    this.strip.save("offline", kept ? `${why} · ${kept} kept here` : why);
    if (state === "expired") this.#expired(() => this.outbox.retry());
    if (state === "conflict") this.#stopped(detail);
    if (state === "offline") this.#goOnAlone();
  }

  #refused(error) {
    if (error.body.code === "confirmed") {
      this.strip.tell("This pair is confirmed", "it was confirmed in another place; here is the next one");
      this.load("current/");
    } else if (error.status !== 422) {
      this.strip.tell("Not accepted", error.message);
    }
  }

  #kept() {
    const { kept } = this.outbox;
    return kept ? ` ${count(kept, "answer")} kept in this browser.` : " Nothing is lost.";
  }

  #expired(retry) {
    const link = document.createElement("a");
    Object.assign(link, { className: "btn primary", href: this.config.login ?? "/", target: "_blank", rel: "noopener" });
    link.textContent = "Sign in in a new tab";
    const again = () => {
      removeEventListener("focus", again);
      retry();
    };
    // Coming back from the tab with the sign-in is the usual moment to try again.
    addEventListener("focus", again);
    this.cover.show("expired", "Your session has ended", `Sign in again and go on where you are.${this.#kept()}`, link,
      button("Try again", again));
  }

  #stopped(sentence) {
    const home = document.createElement("a");
    Object.assign(home, { className: "btn", href: this.config.home });
    home.textContent = "To your home page";
    this.cover.show("stopped", "Reading has stopped", `${sentence}${this.#kept()}`,
      button("Try again", () => {
        this.cover.hide("stopped");
        if (this.outbox.empty) this.load("current/");
        else this.outbox.retry();
      }, true), home);
  }

  #elsewhere() {
    this.outbox.stop();
    this.#leave();
    this.#opening += 1;
    this.#answers = null;
    this.cover.show("elsewhere", "This reading goes on in another tab", "Only one tab reads at a time, so that no answer is given twice.",
      button("Read here instead", () => location.reload(), true));
  }

  /** A break or the end: the page turns from black to calm. */
  #rest(state) {
    this.#reportTime();
    this.#leave();
    this.#answers = null;
    this.#body = null;
    this.#hush();
    const page = byId("calm");
    const title = document.body.dataset.title;
    document.title = state.finished ? "All read" : "Break";
    page.replaceChildren(calm(state, { title, home: this.config.home, kept: this.outbox.kept, oncontinue: () => this.load("current/") }));
    page.hidden = byId("calm-top").hidden = false;
    document.body.classList.remove("reading");
  }

  /** Words in both panes alike, after a while; never in one. */
  #wait(words, after = 0) {
    this.#hush();
    this.#waiting = setTimeout(() => {
      for (const side of SIDES) {
        const node = this.panes[side].querySelector(".wait");
        say(node, words);
        node.hidden = false;
      }
    }, after);
  }

  #hush() {
    clearTimeout(this.#waiting);
    for (const side of SIDES) this.panes[side].querySelector(".wait").hidden = true;
  }

  // -- the page ------------------------------------------------------------------------------------------------

  #topLayer() {
    if (this.cover.open) return this.cover;
    if (!byId("keys").hidden) return { key: (event) => this.#keysKey(event) };
    if (this.findingPanel.open) return this.findingPanel;
    if (this.commentPanel.open) return this.commentPanel;
    return null;
  }

  #keysKey(event) {
    if (event.key === "Escape" || event.key === "?") {
      this.keys();
      event.preventDefault();
    }
    return true;
  }

  keys() {
    byId("keys").hidden = !byId("keys").hidden;
  }

  collapse() {
    this.strip.toggleCollapsed();
  }

  escape() {
    this.viewing.stopCine();
    this.instruments.clear();
    this.#large(null);
    if (this.strip.choosing) this.choose();
  }

  /** @param {number} number 1 … 4 */
  preset(number) {
    if (PRESETS[number - 1]) this.viewing.setWindow(PRESETS[number - 1]);
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.().catch(() => {});
  }

  /** One image over the whole room, or both side by side; V then shows the other in the same place. */
  #large(side) {
    const room = byId("room");
    const now = side && !room.classList.contains("large") ? side : null;
    room.classList.toggle("large", now !== null);
    for (const each of SIDES) this.panes[each].classList.toggle("front", each === now);
    if (now) this.viewing.active = now;
    for (const each of SIDES) this.#name(each);
  }
}
