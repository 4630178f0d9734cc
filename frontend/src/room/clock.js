/** Active seconds: counted while the tab is visible and something was done within the last minute. */

const IDLE_MS = 60_000;
const TICK_MS = 1000;
const EVENTS = ["pointermove", "pointerdown", "keydown", "wheel"];

export class Clock {
  #seconds = 0;
  #tick = performance.now();
  #input = performance.now();
  #running = false;

  constructor() {
    const touched = () => {
      this.#count();
      this.#input = performance.now();
    };
    for (const name of EVENTS) addEventListener(name, touched, { passive: true, capture: true });
    document.addEventListener("visibilitychange", () => this.#count(document.visibilityState === "hidden"));
    setInterval(() => this.#count(), TICK_MS);
  }

  #count(wasVisible = document.visibilityState === "visible") {
    const now = performance.now();
    // A timer that fires late (sleep, throttling) must not count the gap.
    const passed = Math.min(now - this.#tick, 2 * TICK_MS);
    if (this.#running && wasVisible && this.#tick - this.#input < IDLE_MS) this.#seconds += passed / 1000;
    this.#tick = now;
  }

  /**
   * Counts from now, for a new pair, or not at all while there is nothing to look at.
   * @param {boolean} running
   */
  run(running) {
    this.#count();
    this.#running = running;
  }

  /** Active seconds since the last call. */
  take() {
    this.#count();
    const seconds = Math.round(this.#seconds * 10) / 10;
    this.#seconds -= seconds;
    return Math.max(0, seconds);
  }
}
