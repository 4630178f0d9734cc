/** What has been answered about one pair, where the cursor stands and what is missing. No page, no network. */

export const INTEGRITY = "integrity";
export const DIAGNOSTIC = "diagnostic";

/** @import { Answers as Given, Config, Finding, Pair, Rating, Write } from "../server.ts" */

/** @param {Write} withdrawal @param {Finding} finding */
const takesBack = ({ of, path }, { key, id }) => (of ? of === key : path.startsWith(`findings/${id}/`));

/**
 * A presentation as it will be once the answers that still wait for the connection have arrived.
 * @template {{answers: Given}} P
 * @param {P} body of a presentation
 * @param {Write[]} records from the outbox, oldest first
 * @returns {P}
 */
export function overlay(body, records) {
  /** @type {Given} */
  const answers = { ...body.answers, ratings: { ...body.answers.ratings }, findings: [...body.answers.findings] };
  for (const record of records) {
    const { what, body: said } = record;
    if (what === "rating") answers.ratings[record.path.split("/")[1]] = said;
    else if (what === "integrity") answers.integrity = said.value || null;
    else if (what === "diagnostic") answers.diagnostic = said.value || null;
    else if (what === "comment") answers.comment = said.text;
    else if (what === "finding") answers.findings.push({ ...said, id: null });
    else if (what === "withdraw") answers.findings = answers.findings.filter((finding) => !takesBack(record, finding));
  }
  return { ...body, answers };
}

export class Answers {
  #config;
  /** @type {string[]} places, in the order in which they were answered */
  #last = [];

  /**
   * @param {Pick<Config, "criteria"|"ask_integrity"|"ask_diagnostic">} config
   * @param {Pick<Pair, "criteria"|"answers">} body
   */
  constructor(config, body) {
    this.#config = config;
    const asked = new Set(body.criteria.map(String));
    this.criteria = config.criteria.filter((criterion) => asked.has(String(criterion.id)));
    /** @type {Map<string, Rating>} */
    this.ratings = new Map(Object.entries(body.answers.ratings));
    this.integrity = body.answers.integrity;
    /** @type {Finding[]} */
    this.findings = body.answers.findings.map((finding) => ({ ...finding }));
    this.diagnostic = body.answers.diagnostic;
    this.comment = body.answers.comment ?? "";
    /** @type {number|null} the score given last, for the echo */
    this.echo = null;
    /** @type {string|null} the place where an answer is wanted */
    this.cursor = this.#firstEmpty();
  }

  get places() {
    const places = this.criteria.map((criterion) => String(criterion.id));
    if (this.#config.ask_integrity !== false) places.push(INTEGRITY);
    if (this.#config.ask_diagnostic !== false) places.push(DIAGNOSTIC);
    return places;
  }

  /** The criterion under the cursor. */
  get current() {
    return this.criterion(this.cursor);
  }

  /** @param {string|null} id */
  criterion(id) {
    return this.criteria.find((criterion) => String(criterion.id) === id);
  }

  /** @param {string} place */
  answered(place) {
    if (place === INTEGRITY) return this.integrity === "none" || (this.integrity === "findings" && this.findings.length > 0);
    if (place === DIAGNOSTIC) return this.diagnostic !== null;
    return ["rated", "cannot_judge", "not_applicable"].includes(this.ratings.get(place)?.status ?? "missing");
  }

  /** Places that still want an answer before the pair can be confirmed. */
  get missing() {
    return this.places.filter((place) => !this.answered(place) && this.criterion(place)?.required !== false);
  }

  #firstEmpty() {
    return this.places.find((place) => !this.answered(place)) ?? null;
  }

  /** Puts the cursor where an answer is wanted next. */
  advance() {
    this.cursor = this.#firstEmpty();
  }

  /** @param {string} place */
  moveTo(place) {
    if (this.places.includes(place)) this.cursor = place;
  }

  /**
   * Moves the cursor by one place; at either end it stays.
   * @param {number} step
   */
  move(step) {
    const { places } = this;
    const at = this.cursor === null ? places.length : places.indexOf(this.cursor);
    this.cursor = places[Math.min(places.length - 1, Math.max(0, at + step))];
  }

  /**
   * A new revision of one rating.
   * @param {string} id of the criterion
   * @param {number|null} score 1 … 5
   * @param {Rating["status"]} status
   * @returns {Rating}
   */
  rate(id, score, status = "rated") {
    const rating = { score, status, revision: (this.ratings.get(id)?.revision ?? 0) + 1 };
    this.ratings.set(id, rating);
    this.echo = score;
    if (status === "missing") {
      this.cursor = id;
    } else {
      this.#remember(id);
      this.advance();
    }
    return rating;
  }

  /** @param {Given["integrity"]} value */
  setIntegrity(value) {
    this.integrity = value;
    if (value === null) {
      this.cursor = INTEGRITY;
    } else {
      this.#remember(INTEGRITY);
      this.advance();
    }
  }

  /** @param {Given["diagnostic"]} value */
  setDiagnostic(value) {
    this.diagnostic = value;
    if (value === null) {
      this.cursor = DIAGNOSTIC;
    } else {
      this.#remember(DIAGNOSTIC);
      this.advance();
    }
  }

  /** @param {string} place */
  #remember(place) {
    this.#last = [...this.#last.filter((earlier) => earlier !== place), place];
  }

  /** The place answered last since the pair came on screen. */
  get latest() {
    return this.#last.at(-1) ?? null;
  }

  /** The place answered last, else the last answered in order; null where nothing is answered. */
  takeLast() {
    const place = this.#last.pop() ?? this.places.findLast((each) => this.answered(each)) ?? null;
    return place !== null && this.answered(place) ? place : null;
  }
}
