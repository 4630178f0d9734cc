/**
 * Every answer goes through here: kept in IndexedDB first, sent in order, dropped when the server has it.
 * A record holds the presentation's address and the answer, nothing else.
 */

import { ApiError, request } from "./api.js";

const STORE = "answers";
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000];

/** @returns {Promise<IDBDatabase|null>} null where the browser gives no storage; answers then live in memory only */
function open() {
  return new Promise((done) => {
    try {
      const opening = indexedDB.open("reading", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
      opening.onsuccess = () => done(opening.result);
      opening.onerror = () => done(null);
    } catch {
      done(null);
    }
  });
}

export class Outbox {
  #database = null;
  #queue = [];
  #storing = new Set();
  #cancelled = new Set();
  #results = new Map();
  #sending = false;
  #stopped = false;
  #failures = 0;
  #timer = 0;

  constructor() {
    /** @type {"ok"|"offline"|"expired"|"conflict"} */
    this.state = "ok";
    /** The server's last sentence, where the state is `conflict`. */
    this.detail = "";
    /** Answers the server refused for good; they stay in the browser's storage. */
    this.refused = 0;
    /** Called after each change of state or length. */
    this.onchange = () => {};
    /** Called with an ApiError and its record when the server refuses an answer. */
    this.onrefused = () => {};
  }

  /** Answers not yet at the server; reports of time are not counted. */
  get kept() {
    return [...this.#storing, ...this.#queue].filter((record) => record.what !== "time").length;
  }

  get empty() {
    return this.#queue.length === 0 && this.#storing.size === 0;
  }

  /** Records that still wait for one address, oldest first. */
  waiting(base) {
    return this.#queue.filter((record) => record.base === base);
  }

  /** Opens the store and takes up what an earlier page left. */
  async start() {
    this.#database = await open();
    if (this.#database) {
      const left = await new Promise((done) => {
        const reading = this.#database.transaction(STORE).objectStore(STORE).getAll();
        reading.onsuccess = () => done(reading.result);
        reading.onerror = () => done([]);
      });
      this.#queue = left;
    }
    addEventListener("offline", () => this.#becomes("offline"));
    addEventListener("online", () => {
      if (this.empty) this.#becomes("ok");
      this.retry();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.state !== "ok") this.retry();
    });
    this.#send();
  }

  #becomes(state) {
    this.state = state;
    this.onchange();
  }

  /** Leaves the rest to another tab. */
  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Resolves when the queue is empty or cannot be emptied now. */
  settled() {
    return new Promise((done) => {
      const check = () => {
        if (this.empty || this.state !== "ok" || this.#stopped) done();
        else setTimeout(check, 10);
      };
      check();
    });
  }

  /**
   * Keeps and sends one answer.
   * @param {object} record `{base, what, method, path, body}`; `path` is relative to `base`, `body.key` makes it idempotent
   * @returns {Promise<object>} the server's answer, once it has it; rejects with ApiError where it refuses
   */
  async put(record) {
    const result = new Promise((resolve, reject) => this.#results.set(record, { resolve, reject }));
    result.catch(() => {});
    this.#storing.add(record);
    this.onchange();
    await this.#keep(record);
    this.#storing.delete(record);
    if (this.#cancelled.delete(record)) this.#drop(record);
    else this.#queue.push(record);
    this.onchange();
    this.#send();
    return result;
  }

  /**
   * Takes back an answer that has not been sent.
   * @returns {boolean} false where it is on its way or has arrived
   */
  cancel(record) {
    if (this.#storing.has(record)) {
      this.#cancelled.add(record);
      return true;
    }
    const at = this.#queue.indexOf(record);
    if (at < 0 || (at === 0 && this.#sending)) return false;
    this.#queue.splice(at, 1);
    this.#drop(record);
    this.onchange();
    return true;
  }

  #drop(record) {
    this.#results.delete(record);
    this.#forget(record);
    if (this.empty && this.state === "offline" && navigator.onLine) this.state = "ok";
  }

  /** Tries now instead of at the next appointed time. */
  retry() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#send();
  }

  #keep(record) {
    return new Promise((done) => {
      if (!this.#database) return done();
      const writing = this.#database.transaction(STORE, "readwrite");
      const adding = writing.objectStore(STORE).add({ ...record });
      adding.onsuccess = () => {
        record.id = adding.result;
      };
      writing.oncomplete = writing.onerror = writing.onabort = () => done();
    });
  }

  #forget(record) {
    if (this.#database && record.id !== undefined) {
      this.#database.transaction(STORE, "readwrite").objectStore(STORE).delete(record.id);
    }
  }

  async #send() {
    if (this.#sending || this.#stopped || this.#timer) return;
    this.#sending = true;
    try {
      while (this.#queue.length && !this.#stopped) {
        if (!(await this.#sendOne(this.#queue[0]))) break;
      }
    } finally {
      this.#sending = false;
      this.onchange();
    }
  }

  /** @returns {Promise<boolean>} whether to go on with the next record */
  async #sendOne(record) {
    try {
      const answer = await request(record.method, record.base + record.path, record.body, {
        // A report of time may be the page's last word.
        keepalive: record.what === "time",
      });
      this.#queue.shift();
      this.#forget(record);
      this.#failures = 0;
      this.state = "ok";
      this.#results.get(record)?.resolve(answer);
      this.#results.delete(record);
      this.onchange();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { code } = error.body;
      const final = error.kind === "refused" || (error.kind === "conflict" && code !== "not_open");
      if (final) {
        // A foreign or outdated answer must not block the ones behind it.
        this.#queue.shift();
        if (code === "confirmed" || record.what === "time" || error.status === 422) this.#forget(record);
        const result = this.#results.get(record);
        this.#results.delete(record);
        // Left by an earlier page: another reader's perhaps, who will send it when it is their turn at this machine.
        if (!result) return true;
        if (record.what !== "time") this.refused += 1;
        result.reject(error);
        this.onrefused(error, record);
        return true;
      }
      this.state = error.kind;
      this.detail = error.body.detail ?? "";
      const pause = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
      this.#failures += 1;
      this.#timer = setTimeout(() => this.retry(), pause);
      this.onchange();
      return false;
    }
  }
}
