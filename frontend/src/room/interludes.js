/** Between pairs and after them: a break, a word about a practice pair, the last look, the end. */

import { around, byId, find, setText } from "../shared/dom.js";
import { button } from "./blocking_dialog.js";
import { lastLookPage, restPage } from "./rest_pages.js";
import { isStroke } from "./strokes.js";

/**
 * @import { Config, Next, Pair, Rest } from "../server.ts"
 * @import { Ahead } from "./ahead.js"
 * @import { Bindings } from "./bindings.js"
 * @import { Clock } from "./clock.js"
 * @import { Obstacles } from "./obstacles.js"
 * @import { Outbox } from "./outbox.js"
 * @import { Layer } from "./dialogs.js"
 * @import { Reading } from "./reading.js"
 * @import { ImagePanes } from "./image_panes.js"
 */

/** A key too many at the end of the list must not close the way back. */
const DEAF_MS = 400;

export class Interludes {
  /** Active seconds since the reading began or the last pause. */
  #worked = 0;
  /** @type {string[]} what is to be said about practice pairs once the reader leaves the pair on screen */
  #feedback = [];

  /**
   * @param {Config} config
   * @param {{reading: Reading, outbox: Outbox, ahead: Ahead, imagePanes: ImagePanes, clock: Clock, obstacles: Obstacles, bindings: Bindings}} parts
   * @param {() => void} leave takes the pair off the screen
   */
  constructor(config, { reading, outbox, ahead, imagePanes, clock, obstacles, bindings }, leave) {
    this.config = config;
    this.bindings = bindings;
    this.reading = reading;
    this.outbox = outbox;
    this.ahead = ahead;
    this.imagePanes = imagePanes;
    this.clock = clock;
    this.blockingDialog = obstacles.blockingDialog;
    this.leave = leave;
    /** @type {Layer|null} keys of the last look, while it is on screen */
    this.lastLook = null;
  }

  /** @param {number} seconds more of active reading */
  work(seconds) {
    this.#worked += seconds;
  }

  /** @param {string} feedback on a practice pair */
  remember(feedback) {
    this.#feedback.push(feedback);
  }

  /**
   * The answer that the reader waits for: the next pair, with a pause or a word before it.
   * @param {Next} next
   */
  arrive(next) {
    const { body } = this.reading;
    if (body && next.token !== undefined && this.#pauseDue(body, next)) {
      this.ahead.want([]);
      this.reading.pause();
      this.rest({ part: next.part > body.part ? body.part : null, parts: next.parts, read: next.confirmed, total: next.total });
    } else if (this.#feedback.length) {
      const go = button("Go on", () => {
        this.blockingDialog.hide("feedback");
        this.reading.present(next);
      }, true);
      this.blockingDialog.show("feedback", "About this practice pair", this.#feedback.splice(0).join(" "), go);
    } else {
      this.reading.present(next);
    }
  }

  /**
   * Whether something comes before the next pair: a pause, or a word about a practice pair.
   * @param {Pair} next
   */
  due(next) {
    const { body } = this.reading;
    return this.#feedback.length > 0 || (body !== null && this.#pauseDue(body, next));
  }

  /**
   * After a part, and when the eye is tired.
   * @param {Pair} body
   * @param {Pair & {feedback?: string}} next
   */
  #pauseDue(body, next) {
    if (next.guess || next.feedback) return false;
    return next.part > body.part || (this.config.break_minutes > 0 && this.#worked >= 60 * this.config.break_minutes);
  }

  /**
   * A briefing that was changed is read first, on its own page. A break, the last look or the end: a bright page takes
   * the images' place.
   * @param {Rest} state
   */
  rest(state) {
    if (state.briefing) return void location.assign(this.config.briefing);
    this.clock.take();
    this.#worked = 0;
    this.leave();
    this.imagePanes.hush();
    document.title = state.finished || state.last_look ? "All read" : "Break";
    const { home, sign } = this.config;
    const page = { title: document.body.dataset.title ?? "", kept: this.outbox.kept };
    if (state.last_look) this.#look(state, page);
    else this.#fill(restPage(state, { ...page, home, sign, oncontinue: () => this.reading.load("current/") }));
  }

  /**
   * @param {Rest} state
   * @param {{title: string, kept: number}} page
   */
  #look(state, page) {
    const once = /** @param {() => void} act */ (act) => () => {
      if (this.reading.awaited !== null) return;
      this.showStatus("one moment");
      act();
    };
    const onback = once(() => this.reading.load(`${state.previous}/`));
    const onfinish = once(() => this.reading.finish());
    const { notice } = this.reading;
    const since = performance.now();
    this.#fill(lastLookPage(state, { ...page, notice, backKey: this.bindings.mark("back"), onback, onfinish }));
    this.lastLook = {
      key: (event) => {
        if (event.repeat || performance.now() - since < DEAF_MS || around(event, "a, button")?.matches(":focus-visible")) return false;
        if (isStroke(event, "Enter")) onfinish();
        else if (this.bindings.action(event) === "back") onback();
        else return false;
        event.preventDefault();
        return true;
      },
    };
  }

  get resting() {
    return !byId("calm").hidden;
  }

  /**
   * Says how it stands, at the right end of the page's line of counts.
   * @param {string} words
   */
  showStatus(words) {
    setText(find(byId("calm"), "[role=status]"), words);
  }

  /** @param {Node} content */
  #fill(content) {
    byId("calm").replaceChildren(content);
    byId("calm").hidden = byId("calm-top").hidden = false;
    document.body.classList.remove("reading");
  }

  /** A pair comes on screen. */
  over() {
    this.lastLook = null;
    this.reading.notice = "";
    byId("calm").replaceChildren();
    byId("calm").hidden = byId("calm-top").hidden = true;
    document.body.classList.add("reading");
  }
}
