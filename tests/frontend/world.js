/** A reader, a browser and a server whose every step can be chosen: what arrives, what is lost, what comes late. */

import { Ahead } from "../../frontend/src/room/ahead.js";
import { ApiError } from "../../frontend/src/room/api.js";
import { Outbox } from "../../frontend/src/room/outbox.js";
import { Reading } from "../../frontend/src/room/reading.js";
import { Server } from "./server.js";

const BASE = "/r/";
const KINDS = { 401: "expired", 403: "expired", 409: "conflict" };

/** Storage that outlasts the page. */
class Store {
  records = new Map();
  #last = 0;
  all = async () => structuredClone([...this.records.values()]);
  put = async (record) => {
    record.id ??= this.#last += 1;
    this.records.set(record.id, structuredClone(record));
  };
  remove = async ({ id }) => void this.records.delete(id);
}

export const flush = () => new Promise((done) => setImmediate(done));

export class World {
  /**
   * @param {object} scenario
   * @param {number} scenario.pairs
   * @param {string[]} scenario.script what the reader does, in order: type, confirm, skip, back, leave
   * @param {string[]} [scenario.others] what happens beside it, in order: `write pN`, `confirm pN`, reload, leave, return, pause, open
   * @param {number} [scenario.faults] how many messages may be lost, half-way or late
   * @param {("keep"|"use")[]} [scenario.choices] what a reader may choose of two versions
   * @param {typeof Reading} [scenario.reading] a faulty one, to see that it is found
   * @param {typeof Outbox} [scenario.outbox]
   */
  constructor(scenario) {
    this.scenario = { others: [], faults: 0, choices: [], reading: Reading, outbox: Outbox, ...scenario };
    this.server = new Server(scenario.pairs, { allowBack: true });
    this.store = new Store();
    this.at = 0;
    this.beside = 0;
    this.faults = this.scenario.faults;
    /** Messages that left an earlier page or a try that was given up, and may still arrive. */
    this.late = [];
    this.typed = [];
    this.confirmed = new Set();
    this.broken = [];
    this.#load();
  }

  /** A new page in the same browser. */
  #load() {
    this.late.push(...(this.messages ?? []));
    this.messages = [];
    this.timers = [];
    this.screen = null;
    this.choosing = null;
    /** The reader's own action that has not led anywhere yet. */
    this.action = "open";
    const messages = this.messages;
    const request = (method, path, said) =>
      new Promise((resolve, reject) => messages.push({ method, path: path.slice(BASE.length), said, resolve, reject }));
    const look = async (method, path) => this.server.answer(method, path.slice(BASE.length), {}, "R1").body;
    const later = (work) => void this.timers.push(work);
    const timers = { setTimeout: (work) => this.timers.push(work), clearTimeout: () => {} };
    const stacks = () => ({ complete: true, load() {}, stop() {} });
    this.outbox = new this.scenario.outbox({ base: BASE, reader: "R1", request, store: this.store, timers });
    this.ahead = new Ahead({ base: BASE, request: look, stacks, width: 1 });
    const parts = { base: BASE, request, outbox: this.outbox, ahead: this.ahead, later };
    const { reading: Kind } = this.scenario;
    this.reading = new Kind(parts, {
      show: (body) => this.#shown(body),
      refill: (body) => {
        this.others = body.seenOthers;
      },
      rest: () => this.#left(null),
      arrive: (next) => this.reading.present(next),
      due: () => false,
      remember() {},
      wait: () => this.#left(null),
      announce() {},
      blocked() {},
      reached() {},
      choose: (hold) => {
        this.choosing = hold;
      },
      owe: (owed) => {
        this.choosing = owed;
      },
      unconfirmed: ({ base }) => this.confirmed.delete(base.slice(BASE.length, -1)),
      ahead: () => this.ahead.look(),
    });
    this.outbox.onchange = () => this.outbox.state === "offline" && this.reading.goOn();
    this.outbox.start().then(() => this.outbox.settled()).then(() => this.reading.load("current/"));
  }

  #left(token) {
    if (this.screen !== null && this.screen !== token && this.action === null) {
      this.broken.push(`thrown from ${this.screen} to ${token}`);
    }
    const base = `${BASE}${token}/`;
    const asked = ["back", "choose", "open"].includes(this.action) || this.outbox.held(base) || this.outbox.refusal(base);
    if (this.confirmed.has(token) && !asked) this.broken.push(`back on ${token}`);
    this.screen = token;
    this.action = null;
  }

  #shown(body) {
    this.#left(body.token);
    this.others = body.seenOthers;
    this.answered = body.answers.ratings[1] !== undefined || body.seenOthers > 0;
    this.ahead.take(body.token);
    queueMicrotask(() => this.ahead.look());
  }

  // -- steps ---------------------------------------------------------------------------------------------------

  /** What may happen now. */
  steps() {
    const found = [];
    const next = this.scenario.script[this.at];
    const open = this.screen !== null && this.reading.awaited === null && this.choosing === null;
    if (next && open) found.push(next);
    if (this.choosing) found.push(...(this.choosing.code === "refused" ? ["go"] : this.scenario.choices));
    const beside = this.scenario.others[this.beside];
    if (beside) found.push(`beside ${beside}`);
    if (this.messages.length) {
      this.messages.forEach((_, at) => found.push(`deliver ${at}`));
      if (this.faults) this.messages.forEach((_, at) => found.push(`lose ${at}`, `half ${at}`, `delay ${at}`));
    }
    if (this.timers.length) found.push("timer");
    this.late.forEach((_, at) => found.push(`late ${at}`));
    return found;
  }

  async step(name) {
    const [what, at] = name.split(" ");
    const message = this.messages[at];
    if (message && what !== "late" && what !== "beside") this.messages.splice(at, 1);
    if (["lose", "half", "delay"].includes(what)) this.faults -= 1;
    if (what === "type") this.#type();
    else if (what === "confirm") this.#confirm();
    else if (what === "skip") this.#skip();
    else if (what === "back" || what === "leave") this.#move(what);
    else if (what === "keep" || what === "use") this.#choose(what);
    else if (what === "go") this.#go();
    else if (what === "timer") this.timers.shift()();
    else if (what === "deliver") this.#deliver(message);
    else if (what === "late") this.#take(this.late.splice(at, 1)[0]);
    else if (what === "beside") this.#beside(name.slice(7));
    else {
      if (what === "half") this.#take(message);
      if (what === "delay") this.late.push(message);
      message.reject(new ApiError("offline"));
    }
    await flush();
    this.#check();
  }

  #type(by = 1) {
    this.at += by;
    this.answered = true;
    this.action = null;
    const score = this.typed.length + 1;
    this.typed.push({ score, token: this.screen, others: this.others });
    this.reading.write("rating", "PUT", "ratings/1/", { score, status: "rated" });
  }

  /** Confirms once something is answered; what is owed elsewhere comes first. */
  #confirm() {
    if (this.reading.owed.length) {
      this.choosing = this.reading.owed[0];
      return;
    }
    this.at += 1;
    if (this.#reviewing) return this.#move("leave", 0);
    if (!this.answered) this.#type(0);
    this.action = "confirm";
    this.confirmed.add(this.screen);
    this.reading.writeFinal("confirm", {});
  }

  #skip() {
    this.at += 1;
    this.action = "skip";
    this.reading.writeFinal("skip", { reason: "broken" });
  }

  /** Whether the pair on screen was opened again. */
  get #reviewing() {
    return this.screen !== null && this.reading.awaited === null && this.reading.on.state === "confirmed";
  }

  #move(what, by = 1) {
    this.at += by;
    this.action = what;
    this.reading[what]();
  }

  #choose(what) {
    const hold = this.choosing;
    this.choosing = null;
    this.action = "choose";
    for (const each of this.typed) if (each.token === hold.present.token) each.chosen = what;
    if (what === "keep") this.confirmed.delete(hold.present.token);
    if (what === "keep") this.reading.keep(hold);
    else this.reading.insist(hold);
  }

  #go() {
    const owed = this.choosing;
    this.choosing = null;
    this.action = "choose";
    this.confirmed.delete(owed.base.slice(BASE.length, -1));
    this.reading.heard(owed);
    this.reading.load("current/");
  }

  #beside(what) {
    this.beside += 1;
    const [verb, token] = what.split(" ");
    if (verb === "reload") this.#load();
    else if (verb === "leave") this.server.reader = "R2";
    else if (verb === "return") this.server.reader = "R1";
    else if (verb === "pause") this.server.open = false;
    else if (verb === "open") this.server.open = true;
    else if (verb === "refuse") this.server.refusing.add(token);
    else if (verb === "lost") this.outbox.lost();
    else if (verb === "found") this.outbox.found();
    else this.server.other(token, verb);
  }

  #take({ method, path, said }) {
    const { pairs } = this.server;
    const before = pairs.map(({ writes }) => writes.length);
    const answer = this.server.answer(method, path, said, "R1");
    pairs.forEach((pair, at) => {
      if (pair.writes.length === before[at]) return;
      const typed = this.typed[pair.writes.at(-1).score - 1];
      if (typed.token !== pair.token) this.broken.push(`${typed.score} typed on ${typed.token}, stored on ${pair.token}`);
      if (typed.others !== pair.others && typed.chosen !== "use") this.broken.push(`${typed.score} overwrote on ${pair.token}`);
    });
    return answer;
  }

  #deliver(message) {
    const { status, body } = this.#take(message);
    const copy = structuredClone(body);
    if (status === 200) message.resolve(copy);
    else message.reject(new ApiError(KINDS[status] ?? "refused", status, copy));
  }

  // -- what must hold ------------------------------------------------------------------------------------------

  #check() {
    const scores = ({ writes }) => writes.map(({ score }) => score);
    for (const pair of this.server.pairs) {
      const got = scores(pair);
      if (got.some((score, at) => at && score <= got[at - 1])) this.broken.push(`${pair.token} has ${got}`);
    }
    const stored = [...this.store.records.values()].map(({ body }) => body?.score);
    for (const { score, token } of this.typed) {
      if (!scores(this.server.pair(token)).includes(score) && !stored.includes(score)) this.broken.push(`${score} is gone`);
    }
  }

  /** Delivers all that is left, and says what is wrong then. */
  async finish() {
    this.server.open = true;
    this.server.reader = "R1";
    const { broken } = this;
    const current = () => this.server.current;
    for (let turn = 0; turn < 200; turn += 1) {
      if (this.choosing) await this.step(this.choosing.code === "refused" ? "go" : this.scenario.choices[0]);
      else if (this.messages.length) await this.step("deliver 0");
      else if (this.timers.length) await this.step("timer");
      else if (this.reading.owed.length) [this.choosing] = this.reading.owed;
      else if (this.#reviewing && current()) await this.step("leave");
      else break;
    }
    for (const { token } of this.server.pairs) {
      const left = this.outbox.waiting(`${BASE}${token}/`).length;
      const early = this.outbox.held(`${BASE}${token}/`)?.code === "not_yet" && token !== current()?.token;
      if (left && !early) broken.push(`${left} on ${token} never sent`);
    }
    if (!this.scenario.others.length) {
      for (const token of this.confirmed) {
        if (this.server.pair(token).state !== "confirmed") broken.push(`${token} never confirmed`);
      }
    }
    if (this.reading.awaited !== null || (this.screen === null && current())) broken.push("nothing to read");
    return broken;
  }

  /** Two worlds with the same print go on alike. */
  get print() {
    const brief = ({ method, path, said, on }) => [method, path.replace(/\?.*/, ""), said?.score, said?.on ?? on];
    const { reading, outbox, server } = this;
    return JSON.stringify([
      this.at, this.beside, this.faults, this.screen, this.action, this.answered, [...this.confirmed], reading.awaited, reading.on, reading.body?.next, this.others,
      outbox.state, outbox.refused.length, this.choosing?.base, outbox.disputes.map(({ base }) => base),
      server.pairs.map((pair) => [pair.token, pair.state, pair.revision, pair.writes.map(({ score }) => score), outbox.held(`${BASE}${pair.token}/`)?.code,
        outbox.waiting(`${BASE}${pair.token}/`).map(({ what, body, on }) => [what, body.score, on])]),
      server.open, server.reader, this.messages.map(brief), this.late.map(brief), this.timers.length, this.typed.map(({ token, chosen, others }) => [token, chosen, others]),
    ]);
  }
}

/**
 * Every order in which a scenario can happen.
 * @param {object} scenario of `World`
 * @param {number} [most] states, so that a mistake here does not run for ever
 * @returns {Promise<{states: number, ends: number, broken: {path: string[], what: string}|null}>} the first path that breaks a rule
 */
export async function explore(scenario, most = 200_000) {
  const seen = new Set();
  const stack = [[]];
  let ends = 0;
  while (stack.length) {
    const path = stack.pop();
    const world = new World(scenario);
    await flush();
    for (const name of path) await world.step(name);
    if (world.broken.length) return { states: seen.size, ends, broken: { path, what: world.broken[0] } };
    if (seen.has(world.print)) continue;
    seen.add(world.print);
    if (seen.size > most) throw new Error(`more than ${most} states`);
    const steps = world.steps();
    for (const name of steps) stack.push([...path, name]);
    if (world.at === scenario.script.length && world.beside === (scenario.others ?? []).length) {
      ends += 1;
      const [what] = await world.finish();
      if (what) return { states: seen.size, ends, broken: { path, what } };
    }
  }
  return { states: seen.size, ends, broken: null };
}
