/** What has been seen of the test patterns, and what is asked next. No page, no network. */

/**
 * @typedef {{ground: number, patch: number}} Patch % of full drive
 * @typedef {object} Patterns as the site asks for them
 * @property {number} steps
 * @property {Record<"dark"|"bright", Patch>} patches
 * @property {number[]} sizes of the discs, device pixels
 * @property {number[]} contrasts % of full drive
 * @property {number} ground under the discs
 * @property {number} noise
 * @property {number} needed of the discs
 *
 * @typedef {{size: number, contrast: number, quarter: number, answer: number|null}} Disc
 */

export class Check {
  #random;

  /**
   * Places are drawn anew each time, so that nobody learns them.
   * @param {Patterns} patterns
   * @param {() => number} [random]
   */
  constructor(patterns, random = Math.random) {
    this.patterns = patterns;
    this.#random = random;
    /** @type {"steps"|"dark"|"bright"|"discs"|"done"} */
    this.stage = "steps";
    /** @type {Set<number>} borders between steps that were not seen */
    this.missed = new Set();
    this.places = { dark: this.#quarter(), bright: this.#quarter() };
    /** @type {{dark: number|null, bright: number|null}} */
    this.answers = { dark: null, bright: null };
    /** @type {Disc[]} */
    this.discs = patterns.contrasts.flatMap((contrast) =>
      patterns.sizes.map((size) => ({ size, contrast, quarter: this.#quarter(), answer: null })));
  }

  #quarter() {
    return 1 + Math.floor(4 * this.#random());
  }

  /** The disc that is looked for now. */
  get disc() {
    return this.stage === "discs" ? (this.discs.find(({ answer }) => answer === null) ?? null) : null;
  }

  /** How many answers are still wanted. */
  get left() {
    const open = this.discs.filter(({ answer }) => answer === null).length;
    return open + Number(this.answers.dark === null) + Number(this.answers.bright === null) + Number(this.stage === "steps");
  }

  get found() {
    return this.discs.filter(({ answer, quarter }) => answer === quarter).length;
  }

  /** Discs that have an answer. */
  get asked() {
    return this.discs.filter(({ answer }) => answer !== null).length;
  }

  /** @param {"dark"|"bright"} name */
  sees(name) {
    return this.answers[name] === this.places[name];
  }

  /** @param {number} border 1 … steps − 1: not seen, or seen after all */
  toggle(border) {
    if (this.stage !== "steps") return;
    if (!this.missed.delete(border)) this.missed.add(border);
  }

  /** All other borders are seen. */
  next() {
    if (this.stage === "steps") this.stage = "dark";
  }

  /**
   * Where the patch or the disc is. There is a disc in every field: “none” is an answer about patches alone.
   * @param {number} quarter 1 … 4 as one reads, 0 where none is seen
   */
  answer(quarter) {
    if (this.stage === "dark" || this.stage === "bright") {
      this.answers[this.stage] = quarter;
      this.stage = this.stage === "dark" ? "bright" : "discs";
    } else if (this.disc && quarter) {
      this.disc.answer = quarter;
      if (this.left === 0) this.stage = "done";
    }
  }

  /** What the site keeps. */
  get result() {
    return {
      missed: [...this.missed].sort((a, b) => a - b),
      dark: this.sees("dark"),
      bright: this.sees("bright"),
      discs: this.discs,
    };
  }
}
