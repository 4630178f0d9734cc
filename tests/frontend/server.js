/** The reading room's server as the browser sees it: a list of pairs that takes answers in order, each on what it was made on. */

const ON = ({ state, revision }) => ({ state, revision });
const unconfirmed = (state) => (state === "confirmed" ? state : "open");

export class Server {
  /** @param {number} pairs named p1, p2, … */
  constructor(pairs, { allowBack = false } = {}) {
    this.allowBack = allowBack;
    this.open = true;
    /** Code of the reader who is signed in. */
    this.reader = "R1";
    this.pairs = Array.from({ length: pairs }, (_, at) => ({
      token: `p${at + 1}`, position: at + 1, state: at ? "scheduled" : "in_progress", revision: 0, writes: [], others: 0,
    }));
    this.keys = new Map();
    /** Pairs of which the next confirmation is refused. */
    this.refusing = new Set();
  }

  get current() {
    return this.pairs.find(({ state }) => state !== "confirmed");
  }

  pair(token) {
    return this.pairs.find((each) => each.token === token);
  }

  get wayBack() {
    return this.allowBack ? this.pairs.findLast(({ state }) => state === "confirmed") : undefined;
  }

  /** Everything the browser is told about a pair. */
  body(pair) {
    if (!pair) return { finished: true, confirmed: this.pairs.length, total: this.pairs.length };
    const after = this.pairs.slice(this.pairs.indexOf(pair) + 1).filter(({ state }) => state !== "confirmed");
    return {
      token: pair.token, state: pair.state, position: pair.position, total: this.pairs.length, on: ON(pair), geometry: {},
      criteria: [1], answers: { ratings: pair.writes.length ? { 1: pair.writes.at(-1) } : {}, findings: [] },
      previous: this.wayBack && this.wayBack !== pair ? this.wayBack.token : null,
      next: after.slice(0, 3).map(({ token }) => token), seenOthers: pair.others,
    };
  }

  #start() {
    if (this.current?.state === "scheduled") this.current.state = "in_progress";
    return this.body(this.current);
  }

  /** Another browser of the same reader. */
  other(token, what) {
    const pair = this.pair(token);
    pair.revision += 1;
    pair.others += 1;
    if (what === "confirm") pair.state = "confirmed";
    this.#start();
  }

  /** @returns {{status: number, body: object}} */
  answer(method, path, said, reader) {
    if (reader !== this.reader) return { status: 409, body: { code: "other_reader", detail: "" } };
    if (!this.open) return { status: 409, body: { code: "not_open", state: "paused", detail: "" } };
    const [token, what] = path.split("/");
    if (token === "current") return { status: 200, body: this.#start() };
    const pair = this.pair(token);
    if (method === "GET") return { status: 200, body: this.body(pair) };
    const last = what === "confirm" || what === "skip";
    if (this.keys.has(said.key)) return { status: 200, body: last ? this.#start() : this.keys.get(said.key) };
    const refuse = (code) => ({ status: 409, body: { code, detail: code, present: this.body(pair) } });
    const { on } = said;
    if (!on || on.revision !== pair.revision || unconfirmed(on.state) !== unconfirmed(pair.state)) return refuse("stale");
    if (pair.state === "confirmed" && pair !== this.wayBack) return refuse("confirmed");
    if (pair.state !== "confirmed" && pair !== this.current) return refuse("not_yet");
    if (what === "confirm" && (this.refusing.delete(token) || !(pair.writes.length || pair.others))) return { status: 422, body: { missing: ["SNR"], detail: "missing" } };
    pair.revision += 1;
    if (what === "confirm") pair.state = "confirmed";
    else if (what === "skip") this.#putOff(pair);
    else pair.writes.push({ score: said.score, status: "rated" });
    this.keys.set(said.key, { saved: true, on: ON(pair) });
    return { status: 200, body: last ? this.#start() : this.keys.get(said.key) };
  }

  #putOff(pair) {
    pair.state = "scheduled";
    this.pairs = [...this.pairs.filter((each) => each !== pair), pair];
  }
}
