/**
 * Every answer goes through here: stored first, sent in the order in which it was given, forgotten only when the server
 * has it. What the server refuses is kept beside the queue and said; what it holds a different version of waits until
 * the reader has chosen.
 *
 * A record is a `Write`.
 */

import { ApiError } from "./api.js";

/**
 * @import { Accepted, On, Present, Refusal, Request, What, Write } from "../server.ts"
 * @import { Store } from "./store.js"
 *
 * Why records for one address are not sent.
 * @typedef {object} Hold
 * @property {string} base
 * @property {number} position
 * @property {"stale"|"confirmed"|"not_yet"} code
 * @property {Present} present the pair as it is at the server
 * @property {string} detail
 */

const RETRY_MS = [1000, 2000, 4000, 8000, 15_000];
/** @type {Set<What>} what ends the work on a pair; the answer tells what comes next */
export const FINAL_WRITES = new Set(["confirm", "skip", "guess", "finish"]);
/** @type {Set<What>} records that say nothing about a pair: refused, they are not kept */
const NO_ANSWER = new Set(["time", "finish"]);
/**
 * Conflicts that pass: the same record is sent again until it is taken.
 * @param {string|undefined} code
 * @returns {code is "not_open"|"other_reader"}
 */
const passes = (code) => code === "not_open" || code === "other_reader";
/**
 * Conflicts in which the server has another version of the pair, or cannot take this one yet.
 * @param {string|undefined} code
 * @returns {code is Hold["code"]}
 */
const holds = (code) => code === "stale" || code === "confirmed" || code === "not_yet";

/**
 * State and revision of a presentation after one more write on it.
 * @template {On|null} T
 * @param {T} on
 * @param {What} what
 * @returns {T|On}
 */
export function after(on, what) {
  if (!on || what === "time") return on;
  const state = what === "confirm" ? "confirmed" : what === "skip" ? "scheduled" : on.state;
  return { state, revision: on.revision + 1 };
}

export class Outbox {
  #base;
  #reader;
  #request;
  #store;
  #timers;
  /** @type {Write[]} */
  #queue = [];
  /** @type {Map<Write, Promise<void>>} */
  #storing = new Map();
  /** @type {Map<string, Hold>} */
  #held = new Map();
  /** @type {Map<string|undefined, number>} numbers of the findings that this page has reported, by the keys of their records */
  #numbers = new Map();
  /** @type {(() => void)[]} */
  #waiters = [];
  #sending = false;
  #stopped = false;
  #failures = 0;
  #timer = 0;

  /**
   * @param {object} parts
   * @param {string} parts.base address of the reading, ending in a slash
   * @param {string} parts.reader code of the reader: records of others stay where they are
   * @param {Request} parts.request rejects with ApiError
   * @param {Store} parts.store
   * @param {{setTimeout: (work: () => void, ms: number) => number, clearTimeout: (timer: number) => void}} [parts.timers]
   */
  constructor({ base, reader, request, store, timers = globalThis }) {
    this.#base = base;
    this.#reader = reader;
    this.#request = request;
    this.#store = store;
    this.#timers = timers;
    /** @type {"ok"|"offline"|"expired"|"not_open"|"other_reader"} */
    this.state = "ok";
    /** @type {Refusal} what the server said last, where the state is not `ok` */
    this.said = {};
    /** How many records the server has taken from this page. */
    this.accepted = 0;
    /** @type {Write[]} records that the server refused, oldest first */
    this.refused = [];
    /** Called after each change of state or length. */
    this.onchange = () => {};
    /** @type {(record: Write, answer: Accepted) => void} */
    this.onanswer = () => {};
    /** @type {(record: Write, error: ApiError) => void} */
    this.onrefused = () => {};
    /** @type {(hold: Hold) => void} */
    this.onheld = () => {};
  }

  /** Answers not yet at the server; reports of time are not counted. */
  get kept() {
    return this.#queue.filter((record) => record.what !== "time").length;
  }

  /** Whether nothing that waits can be sent before something else happens. */
  get stuck() {
    return !this.empty && !this.#next();
  }

  get empty() {
    return this.#queue.length === 0;
  }

  /**
   * Records that still wait for one address, oldest first.
   * @param {string} base
   */
  waiting(base) {
    return this.#queue.filter((record) => record.base === base);
  }

  /**
   * Whether the reader is done with a pair and the server does not know it yet.
   * @param {string} base
   */
  hasFinalWrite(base) {
    return this.waiting(base).some((record) => FINAL_WRITES.has(record.what));
  }

  /** @param {string} base */
  held(base) {
    return this.#held.get(base) ?? null;
  }

  /** Pairs of which the server has another version than this browser, for the reader to choose. */
  get disputes() {
    return [...this.#held.values()].filter((hold) => hold.code !== "not_yet");
  }

  /**
   * The confirmation of a pair that the server refused.
   * @param {string} base
   */
  refusal(base) {
    return this.refused.findLast((record) => record.base === base && record.what === "confirm");
  }

  /** Takes up what an earlier page left. */
  async start() {
    const mine = /** @param {Write} record */ (record) => record.base.startsWith(this.#base) && (record.reader ?? this.#reader) === this.#reader;
    const left = (await this.#store.all()).filter(mine);
    this.refused = left.filter((record) => record.refused !== undefined);
    this.#queue = left.filter((record) => record.refused === undefined);
    this.#changed();
    this.#send();
  }

  #changed() {
    this.onchange();
    if (this.#next() && this.state === "ok" && !this.#stopped) return;
    for (const done of this.#waiters.splice(0)) done();
  }

  /** The browser says that there is no connection. */
  lost() {
    this.state = "offline";
    this.#changed();
  }

  /** The browser says that there is one again. */
  found() {
    if (this.empty) this.state = "ok";
    this.retry();
    this.#changed();
  }

  /** Leaves the rest to another tab. */
  stop() {
    this.#stopped = true;
    this.#timers.clearTimeout(this.#timer);
    this.#changed();
  }

  /**
   * Resolves when nothing is left to send, or nothing can be sent now.
   * @returns {Promise<void>}
   */
  settled() {
    return new Promise((done) => {
      this.#waiters.push(done);
      this.#changed();
    });
  }

  /**
   * Keeps and sends one record.
   * @param {Write} record
   */
  put(record) {
    record.reader = this.#reader;
    this.#aim(record);
    this.#queue.push(record);
    this.#keep(record);
    this.#changed();
    this.#send();
  }

  /**
   * A withdrawal of a finding that this browser reported knows its number only once the server has given it.
   * @param {Write} record
   */
  #aim(record) {
    const number = this.#numbers.get(record.of);
    if (number === undefined) return false;
    record.path = record.path.replace("{id}", String(number));
    delete record.of;
    return true;
  }

  /** Tries now instead of at the next appointed time. */
  retry() {
    this.#timers.clearTimeout(this.#timer);
    this.#timer = 0;
    this.#send();
  }

  /** @param {Write} record */
  #keep(record) {
    const before = this.#storing.get(record) ?? Promise.resolve();
    const storing = before.then(() => this.#store.put(record));
    this.#storing.set(record, storing);
    storing.then(() => this.#storing.get(record) === storing && this.#storing.delete(record));
  }

  /** @param {Write} record */
  async #forget(record) {
    await this.#storing.get(record);
    await this.#store.remove(record);
  }

  /** The first record that may be sent now: what is held lets others pass, as another pair may be due. */
  #next() {
    return this.#queue.find((record) => !this.#held.has(record.base));
  }

  async #send() {
    if (this.#sending || this.#stopped || this.#timer) return;
    this.#sending = true;
    try {
      for (let record = this.#next(); record && !this.#stopped; record = this.#next()) {
        if (!(await this.#sendOne(record))) break;
      }
    } finally {
      this.#sending = false;
      this.#changed();
    }
  }

  /**
   * @param {Write} record
   * @returns {Promise<boolean>} whether to go on with the next record
   */
  async #sendOne(record) {
    await this.#storing.get(record);
    if (this.#next() !== record) return true;
    const { method, base, path, body, on, what } = record;
    const inAddress = method === "DELETE" && on ? `&state=${on.state}&revision=${on.revision}` : "";
    try {
      const answer = await this.#request(method, base + path + inAddress, body && { ...body, ...(on && { on }) }, {
        // A report of time may be the last that the page sends.
        keepalive: what === "time",
      });
      this.#reached();
      this.#arrived(record, answer);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return this.#failed(record, error);
    }
  }

  /** @param {Write} record */
  #remove(record) {
    this.#queue = this.#queue.filter((each) => each !== record);
  }

  #reached() {
    this.#failures = 0;
    this.state = "ok";
  }

  /**
   * @param {Write} record
   * @param {Accepted} answer
   */
  #arrived(record, answer) {
    this.#remove(record);
    this.accepted += 1;
    if (record.what === "finding" && "id" in answer && answer.id !== undefined) {
      this.#numbers.set(record.body.key, answer.id);
      for (const each of this.#queue) if (this.#aim(each)) this.#keep(each);
    }
    this.#forget(record);
    if (FINAL_WRITES.has(record.what)) {
      this.#fulfilled(record.base);
      this.#releaseTurns();
    }
    this.onanswer(record, answer);
    this.#changed();
  }

  /**
   * A final write was taken: an earlier one on the same pair that was refused has nothing more to say.
   * @param {string} base
   */
  #fulfilled(base) {
    const done = this.refused.filter((each) => each.base === base && FINAL_WRITES.has(each.what));
    this.refused = this.refused.filter((each) => !done.includes(each));
    for (const each of done) this.#forget(each);
  }

  /** It may be another pair's turn now. */
  #releaseTurns() {
    for (const [base, { code }] of this.#held) if (code === "not_yet") this.#held.delete(base);
  }

  /**
   * @param {Write} record
   * @param {ApiError} error
   */
  #failed(record, error) {
    const { code, present, detail = "" } = error.body;
    if (error.kind === "conflict" && holds(code) && present && !NO_ANSWER.has(record.what)) {
      this.#reached();
      const hold = { base: record.base, position: record.position, code, present, detail };
      this.#held.set(record.base, hold);
      this.onheld(hold);
      this.#changed();
      return true;
    }
    if (error.kind === "offline" || error.kind === "expired") {
      this.state = error.kind;
    } else if (error.kind === "conflict" && passes(code)) {
      this.state = code;
    } else {
      this.#reached();
      this.#refuse(record, error);
      return true;
    }
    this.said = error.body;
    const pause = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    this.#timer = this.#timers.setTimeout(() => this.retry(), pause);
    this.#changed();
    return false;
  }

  /**
   * @param {Write} record
   * @param {ApiError} error
   */
  #refuse(record, error) {
    this.#remove(record);
    if (NO_ANSWER.has(record.what)) {
      this.#forget(record);
    } else {
      this.#setAside(record, FINAL_WRITES.has(record.what) ? error.words : error.message);
      // The server has not counted it: what was made after it was made on one revision less.
      for (const each of this.waiting(record.base)) {
        if (each.on) each.on = { ...each.on, revision: each.on.revision - 1 };
        this.#keep(each);
      }
    }
    this.onrefused(record, error);
    this.#changed();
  }

  /**
   * @param {Write} record
   * @param {string} sentence
   */
  #setAside(record, sentence) {
    record.refused = sentence;
    this.refused = [...this.refused, record];
    this.#keep(record);
  }

  /**
   * It is this pair's turn after all.
   * @param {string} base
   */
  release(base) {
    this.#held.delete(base);
    this.#changed();
    this.#send();
  }

  /**
   * The reader keeps what the server has: the own records for this address are set aside.
   * @param {string} base
   */
  yield(base) {
    for (const record of this.waiting(base)) {
      this.#remove(record);
      if (record.what === "time") this.#forget(record);
      else this.#setAside(record, "You kept what the server had.");
    }
    this.#releaseTurns();
    this.release(base);
  }

  /**
   * The reader keeps what was answered here: the own records are sent again as revisions of what the server has.
   * @param {string} base
   * @param {On} on as the presentation is at the server
   */
  insist(base, on) {
    let now = on;
    for (const record of this.waiting(base)) {
      if (record.what === "time") continue;
      record.on = now;
      now = after(now, record.what);
      this.#keep(record);
    }
    this.release(base);
  }

  /** Forgets what was refused, once the reader has a copy. */
  forgetRefused() {
    for (const record of this.refused.splice(0)) this.#forget(record);
    this.#changed();
  }
}
