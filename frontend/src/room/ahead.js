/** Pairs fetched before their turn, in the order of reading, so that a lost connection does not stop it. */

import { ApiError } from "./api.js";

/**
 * @import { Geometry, Pair, Request } from "../server.ts"
 * @import { Stacks } from "./frames.js"
 */

export class Ahead {
  #base;
  #request;
  #stacks;
  #width;
  /** @type {string[]} */
  #wanted = [];
  /** @type {Map<string, {body: Pair, stacks: Stacks, taken: () => void}>} */
  #pairs = new Map();
  #looking = false;

  /**
   * @param {object} parts
   * @param {string} parts.base address of the reading, ending in a slash
   * @param {Request} parts.request rejects with ApiError
   * @param {(base: string, pair: {geometry: Geometry, order: number[]}) => Stacks} parts.stacks
   * @param {number} parts.width requests at once
   */
  constructor({ base, request, stacks, width }) {
    this.#base = base;
    this.#request = request;
    this.#stacks = stacks;
    this.#width = width;
  }

  /**
   * Lets go of pairs that will not come next: the schedule was changed, or one was skipped.
   * @param {string[]} tokens
   */
  want(tokens) {
    this.#wanted = tokens;
    for (const [token, { stacks }] of this.#pairs) {
      if (tokens.includes(token)) continue;
      this.#pairs.delete(token);
      stacks.stop();
    }
  }

  /**
   * @param {string} token
   * @returns {Stacks|null} what there is of a pair whose turn it is now
   */
  take(token) {
    const pair = this.#pairs.get(token);
    this.#pairs.delete(token);
    pair?.taken();
    return pair?.stacks ?? null;
  }

  /**
   * @param {string} token
   * @returns {Pair|null} a pair that is there as a whole
   */
  whole(token) {
    const pair = this.#pairs.get(token);
    return pair?.stacks.complete ? pair.body : null;
  }

  /** Fetches what is wanted, one pair after the other. */
  async look() {
    if (this.#looking) return;
    this.#looking = true;
    for (;;) {
      const token = this.#wanted.find((each) => this.whole(each) === null);
      if (!token || !(await this.#fetch(token))) break;
    }
    this.#looking = false;
  }

  /**
   * @param {string} token
   * @returns {Promise<boolean>} whether the pair is there as a whole
   */
  async #fetch(token) {
    try {
      const base = `${this.#base}${token}/`;
      const body = await this.#request("GET", base);
      if (!this.#wanted.includes(token) || !body.token || !body.geometry) return false;
      const { geometry, order } = body;
      const stacks = this.#stacks(base, { geometry, order });
      return await new Promise((done) => {
        this.#pairs.set(token, { body, stacks, taken: () => done(false) });
        const check = () => (stacks.complete || stacks.error || stacks.stopped) && done(stacks.complete);
        stacks.onslice = stacks.onerror = stacks.onstop = check;
        stacks.load(this.#width, "low");
        check();
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return false;
    }
  }
}
