/** What is drawn and not saved yet, kept in this browser: a closed tab loses nothing. */

/** @typedef {{base: number|null, runs: number[]}} Draft */

export class Drafts {
  #key;
  #store;

  /**
   * @param {string} key of the series and the person
   * @param {Pick<Storage, "getItem"|"setItem"|"removeItem">} store
   */
  constructor(key, store) {
    this.#key = `drawing ${key}`;
    this.#store = store;
  }

  /** @returns {Record<string, Draft>} by the name of the site */
  all() {
    try {
      return JSON.parse(this.#store.getItem(this.#key) ?? "{}");
    } catch {
      return {};
    }
  }

  /**
   * @param {string} name
   * @param {Draft|null} draft null: it is saved, or given up
   * @returns {boolean} whether it is kept; a full or closed store keeps nothing
   */
  put(name, draft) {
    const kept = this.all();
    delete kept[name];
    if (draft) kept[name] = draft;
    try {
      if (Object.keys(kept).length) this.#store.setItem(this.#key, JSON.stringify(kept));
      else this.#store.removeItem(this.#key);
      return true;
    } catch {
      return false;
    }
  }
}
