/**
 * What was done with the images, for whoever looks back after the study: sampled at most four times a second, small, sent
 * when nothing else waits, dropped before it could hold anything up. `analysis/viewing_log.py` says what the entries mean.
 * Places are those of the screen; nothing here knows what stands where.
 */

import { ApiError, newKey } from "./api.js";

/**
 * @import { LogPiece, Request, Side } from "../server.ts"
 * @import { Answering } from "./answering.js"
 * @import { ImagePanes } from "./image_panes.js"
 * @import { Instruments } from "./instruments.js"
 * @import { Viewing } from "./viewing.js"
 *
 * @typedef {object} Visit one look at a pair
 * @property {string} address where its log goes
 * @property {string} id
 * @property {number} began ms
 * @property {number} number of the next piece
 * @property {number} arrived pieces that the server has
 * @property {string[]} entries of the piece that is being written
 * @property {number} pieceBegan ms
 * @property {string[]} last what the entry before said of everything
 * @property {number} tick of the entry before
 * @property {number} checksum CRC-32 so far
 */

const TICK_MS = 250;
/**
 * Bytes a second, and at once, that bodies may take: under 2 kB in any minute, though what was written in 75 seconds may
 * leave in one of 60. What there is no room for is said by the next entry.
 */
const RATE = 18;
const BURST = 500;
const PIECE_MS = 60_000;
const PIECE_BYTES = 1500;
/** Pieces that wait; then the oldest is given up. */
const WAITING = 20;
const RETRY_MS = 10_000;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/**
 * CRC-32 of text so far and some more.
 * @param {number} sum
 * @param {string} text ASCII
 */
export function crc32(sum, text) {
  let value = ~sum;
  for (let at = 0; at < text.length; at += 1) value = CRC_TABLE[(value ^ text.charCodeAt(at)) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}

/** @param {Side|null} pane */
const letter = (pane) => pane?.[0] ?? "-";

export class Interactions {
  /** @type {Visit|null} */
  #visit = null;
  /** @type {{visit: Visit, piece: LogPiece}[]} */
  #queue = [];
  #sending = false;
  #waitUntil = 0;
  #budget = BURST;
  #counted = performance.now();

  /**
   * @param {object} parts
   * @param {Request} parts.request
   * @param {{empty: boolean}} parts.outbox answers go first
   * @param {Viewing} parts.viewing
   * @param {Pick<ImagePanes, "front">} parts.imagePanes
   * @param {Pick<Instruments, "mode">} parts.instruments
   * @param {() => Answering["answers"]} answers of the pair on screen
   */
  constructor({ request, outbox, viewing, imagePanes, instruments }, answers) {
    this.request = request;
    this.outbox = outbox;
    this.viewing = viewing;
    this.imagePanes = imagePanes;
    this.instruments = instruments;
    this.answers = answers;
    setInterval(() => this.#tick(), TICK_MS);
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.#hurry());
    addEventListener("pagehide", () => {
      this.close();
      this.#hurry();
    });
  }

  /**
   * A pair is on screen.
   * @param {string} address of its log
   */
  open(address) {
    this.close();
    const now = performance.now();
    this.#visit = { address, id: newKey(), began: now, number: 0, arrived: 0, entries: [], pieceBegan: now, last: [], tick: 0, checksum: 0 };
    this.#sample(true);
  }

  /** The pair is left: what is on screen now ends its log. */
  close() {
    if (!this.#visit) return;
    this.#cut(true);
    this.#visit = null;
  }

  /** Everything that the log tells of the screen, in the order of its letters. */
  get #screen() {
    const { shown, swapped, linked, window, level, invert, zoom, centre, cine } = this.viewing;
    const { left, right } = shown ?? this.viewing.targets;
    const given = this.answers();
    return [
      `s${left === right ? left : `${left},${right}`}`,
      `v${letter(swapped)}`,
      `k${Number(linked)}`,
      `w${Math.round(window)},${Math.round(level)}`,
      `i${Number(invert)}`,
      `z${[100 * zoom, ...centre].map((value) => Math.round(value) + 0).join(",")}`,
      `c${Number(cine)}`,
      `e${letter(this.imagePanes.front)}`,
      `t${this.instruments.mode ?? "-"}`,
      `f${Number(document.visibilityState === "visible" && document.hasFocus())}`,
      `n${given ? given.places.filter((place) => given.answered(place)).length : 0}`,
    ];
  }

  #tick() {
    const visit = this.#visit;
    if (visit) {
      this.#sample();
      const full = visit.entries.join(";").length > PIECE_BYTES;
      if (visit.entries.length && (full || performance.now() - visit.pieceBegan > PIECE_MS)) this.#cut();
    }
    this.#send();
  }

  /** @param {boolean} [always] an entry even where nothing changed or no bytes are left */
  #sample(always = false) {
    const visit = this.#visit;
    if (!visit || (!this.viewing.shown && !visit.last.length)) return;
    const now = performance.now();
    const screen = this.#screen;
    const changed = screen.filter((field, at) => field !== visit.last[at]);
    if (!changed.length && !always) return;
    const tick = Math.round((now - visit.began) / TICK_MS);
    const first = visit.entries.length === 0;
    const entry = first ? [tick, ...screen].join(" ") : [tick - visit.tick, ...changed].join(" ");
    if (!this.#pay(entry.length + 1, always)) return;
    if (first) visit.pieceBegan = now;
    visit.entries.push(entry);
    visit.last = screen;
    visit.tick = tick;
  }

  /**
   * @param {number} bytes
   * @param {boolean} always
   */
  #pay(bytes, always) {
    const now = performance.now();
    this.#budget = Math.min(BURST, this.#budget + (RATE * (now - this.#counted)) / 1000);
    this.#counted = now;
    if (this.#budget < bytes && !always) return false;
    this.#budget -= bytes;
    return true;
  }

  /** Ends a piece. @param {boolean} [last] of the visit */
  #cut(last = false) {
    const visit = this.#visit;
    if (!visit) return;
    this.#sample(true);
    if (!visit.entries.length) return;
    const entries = visit.entries.join(";");
    visit.checksum = crc32(visit.checksum, `${entries}\n`);
    /** @type {LogPiece} */
    const piece = { visit: visit.id, number: visit.number, dropped: 0, entries };
    if (last) Object.assign(piece, { end: visit.last.join(" "), checksum: visit.checksum });
    this.#pay(JSON.stringify(piece).length - entries.length, true);
    visit.number += 1;
    visit.entries = [];
    this.#queue.push({ visit, piece });
    // The oldest may be under way; then it is the one after it.
    if (this.#queue.length > WAITING) this.#queue.splice(this.#sending ? 1 : 0, 1);
  }

  /** Sends the oldest piece, if no answer waits. */
  async #send() {
    const [oldest] = this.#queue;
    if (!oldest || this.#sending || !this.outbox.empty || performance.now() < this.#waitUntil) return;
    this.#sending = true;
    try {
      await this.#post(oldest);
      this.#queue.shift();
    } catch (error) {
      const later = error instanceof ApiError && (error.kind === "offline" || error.kind === "expired");
      if (later) this.#waitUntil = performance.now() + RETRY_MS;
      else this.#queue.shift();
    } finally {
      this.#sending = false;
    }
  }

  /** The page may be gone in a moment: what is left goes out at once, each piece on its own. */
  #hurry() {
    this.#cut();
    for (const waiting of this.#queue.splice(0)) this.#post(waiting, true).catch(() => {});
  }

  /**
   * @param {{visit: Visit, piece: LogPiece}} waiting
   * @param {boolean} [keepalive]
   */
  async #post({ visit, piece }, keepalive = false) {
    const dropped = piece.number - visit.arrived;
    await this.request("POST", visit.address, { ...piece, dropped }, { keepalive, priority: "low" });
    visit.arrived += 1;
  }
}
