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
import { Panes, SIDES } from "./panes.js";
import { calm } from "./screens.js";
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
  #ahead = null;
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
      confirm: () => this.confirm(),
      keys: () => this.keys(),
    });
    this.desk = new Desk(config, this, () => this.closed);
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
    const ahead = this.#ahead?.token === body.token ? this.#ahead.stacks : null;
    if (!ahead) this.#ahead?.stacks?.stop();
    this.#ahead = null;
    this.#leave();
    if (body.geometry) {
      this.#open(body, ahead ?? new Stacks(`${this.config.base}${body.token}/`, body));
    } else {
      this.stage.wait("these images are being prepared");
      setTimeout(() => this.load("current/"), RETRY_MS);
    }
  }

  /** Nothing of the pair before is left. */
  #leave() {
    this.clock.run(false);
    this.#paintedAt = 0;
    this.stage.blank();
    this.desk.closePanels();
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
    this.viewing.open(stacks);
    stacks.load(WIDTH.now);
    if (stacks.complete) this.#lookAhead();
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
    const unseen = left === right ? `${count(left, "slice")} unseen` : `unseen: ${left} left, ${right} right`;
    const words = left + right > 0 && this.#paintedAt ? unseen : null;
    if (words !== this.strip.unseen) {
      this.strip.unseen = words;
      this.strip.update();
    }
  }

  /** Fetches the pair after this one while this one is being rated. */
  async #lookAhead() {
    const token = this.desk.body?.next;
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
    this.#leave();
    this.desk.open(null, null);
    this.stage.hush();
    document.title = state.finished ? "All read" : "Break";
    const page = {
      title: document.body.dataset.title,
      home: this.config.home,
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

  /** Confirms the pair, or says what is missing and goes there. */
  async confirm() {
    if (this.closed || performance.now() - this.#paintedAt < DEAF_MS) return;
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
    const { body } = this.desk;
    const { left, right } = this.viewing.seen;
    this.#reportTime();
    this.#visited.push(body.token);
    const { sent } = this.desk.send("confirm", "POST", "confirm/", { seen: { left: left.size, right: right.size } });
    this.#confirming = true;
    sent.then(
      (next) => this.#confirmed(body, next),
      (error) => this.#notConfirmed(body, error),
    );
    this.#goOnAlone();
  }

  /** The server has it: `next` is the pair to show, unless that is on screen already. */
  #confirmed(body, next) {
    if (this.desk.body === body || this.desk.body?.token !== next.token) {
      this.present(next);
    } else {
      this.desk.body.next = next.next;
      if (this.#stacks?.complete) this.#lookAhead();
    }
  }

  #notConfirmed(body, error) {
    this.#confirming = false;
    if (error.status !== 422 || this.desk.body !== body) return void this.load("current/");
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
    const { body } = this.desk;
    const token = body.previous ?? this.#visited.at(-1);
    if (!token || token === body.token) return void this.strip.tell("This is the first pair");
    this.#reportTime();
    await this.outbox.settled();
    await this.load(`${token}/`);
  }

  #reportTime() {
    if (!this.desk.body) return;
    const seconds = this.clock.take();
    if (seconds > 0) this.desk.send("time", "POST", "time/", { seconds });
  }

  // -- the page ------------------------------------------------------------------------------------------------

  #topLayer() {
    if (this.obstacles.cover.open) return this.obstacles.cover;
    if (!byId("keys").hidden) return { key: (event) => this.#keysKey(event) };
    if (this.desk.findingPanel.open) return this.desk.findingPanel;
    if (this.desk.commentPanel.open) return this.desk.commentPanel;
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
