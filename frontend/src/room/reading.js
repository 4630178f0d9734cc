/**
 * Which pair is on screen, which final writes are under way, and what an answer may do.
 *
 * Only the reader's own action on the pair on screen leaves it: its confirmation (and the answer to that one), skipping,
 * the way back. Between two pairs of one part the next one is shown with the confirmation, if it is there as a whole.
 * The answer to a confirmation that the reader did not wait for tells what lies ahead and nothing else.
 * No page, no network of its own.
 */

import { ApiError, newKey } from "./api.js";
import { after, FINAL_WRITES } from "./outbox.js";

const RETRY_MS = 3000;

/**
 * @import { Body, Method, Next, On, Pair, Present, Request, Rest, Turn, What, Write } from "../server.ts"
 * @import { Ahead } from "./ahead.js"
 * @import { Hold, Outbox } from "./outbox.js"
 *
 * A final write that was refused while another pair was on screen.
 * @typedef {{base: string, code: "refused", position: number, detail: string}} Refused
 * @typedef {Hold|Refused} Owed
 *
 * What the room does for the reading.
 * @typedef {object} Page
 * @property {(body: Pair) => void} show a pair, from its middle slice, with nothing left of the one before
 * @property {(body: Pair) => void} refill the pair on screen holds other answers now
 * @property {(state: Rest) => void} rest a break, the last look or the end
 * @property {(next: Next) => void} arrive the awaited answer is there: pauses where one is due, then `present(next)`
 * @property {(next: Pair) => boolean} due whether something comes before this pair, such as a pause
 * @property {(feedback: string) => void} remember what is to be said about a practice pair
 * @property {(words: string) => void} wait nothing can be shown yet
 * @property {(title: string, detail: string) => void} announce
 * @property {(error: ApiError, again: () => void) => void} blocked the server cannot be read from
 * @property {() => void} reached it can
 * @property {(hold: Hold) => void} choose the server has another version of the pair on screen
 * @property {(record: Write) => void} unconfirmed the confirmation of the pair on screen was refused
 * @property {(owed: Owed) => void} owe a pair that is not on screen wants the reader
 * @property {() => void} ahead what comes next has changed
 */

export class Reading {
  #opening = 0;
  /** @type {string[]} */
  #visited = [];
  /** @type {Refused[]} not yet told at length */
  #owed = [];

  /**
   * @param {object} parts
   * @param {string} parts.base address of the reading, ending in a slash
   * @param {Request} parts.request rejects with ApiError
   * @param {Outbox} parts.outbox
   * @param {Ahead} parts.ahead
   * @param {(work: () => void, ms: number) => void} [parts.later]
   * @param {Page} page
   */
  constructor({ base, request, outbox, ahead, later = setTimeout }, page) {
    this.base = base;
    this.request = request;
    this.outbox = outbox;
    this.ahead = ahead;
    this.later = later;
    this.page = page;
    /** @type {Pair|null} the pair on screen; null on a break, at the end and before the first */
    this.body = null;
    /** @type {On|null} state and revision of the pair on screen, own writes counted */
    this.on = null;
    /** @type {string|null} address of the pair on screen once its final write is given: the answer says what comes next */
    this.awaited = null;
    /** Why the list is not finished, where the server would not have it. */
    this.notice = "";
    outbox.onanswer = (record, answer) => {
      if (FINAL_WRITES.has(record.what)) this.#answered(record, /** @type {Next} */ (answer));
    };
    outbox.onrefused = (record, error) => this.#refused(record, error);
    outbox.onheld = (hold) => this.#held(hold);
  }

  /** Address of the pair on screen. */
  get address() {
    return this.body && this.addressOf(this.body.token);
  }

  /** The pair on screen, for what can only be done with one. */
  get #pair() {
    if (!this.body) throw new Error("No pair is on screen.");
    return { ...this.body, address: this.addressOf(this.body.token) };
  }

  /** @param {string} token */
  addressOf(token) {
    return `${this.base}${token}/`;
  }

  /**
   * Pairs that are not on screen and want the reader: two versions to choose from, a confirmation that was refused.
   * @returns {Owed[]}
   */
  get owed() {
    return [...this.outbox.disputes.filter((hold) => hold.base !== this.address), ...this.#owed];
  }

  // -- answers -------------------------------------------------------------------------------------------------

  /**
   * Keeps one answer about the pair on screen, and sends it when its turn comes.
   * @template {What} W
   * @param {W} what
   * @param {Method} method
   * @param {string} path below the pair's address
   * @param {Body<W>} said
   * @param {{of?: string}} [more] of the record
   * @returns {string} the record's key
   */
  write(what, method, path, said, more = {}) {
    const key = newKey();
    const body = method === "DELETE" ? null : { ...said, key };
    const address = method === "DELETE" ? `${path}?key=${key}` : path;
    const { address: base, position } = this.#pair;
    const { on } = this;
    if (what !== "time") {
      this.#opening += 1; // whoever answers stays with this pair
      this.on = after(on, what);
    }
    const record = { base, what, method, path: address, body, on: what === "time" ? null : on, position, ...more };
    this.outbox.put(/** @type {Write} */ (record));
    return key;
  }

  /**
   * The reader is done with the pair on screen; the answer to this record is waited for.
   * @template {"confirm"|"skip"|"guess"} W
   * @param {W} what
   * @param {Body<W>} said
   */
  writeFinal(what, said) {
    const { address, token } = this.#pair;
    const next = what === "confirm" ? this.#atOnce() : null;
    this.awaited = address;
    if (what === "confirm") this.#visited.push(token);
    this.write(what, "POST", `${what}/`, said);
    if (this.awaited !== address) return; // without a connection the reader is on the next pair by now
    if (next) this.present(next);
    else if (this.outbox.held(address)?.code === "not_yet") this.load("current/");
    else this.goOn();
  }

  /**
   * The next pair where it need not wait for the server to take the confirmation: both are pairs of one part, neither
   * is for practice, nothing comes between them, no other pair wants the reader, and the server has said that it is
   * this one's turn: it took the confirmation before.
   */
  #atOnce() {
    const { body, outbox } = this;
    if (!body || body.kind === "training" || body.state !== "in_progress" || body.guess) return null;
    if (outbox.state !== "ok" || this.owed.length || outbox.held(this.addressOf(body.token))) return null;
    const next = this.#ahead();
    if (!next || this.#visited.includes(next.token)) return null;
    const goesOn = next.kind !== "training" && next.part === body.part && !this.page.due(next);
    return goesOn ? { ...next, confirmed: body.confirmed + 1, total: body.total } : null;
  }

  /** The pair after the one on screen, if it is there as a whole. */
  #ahead() {
    const [token, ...next] = this.body?.next ?? [];
    const ahead = token ? this.ahead.whole(token) : null;
    return ahead && { ...ahead, previous: null, next };
  }

  /** The reader has had the last look: the questions may come. */
  finish() {
    this.awaited = this.base;
    this.outbox.put({ base: this.base, what: "finish", method: "POST", path: "finish/", body: { key: newKey() }, on: null, position: 0 });
  }

  /** Without a connection the pairs fetched ahead can be read; their answers wait behind the confirmation. */
  goOn() {
    if (!this.awaited || this.outbox.state !== "offline" || !this.body || this.body.guess) return;
    const ahead = this.#ahead();
    if (ahead) this.present(ahead);
    else this.page.announce("No connection", "confirmed here; the next pair comes when the connection returns");
  }

  /** @param {Write} record @param {Next} next */
  #answered(record, next) {
    if (next.feedback) this.page.remember(next.feedback);
    if (this.awaited === record.base) this.page.arrive(next);
    else this.late(next);
  }

  /**
   * The answer to a final write that nobody waits for any more.
   * @param {Turn} next
   */
  late(next) {
    const { body } = this;
    if (next.token === undefined && next.briefing) return void this.present(next);
    if (!body || !next.token) return;
    const at = (next.next ?? []).indexOf(body.token);
    if (next.token !== body.token && at < 0) return;
    body.next = next.token === body.token ? next.next : next.next.slice(at + 1);
    body.total = next.total;
    if (next.token === body.token) body.state = next.state;
    this.ahead.want(body.next);
    this.page.ahead();
  }

  /**
   * @param {Write} record
   * @param {ApiError} error
   */
  #refused(record, error) {
    if (!FINAL_WRITES.has(record.what)) {
      if (record.what === "time") return;
      if (record.base === this.address) this.#unsay(error.body.present);
      this.page.announce("Not accepted", error.message);
    } else if (this.awaited !== record.base) {
      this.#owed.push({ base: record.base, code: "refused", position: record.position, detail: error.words });
      this.page.announce(`Pair ${record.position} is not confirmed`, `${error.words}; your key for the pair before goes there`);
    } else if (record.what === "confirm" && record.base === this.address) {
      this.awaited = null;
      this.on = record.on;
      this.page.unconfirmed(record);
    } else {
      this.notice = error.words;
      this.load("current/");
    }
  }

  /**
   * An answer about the pair on screen was refused: the screen shows what stands at the server.
   * @param {Present} [present]
   */
  #unsay(present) {
    if (present?.answers) this.#take(present);
    else if (this.on) this.on = { ...this.on, revision: this.on.revision - 1 };
  }

  /** @param {Hold} hold */
  #held(hold) {
    const due = hold.code !== "not_yet";
    if (due && hold.base === this.address) {
      this.page.choose(hold);
    } else if (hold.base === this.awaited) {
      this.load("current/");
    } else if (due) {
      this.page.announce(`Pair ${hold.position} was changed in another place`, "you are asked when you confirm this pair");
    }
  }

  /**
   * The reader has heard of a refused final write.
   * @param {Owed} owed
   */
  heard(owed) {
    this.#owed = this.#owed.filter((each) => each !== owed);
  }

  /**
   * The reader keeps what the server has.
   * @param {Hold} hold
   */
  keep(hold) {
    const here = hold.base === this.address;
    this.outbox.yield(hold.base);
    if (!this.body) this.load("current/");
    if (!here) return;
    const done = hold.present.state === "confirmed" && this.body?.state !== "confirmed";
    if (done || !hold.present.answers) {
      // Confirmed in another place: it is another pair's turn.
      this.awaited = hold.base;
      this.load("current/");
    } else {
      this.awaited = null;
      this.#take(hold.present);
    }
  }

  /**
   * The reader keeps what was answered here.
   * @param {Hold} hold
   */
  insist(hold) {
    if (hold.base === this.address && hold.present.answers) this.#take(hold.present);
    this.outbox.insist(hold.base, hold.present.on);
    if (hold.base === this.address) this.on = this.#known(hold.present);
    if (!this.body) this.load("current/");
  }

  /**
   * The pair on screen is at the server as `present` says.
   * @param {Pair} present
   */
  #take(present) {
    this.body = { ...present, next: present.next ?? this.body?.next };
    this.on = this.#known(present);
    this.page.refill(this.body);
  }

  // -- pairs ---------------------------------------------------------------------------------------------------

  /**
   * As it is at the server, and the own writes that wait.
   * @param {Present} body
   * @returns {On|null}
   */
  #known(body) {
    const last = this.outbox.waiting(this.addressOf(body.token)).findLast((record) => record.what !== "time");
    return last?.on ? after(last.on, last.what) : (body.on ?? null);
  }

  /**
   * Fetches a presentation (or `current/`) and shows it, unless the reader has gone on with the pair on screen.
   * With a pair on screen one attempt is made; without one it is tried until there is a pair.
   * @param {string} path below the address of the reading
   * @returns {Promise<void>}
   */
  async load(path) {
    this.#opening += 1;
    const mine = this.#opening;
    const again = () => {
      if (mine === this.#opening) this.load(path);
    };
    const { accepted } = this.outbox;
    try {
      const body = await this.request("GET", this.base + path);
      if (mine !== this.#opening) return;
      // Answers arrived meanwhile: `body` may be from before them.
      if (accepted !== this.outbox.accepted) return void this.load(path);
      this.page.reached();
      this.present(body);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine !== this.#opening) return;
      this.page.blocked(error, again);
      if (error.kind === "refused") return;
      if (this.body && !this.awaited) return;
      this.later(again, RETRY_MS);
    }
  }

  /** The pair before, where the protocol allows it. */
  async back() {
    const { previous, token: now } = this.#pair;
    const token = previous ?? this.#visited.at(-1);
    if (!token || token === now) return void this.page.announce("This is the first pair", "");
    await this.#look(`${token}/`);
  }

  /** From a pair that was opened again to the one whose turn it is. */
  async leave() {
    await this.#look("current/");
  }

  /** @param {string} path */
  async #look(path) {
    this.#opening += 1;
    const mine = this.#opening;
    await this.outbox.settled();
    if (mine === this.#opening) await this.load(path);
  }

  /** @param {Turn} body a presentation, a break, the last look or the end */
  present(body) {
    this.#opening += 1;
    this.awaited = null;
    if (body.token === undefined) {
      this.body = null;
      this.page.rest(body.break ?? body);
      if (this.owed.length) this.page.owe(this.owed[0]);
      return;
    }
    const base = this.addressOf(body.token);
    if (this.outbox.hasFinalWrite(base)) return void this.#follow(body, base);
    if (this.outbox.held(base)?.code === "not_yet") this.outbox.release(base);
    const next = body.next ?? [];
    this.ahead.want([body.token, ...next]);
    this.body = body;
    this.on = this.#known(body);
    this.page.show(body);
    this.ahead.want(next);
    this.#owed = this.#owed.filter((each) => each.base !== base);
    const [refused, hold] = [this.outbox.refusal(base), this.outbox.held(base)];
    if (refused) this.page.unconfirmed(refused);
    if (hold) this.page.choose(hold);
    if (body.geometry) return;
    this.later(() => {
      if (this.body === body) this.load("current/");
    }, RETRY_MS);
  }

  /**
   * The server does not know yet that the reader is done with this pair: what comes next is in the answer to that.
   * @param {Pair} body
   * @param {string} base its address
   */
  #follow(body, base) {
    const hold = this.outbox.held(base);
    if (hold && hold.code !== "not_yet") {
      this.body = body;
      this.on = this.#known(body);
      this.page.show(body);
      this.awaited = base;
      this.page.choose(hold);
      return;
    }
    this.body = null;
    this.awaited = base;
    this.page.wait("sending what was answered here");
    this.outbox.release(base);
  }

  /** Nothing on screen for now: the reader rests. */
  pause() {
    this.#opening += 1;
    this.awaited = this.body = null;
  }

  /** Another tab reads now. */
  stop() {
    this.pause();
    this.outbox.stop();
  }
}
