/**
 * Every answer goes through here: stored first, sent in the order in which it was given, forgotten only when the server
 * has it. What the server refuses is kept beside the queue and said; what it holds a different version of waits until
 * the reader has chosen.
 *
 * A record is `{base, what, method, path, body, on, position, reader}`: the presentation's address and its place in the
 * list, the answer (`body.key` makes it idempotent), the state and revision it was made on, and whose it is. `of` is the
 * key of the finding that a withdrawal takes back, `refused` the server's last sentence.
 */

import { ApiError } from "./api.js";

const RETRY_MS = [1000, 2000, 4000, 8000, 15_000];
/** What ends the work on a pair; the answer tells what comes next. */
export const LAST_WORDS = new Set(["confirm", "skip", "guess", "finish"]);
/** Records that say nothing about a pair: refused, they are not kept. */
const NO_ANSWER = new Set(["time", "finish"]);
/** Conflicts that pass: the same record is sent again until it is taken. */
const PASSING = new Set(["not_open", "other_reader"]);
/** Conflicts in which the server has another version of the pair, or cannot take this one yet. */
const HOLDING = new Set(["stale", "confirmed", "not_yet"]);

/** State and revision of a presentation after one more write on it. */
export function after(on, what) {
  if (!on || what === "time") return on;
  const state = { confirm: "confirmed", skip: "scheduled" }[what] ?? on.state;
  return { state, revision: on.revision + 1 };
}

export class Outbox {
  #base;
  #reader;
  #request;
  #store;
  #timers;
  #queue = [];
  #storing = new Map();
  #held = new Map();
  /** Numbers of the findings that this page has reported, by the keys of their records. */
  #numbers = new Map();
  #waiters = [];
  #sending = false;
  #stopped = false;
  #failures = 0;
  #timer = 0;

  /**
   * @param {object} parts
   * @param {string} parts.base address of the reading, ending in a slash
   * @param {string} parts.reader code of the reader: records of others stay where they are
   * @param {(method: string, path: string, body?: object, options?: object) => Promise<object>} parts.request rejects with ApiError
   * @param {object} parts.store as of `openStore`
   * @param {{setTimeout: Function, clearTimeout: Function}} [parts.timers]
   */
  constructor({ base, reader, request, store, timers = globalThis }) {
    this.#base = base;
    this.#reader = reader;
    this.#request = request;
    this.#store = store;
    this.#timers = timers;
    /** @type {"ok"|"offline"|"expired"|"not_open"|"other_reader"} */
    this.state = "ok";
    /** What the server said last, where the state is not `ok`. */
    this.said = {};
    /** How many records the server has taken from this page. */
    this.accepted = 0;
    /** Records that the server refused, oldest first. */
    this.refused = [];
    /** Called after each change of state or length. */
    this.onchange = () => {};
    /** Called with a record and the server's answer to it. */
    this.onanswer = () => {};
    /** Called with a record and the ApiError with which it was refused. */
    this.onrefused = () => {};
    /** Called with what `held` returns. */
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

  /** Records that still wait for one address, oldest first. */
  waiting(base) {
    return this.#queue.filter((record) => record.base === base);
  }

  /** Whether the reader is done with a pair and the server does not know it yet. */
  hasLastWord(base) {
    return this.waiting(base).some((record) => LAST_WORDS.has(record.what));
  }

  /** @returns {{base: string, code: "stale"|"confirmed"|"not_yet", present: object, detail: string}|null} why records for one address are not sent */
  held(base) {
    return this.#held.get(base) ?? null;
  }

  /** Pairs of which the server has another version than this browser, for the reader to choose. */
  get disputes() {
    return [...this.#held.values()].filter((hold) => hold.code !== "not_yet");
  }

  /** @returns {object|undefined} the confirmation of a pair that the server refused */
  refusal(base) {
    return this.refused.findLast((record) => record.base === base && record.what === "confirm");
  }

  /** Takes up what an earlier page left. */
  async start() {
    const mine = (record) => record.base.startsWith(this.#base) && (record.reader ?? this.#reader) === this.#reader;
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

  /** Resolves when nothing is left to send, or nothing can be sent now. */
  settled() {
    return new Promise((done) => {
      this.#waiters.push(done);
      this.#changed();
    });
  }

  /** Keeps and sends one record. */
  put(record) {
    record.reader = this.#reader;
    this.#aim(record);
    this.#queue.push(record);
    this.#keep(record);
    this.#changed();
    this.#send();
  }

  /** A withdrawal of a finding that this browser reported knows its number only once the server has given it. */
  #aim(record) {
    const number = this.#numbers.get(record.of);
    if (number === undefined) return false;
    record.path = record.path.replace("{id}", number);
    delete record.of;
    return true;
  }

  /** Tries now instead of at the next appointed time. */
  retry() {
    this.#timers.clearTimeout(this.#timer);
    this.#timer = 0;
    this.#send();
  }

  #keep(record) {
    const before = this.#storing.get(record) ?? Promise.resolve();
    const storing = before.then(() => this.#store.put(record));
    this.#storing.set(record, storing);
    storing.then(() => this.#storing.get(record) === storing && this.#storing.delete(record));
  }

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

  /** @returns {Promise<boolean>} whether to go on with the next record */
  async #sendOne(record) {
    await this.#storing.get(record);
    if (this.#next() !== record) return true;
    const { method, base, path, body, on, what } = record;
    const inAddress = method === "DELETE" && on ? `&state=${on.state}&revision=${on.revision}` : "";
    try {
      const answer = await this.#request(method, base + path + inAddress, body && { ...body, ...(on && { on }) }, {
        // A report of time may be the page's last word.
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

  #remove(record) {
    this.#queue = this.#queue.filter((each) => each !== record);
  }

  #reached() {
    this.#failures = 0;
    this.state = "ok";
  }

  #arrived(record, answer) {
    this.#remove(record);
    this.accepted += 1;
    if (record.what === "finding") {
      this.#numbers.set(record.body.key, answer.id);
      for (const each of this.#queue) if (this.#aim(each)) this.#keep(each);
    }
    this.#forget(record);
    if (LAST_WORDS.has(record.what)) {
      this.#fulfilled(record.base);
      this.#releaseTurns();
    }
    this.onanswer(record, answer);
    this.#changed();
  }

  /** A last word was taken: an earlier one on the same pair that was refused has nothing more to say. */
  #fulfilled(base) {
    const done = this.refused.filter((each) => each.base === base && LAST_WORDS.has(each.what));
    this.refused = this.refused.filter((each) => !done.includes(each));
    for (const each of done) this.#forget(each);
  }

  /** It may be another pair's turn now. */
  #releaseTurns() {
    for (const [base, { code }] of this.#held) if (code === "not_yet") this.#held.delete(base);
  }

  #failed(record, error) {
    const { code } = error.body;
    if (error.kind === "conflict" && HOLDING.has(code) && !NO_ANSWER.has(record.what)) {
      const { present = null, detail = "" } = error.body;
      this.#reached();
      const hold = { base: record.base, position: record.position, code, present, detail };
      this.#held.set(record.base, hold);
      this.onheld(hold);
      this.#changed();
      return true;
    }
    if (error.kind === "refused" || (error.kind === "conflict" && !PASSING.has(code))) {
      this.#reached();
      this.#refuse(record, error);
      return true;
    }
    this.state = error.kind === "conflict" ? code : error.kind;
    this.said = error.body;
    const pause = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    this.#timer = this.#timers.setTimeout(() => this.retry(), pause);
    this.#changed();
    return false;
  }

  #refuse(record, error) {
    this.#remove(record);
    if (NO_ANSWER.has(record.what)) {
      this.#forget(record);
    } else {
      this.#setAside(record, LAST_WORDS.has(record.what) ? error.words : error.message);
      // The server has not counted it: what was made after it was made on one revision less.
      for (const each of this.waiting(record.base)) {
        if (each.on) each.on = { ...each.on, revision: each.on.revision - 1 };
        this.#keep(each);
      }
    }
    this.onrefused(record, error);
    this.#changed();
  }

  #setAside(record, sentence) {
    record.refused = sentence;
    this.refused = [...this.refused, record];
    this.#keep(record);
  }

  /** It is this pair's turn after all. */
  release(base) {
    this.#held.delete(base);
    this.#changed();
    this.#send();
  }

  /** The reader keeps what the server has: the own records for this address are set aside. */
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
   * @param {{state: string, revision: number}} on as the presentation is at the server
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
