/** The reading room: one pair after the other. Answers are the desk's, looking is the viewing's. */

import { Answers, DIAGNOSTIC, INTEGRITY, overlay } from "./answers.js";
import { ApiError, request } from "./api.js";
import { Clock } from "./clock.js";
import { Desk } from "./desk.js";
import { count } from "./dom.js";
import { Stacks } from "./frames.js";
import { Instruments } from "./instruments.js";
import * as keyboard from "./keys.js";
import * as mouse from "./mouse.js";
import { Obstacles } from "./obstacles.js";
import { Outbox } from "./outbox.js";
import { ChoicePanel } from "./panels.js";
import { Panes, SIDES } from "./panes.js";
import { button, calm } from "./screens.js";
import { Seam } from "./seam.js";
import { Stage } from "./stage.js";
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
  #stacks = null;
  /** Pairs fetched before their turn, by token, in the order of reading. */
  #ahead = new Map();
  #looking = false;
  #reported = 0;
  /** Active seconds since the reading began or the last pause. */
  #worked = 0;
  #paintedAt = 0;
  #confirming = false;
  #visited = [];
  #opening = 0;

  /** @param {object} config of the page */
  constructor(config) {
    this.config = config;
    const panes = Object.fromEntries(SIDES.map((side) => [side, byId(`pane-${side}`)]));
    const views = Object.fromEntries(SIDES.map((side) => [side, panes[side].querySelector(".view")]));
    this.clock = new Clock();
    this.outbox = new Outbox();
    this.stage = new Stage(byId("room"), panes);
    this.canvas = new Panes(views, { onpaint: () => this.#painted(), onresize: () => this.viewing.look() });
    this.viewing = new Viewing(this.canvas, () => this.#looked());
    this.instruments = new Instruments(panes, this.viewing);
    this.seam = new Seam(byId("seam"), {
      onlink: () => this.viewing.toggleLink(),
      ongoto: (index, side) => this.viewing.goTo(index, side),
    });
    this.strip = new Strip(byId("strip"), config, {
      rate: (id, score) => this.desk.set(id, score),
      moveTo: (place) => this.desk.moveTo(place),
      none: () => this.desk.none(),
      finding: (kind) => this.desk.finding(kind),
      diagnostic: (value) => this.desk.diagnostic(value),
      comment: () => this.desk.comment(),
      skip: () => this.skip(),
      confirm: () => this.confirm(),
      keys: () => this.keys(),
    });
    this.desk = new Desk(config, this, () => this.closed);
    this.choice = new ChoicePanel(byId("choice"));
    this.obstacles = new Obstacles(config, this, {
      onoffline: () => this.#goOnAlone(),
      reload: () => this.load("current/"),
    });
    mouse.listen(panes, this.viewing, {
      onclick: (side, x, y) => this.desk.clicked(side, x, y),
      onlarge: (side) => this.#enlarge(side),
      tool: () => this.instruments.tool,
      onhover: (side, x, y) => this.instruments.hover(x, y),
    });
    keyboard.listen(this, () => this.#topLayer());
    setInterval(() => this.#reportTime(), REPORT_MS);
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.#reportTime());
    byId("keys").addEventListener("click", () => this.keys());
  }

  /** Takes over from other tabs, sends what an earlier page left, and shows the current pair. */
  async start() {
    claim(this.config.base, () => this.#elsewhere());
    this.stage.wait("loading both images");
    await this.outbox.start();
    await this.outbox.settled();
    await this.load("current/");
  }

  /** Whether keys have nothing to act on: no pair, nothing painted, or a confirmation under way. */
  get closed() {
    return this.desk.answers === null || this.#paintedAt === 0 || this.#confirming;
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
        this.obstacles.gone();
        this.present(body);
        return;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.kind === "expired") return void this.obstacles.expired(() => this.load(path));
        if (error.kind !== "offline") return void this.obstacles.stopped(error.message);
        this.stage.wait("no connection, trying again");
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
    const ahead = this.#ahead.get(body.token)?.stacks ?? null;
    this.#ahead.delete(body.token);
    this.#forget(body.next ?? []);
    this.#leave();
    if (body.geometry) {
      this.#open(body, ahead ?? new Stacks(`${this.config.base}${body.token}/`, body));
    } else {
      this.stage.wait("these images are being prepared");
      setTimeout(() => this.load("current/"), RETRY_MS);
    }
  }

  /** Lets go of pairs that will not come next: the schedule was changed, or one was skipped. */
  #forget(next) {
    for (const [token, { stacks }] of this.#ahead) {
      if (next.includes(token)) continue;
      stacks?.stop();
      this.#ahead.delete(token);
    }
  }

  /** Nothing of the pair before is left. */
  #leave() {
    this.clock.run(false);
    this.#paintedAt = 0;
    this.stage.blank();
    this.desk.closePanels();
    this.choice.close();
    this.instruments.clear();
    this.viewing.close();
    this.#stacks?.stop();
    this.#stacks = null;
  }

  #open(body, stacks) {
    this.#opening += 1;
    const filled = overlay(body, this.outbox.waiting(`${this.config.base}${body.token}/`));
    const answers = new Answers(this.config, filled);
    this.desk.open(filled, answers);
    this.#stacks = stacks;
    byId("calm").hidden = byId("calm-top").hidden = true;
    document.body.classList.add("reading");
    this.stage.letter(body.geometry.letters ?? {});
    this.strip.open(filled, answers);
    this.stage.wait("loading both images", QUIET_MS);
    stacks.onslice = () => {
      this.viewing.arrived();
      if (stacks.complete) this.#lookAhead();
    };
    stacks.onerror = (error) => this.#imagesFailed(error, stacks);
    this.viewing.open(stacks, body.seen);
    this.#reported = this.#seenSlices;
    stacks.load(WIDTH.now);
    if (stacks.complete) this.#lookAhead();
    if (body.guess) this.#askGuess(body);
  }

  /** Both sides are on screen, in the same animation frame. */
  #painted() {
    if (!this.viewing.shown || !this.#stacks) return;
    this.stage.shown(this.viewing);
    if (this.#paintedAt === 0) {
      this.#paintedAt = performance.now();
      this.stage.hush();
      this.clock.run(true);
    }
    this.viewing.painted();
    this.instruments.draw();
  }

  /** Something about the view changed. */
  #looked() {
    this.seam.update(this.viewing);
    this.strip.readout(this.viewing);
    this.stage.name(this.viewing.swapped);
    const { left, right } = this.viewing.unseen;
    // Scrolling all of it again after a reload would be a punishment.
    if (left + right === 0 && this.#paintedAt && this.#seenSlices > this.#reported) this.#reportTime();
    const unseen = left === right ? `${count(left, "slice")} unseen` : `unseen: ${left} left, ${right} right`;
    const words = left + right > 0 && this.#paintedAt ? unseen : null;
    if (words !== this.strip.unseen) {
      this.strip.unseen = words;
      this.strip.update();
    }
  }

  /** Fetches the next few pairs, one after the other, while this one is being rated. */
  async #lookAhead() {
    if (this.#looking) return;
    this.#looking = true;
    for (;;) {
      const token = (this.desk.body?.next ?? []).find((each) => !this.#ahead.get(each)?.stacks?.complete);
      if (!token || !(await this.#fetchAhead(token))) break;
    }
    this.#looking = false;
  }

  /** @returns {Promise<boolean>} whether the pair is there as a whole */
  async #fetchAhead(token) {
    try {
      const body = await request("GET", `${this.config.base}${token}/`);
      if (!this.desk.body?.next?.includes(token) || !body.geometry) return false;
      const stacks = new Stacks(`${this.config.base}${token}/`, body);
      this.#ahead.set(token, { body, stacks });
      return await new Promise((done) => {
        const check = () => (stacks.complete || stacks.error || stacks.stopped) && done(stacks.complete);
        stacks.onslice = stacks.onerror = stacks.onstop = check;
        stacks.load(WIDTH.ahead);
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return false;
    }
  }

  #imagesFailed(error, stacks) {
    const again = () => stacks === this.#stacks && stacks.load(WIDTH.now);
    if (stacks !== this.#stacks) return;
    if (error.kind === "expired") {
      this.obstacles.expired(again);
    } else if (this.#paintedAt === 0 && error.status) {
      const reason = error.status >= 500 ? `The server could not send them (${error.status}).` : error.message;
      this.obstacles.imagesFailed(reason, again);
    } else {
      if (this.#paintedAt === 0) this.stage.wait("no connection, trying again");
      setTimeout(again, RETRY_MS);
    }
  }

  /** A break or the end: the page turns from black to calm. */
  #rest(state) {
    this.#reportTime();
    this.#worked = 0;
    this.#leave();
    this.desk.open(null, null);
    this.stage.hush();
    document.title = state.finished ? "All read" : "Break";
    const page = {
      title: document.body.dataset.title,
      home: this.config.home,
      sign: this.config.sign,
      kept: this.outbox.kept,
      oncontinue: () => this.load("current/"),
    };
    byId("calm").replaceChildren(calm(state, page));
    byId("calm").hidden = byId("calm-top").hidden = false;
    document.body.classList.remove("reading");
  }

  #elsewhere() {
    this.#opening += 1;
    this.#leave();
    this.desk.open(null, null);
    this.obstacles.elsewhere();
  }

  // -- confirming ----------------------------------------------------------------------------------------------

  get #deaf() {
    return this.closed || performance.now() - this.#paintedAt < DEAF_MS;
  }

  /** Confirms the pair, or says what is missing and goes there. */
  async confirm() {
    if (this.#deaf || this.desk.body.guess) return;
    if (this.strip.reviewing) {
      this.#reportTime();
      await this.load("current/");
    } else if (this.desk.answers.missing.length) {
      this.#nameMissing();
    } else if (this.strip.unseen) {
      this.strip.tell("Scroll the rest", this.strip.unseen);
    } else {
      this.#sendConfirmation();
    }
  }

  #nameMissing() {
    const { answers } = this.desk;
    const { missing } = answers;
    answers.moveTo(missing[0]);
    this.strip.answered();
    const names = { [INTEGRITY]: "integrity", [DIAGNOSTIC]: "diagnostic quality" };
    const words = missing.map((place) => names[place] ?? answers.criterion(place).name);
    const rest = words.splice(4).length;
    this.strip.tell(`${missing.length} to go`, words.join(", ") + (rest ? ` and ${rest} more` : ""));
  }

  #sendConfirmation() {
    const { left, right } = this.viewing.seen;
    this.#visited.push(this.desk.body.token);
    this.#sendLast("confirm", "confirm/", { seen: { left: left.size, right: right.size } });
  }

  /** The last word on a pair; the answer is the next one. */
  #sendLast(what, path, said) {
    const { body } = this.desk;
    this.#reportTime();
    const { sent } = this.desk.send(what, "POST", path, said);
    this.#confirming = true;
    sent.then(
      (next) => this.#confirmed(body, next),
      (error) => this.#notConfirmed(body, error),
    );
    this.#goOnAlone();
  }

  /** The server has it: `next` is the pair to show, unless that is on screen already. */
  #confirmed(body, next) {
    if (this.desk.body !== body && this.desk.body?.token === next.token) {
      this.desk.body.next = next.next;
      if (this.#stacks?.complete) this.#lookAhead();
    } else if (this.#pauseDue(body, next)) {
      this.#forget([]);
      this.#rest({ part: next.part > body.part ? body.part : null, parts: next.parts, read: next.confirmed, total: next.total });
    } else if (next.feedback) {
      const go = button("Go on", () => {
        this.obstacles.cover.hide("feedback");
        this.present(next);
      }, true);
      this.obstacles.cover.show("feedback", "About this practice pair", next.feedback, go);
    } else {
      this.present(next);
    }
  }

  /** After a part, and when the eye is tired. */
  #pauseDue(body, next) {
    if (!next.token || next.guess || next.feedback) return false;
    return next.part > body.part || (this.config.break_minutes > 0 && this.#worked >= 60 * this.config.break_minutes);
  }

  #notConfirmed(body, error) {
    this.#confirming = false;
    if (error.status !== 422 || this.desk.body !== body) return void this.load("current/");
    this.strip.tell("Not confirmed", (error.body.missing ?? []).join(", ") || error.message);
    this.strip.update();
  }

  /** Without a connection the pairs fetched ahead can be read; their answers wait behind this confirmation. */
  #goOnAlone() {
    if (!this.#confirming || this.outbox.state !== "offline" || this.desk.body.guess) return;
    const [token, ...next] = this.desk.body.next ?? [];
    const ahead = this.#ahead.get(token);
    if (ahead?.stacks?.complete) this.present({ ...ahead.body, previous: null, next });
    else this.strip.tell("No connection", "confirmed here; the next pair comes when the connection returns");
  }

  /** A technical problem: asks what is wrong, then this pair comes again at the end. */
  skip() {
    if (this.#deaf || this.strip.reviewing || this.choice.open) return;
    this.desk.closePanels();
    this.viewing.stopCine();
    const options = this.config.skip_reasons.map((words, at) => ({
      key: String(at + 1), mark: String(at + 1), words,
      choose: () => this.#sendLast("skip", "skip/", { reason: words }),
    }));
    this.choice.ask("A technical problem", "The pair comes again at the end of the list; the study's admin is told.", options, () => {});
  }

  /** After the list: which image was which? */
  #askGuess(body) {
    const answer = (side) => () => this.#deaf ? this.#askGuess(body) : this.#sendLast("guess", "guess/", { side });
    this.choice.ask(body.guess.question, "This changes none of your answers.", [
      { key: "ArrowLeft", mark: "←", words: "the left image", choose: answer("left") },
      { key: "ArrowRight", mark: "→", words: "the right image", choose: answer("right") },
      { key: "0", mark: "0", words: "cannot tell", choose: answer("unknown") },
    ]);
  }

  /** The pair before, where the protocol allows it. */
  async back() {
    if (this.closed) return;
    if (!this.config.allow_back) return void this.strip.tell("No way back", "this protocol takes answers as final");
    const { body } = this.desk;
    const token = body.previous ?? this.#visited.at(-1);
    if (!token || token === body.token) return void this.strip.tell("This is the first pair");
    this.#reportTime();
    await this.outbox.settled();
    await this.load(`${token}/`);
  }

  #reportTime() {
    if (!this.desk.body || this.desk.body.guess) return;
    const seconds = this.clock.take();
    this.#worked += seconds;
    const seen = this.#seenSlices;
    if (seconds <= 0 && seen === this.#reported) return;
    const { left, right } = this.viewing.seen;
    this.desk.send("time", "POST", "time/", { seconds, ...(seen > this.#reported && { seen: { left: [...left], right: [...right] } }) });
    this.#reported = seen;
  }

  get #seenSlices() {
    return this.viewing.seen.left.size + this.viewing.seen.right.size;
  }

  // -- the page ------------------------------------------------------------------------------------------------

  #topLayer() {
    if (this.obstacles.cover.open) return this.obstacles.cover;
    if (!byId("keys").hidden) return { key: (event) => this.#keysKey(event) };
    if (this.desk.findingPanel.open) return this.desk.findingPanel;
    if (this.desk.commentPanel.open) return this.desk.commentPanel;
    if (this.choice.open) return this.choice;
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

  escape() {
    this.viewing.stopCine();
    this.instruments.clear();
    this.stage.enlarge(null);
    if (this.strip.choosing) this.desk.choose();
  }

  /** @param {number} number 1 … 4 */
  preset(number) {
    if (PRESETS[number - 1]) this.viewing.setWindow(PRESETS[number - 1]);
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.().catch(() => {});
  }

  #enlarge(side) {
    this.viewing.active = side;
    this.stage.enlarge(this.stage.enlarged ? null : side);
  }
}
