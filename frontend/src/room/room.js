/**
 * The reading room: one pair after the other. Which pair is shown is `Reading`'s matter, what is answered `Answering`'s,
 * what is looked at `Viewing`'s.
 */

import { byId, count, find } from "../shared/dom.js";
import { Ahead } from "./ahead.js";
import { AnswerPanel } from "./answer_panel.js";
import { Answering } from "./answering.js";
import { Answers, overlay } from "./answers.js";
import { ApiError, request, saveKeys, speakFor } from "./api.js";
import { begun } from "./begun.js";
import { Bindings } from "./bindings.js";
import { BriefingSheet } from "./briefing_sheet.js";
import { Clock } from "./clock.js";
import { ChoiceDialog } from "./dialogs.js";
import { Disputes } from "./disputes.js";
import { Stacks } from "./frames.js";
import { ImagePanes } from "./image_panes.js";
import { Instruments } from "./instruments.js";
import { Interactions } from "./interactions.js";
import { Interludes } from "./interludes.js";
import { KeySheet } from "./key_sheet.js";
import * as keyboard from "./keys.js";
import * as mouse from "./mouse.js";
import { Obstacles } from "./obstacles.js";
import { Outbox } from "./outbox.js";
import { Reading } from "./reading.js";
import { bySide } from "./sides.js";
import { SliceIndicator } from "./slice_indicator.js";
import { openStore } from "./store.js";
import { isMeant, printed, strokes } from "./strokes.js";
import { claim } from "./tabs.js";
import * as touch from "./touch.js";
import { openUnpacker } from "./unpacker.js";
import { Viewing } from "./viewing.js";
import { Viewports } from "./viewports.js";

/**
 * @import { Body, Config, Pair, Seen, Side, Write } from "../server.ts"
 * @import { Actions } from "./answer_panel.js"
 * @import { Hold } from "./outbox.js"
 * @import { Layer } from "./dialogs.js"
 * @import { Owed, Page, Refused } from "./reading.js"
 * @import { Store } from "./store.js"
 * @import { Press } from "./strokes.js"
 */

/** After a new pair, keys that were meant for the one before must not confirm it. */
const DEAF_MS = 400;
const QUIET_MS = 300;
const REPORT_MS = 30_000;
const RETRY_MS = 3000;
/** Requests at once for the pair on screen, and for the one after it. */
const WIDTH = { now: 4, ahead: 2 };

export class Room {
  /** @type {Stacks|null} */
  #stacks = null;
  #unpack;
  #reported = 0;
  #paintedAt = 0;

  /** @param {Config} config of the page */
  static async open(config) {
    speakFor(config.reader);
    const room = new Room(config, await openStore());
    await room.#start();
  }

  /**
   * @param {Config} config
   * @param {Store} store
   */
  constructor(config, store) {
    const { base, reader } = config;
    this.config = config;
    const panes = bySide((side) => byId(`pane-${side}`));
    const views = bySide((side) => find(panes[side], ".view", HTMLDivElement));
    this.bindings = new Bindings(config.keys);
    this.clock = new Clock();
    this.outbox = new Outbox({ base, reader, request, store });
    this.#unpack = begun().unpack ?? openUnpacker(config.unpack);
    this.ahead = new Ahead({ base, request, stacks: (address, pair) => new Stacks(address, pair, this.#unpack), width: WIDTH.ahead });
    this.imagePanes = new ImagePanes(byId("room"), panes);
    this.viewports = new Viewports(views, { onpaint: () => this.#painted(), onresize: () => this.viewing.resized() });
    this.viewing = new Viewing(this.viewports, () => this.#looked());
    this.instruments = new Instruments(panes, this.viewing, config.show_values);
    this.sliceIndicator = new SliceIndicator(byId("seam"), {
      onlink: () => this.viewing.toggleLink(),
      ongoto: (index, side) => this.viewing.goTo(index, side),
    });
    /** @type {Actions} */
    const actions = {
      rate: (id, score) => this.answering.set(id, score),
      moveTo: (place) => this.answering.moveTo(place),
      none: () => this.answering.none(),
      finding: () => this.answering.finding(),
      diagnostic: (value) => this.answering.diagnostic(value),
      comment: () => this.answering.comment(),
      skip: () => this.skip(),
      confirm: () => this.confirm(),
      keys: () => this.keys(),
      refused: () => this.disputes.refused(),
      mark: (action) => this.bindings.mark(action),
    };
    this.answerPanel = begun().panel ?? new AnswerPanel(byId("strip", HTMLFormElement), config, actions);
    this.answerPanel.actions = actions;
    this.reading = new Reading({ base, request, outbox: this.outbox, ahead: this.ahead }, this.#page());
    this.answering = new Answering(config, this, () => this.closed);
    this.interactions = new Interactions({ ...this, request }, () => this.answering.answers);
    this.choice = new ChoiceDialog(byId("choice"), (event) => this.bindings.looks(event), (event) => this.unheard(event));
    this.keySheet = new KeySheet(byId("keys"), config, this.bindings, (keys) => this.#saveKeys(keys));
    this.briefingSheet = new BriefingSheet(this.bindings);
    this.obstacles = new Obstacles(config, this, { onoffline: () => this.reading.goOn() });
    this.interludes = new Interludes(config, this, () => this.#leave());
    this.disputes = new Disputes(config, { outbox: this.outbox, blockingDialog: this.obstacles.blockingDialog });
    mouse.listen(panes, this.viewing, this.bindings, {
      onclick: (side, x, y) => this.answering.clicked(side, x, y),
      onlarge: (side) => this.enlarge(side),
      tool: () => this.instruments.tool,
      onhover: (side, x, y) => this.instruments.hover(side, x, y),
    });
    touch.listen(byId("room"), this.viewing);
    keyboard.listen(this, this.bindings, () => this.#topLayer());
    setInterval(() => this.#reportTime(), REPORT_MS);
    document.addEventListener("visibilitychange", () => this.#turned(document.visibilityState));
    addEventListener("offline", () => this.outbox.lost());
    addEventListener("online", () => this.outbox.found());
    byId("to-briefing").addEventListener("click", () => {
      this.keySheet.toggle();
      this.briefingSheet.show();
    });
    this.bindings.markAll();
  }

  /** Takes over from other tabs, sends what an earlier page left, and shows the current pair. */
  async #start() {
    claim(`${this.config.base} ${this.config.reader}`, () => this.#elsewhere());
    this.imagePanes.wait("loading both images");
    await this.outbox.start();
    if (this.outbox.kept === 0) return this.reading.present(this.config.first);
    this.imagePanes.uncover();
    await this.outbox.settled();
    await this.reading.load("current/");
  }

  /**
   * What the reading asks of the page.
   * @returns {Page}
   */
  #page() {
    return {
      show: (body) => this.#show(body),
      refill: (body) => this.#refill(body),
      rest: (state) => this.interludes.rest(state),
      remember: (feedback) => this.interludes.remember(feedback),
      arrive: (next) => this.interludes.arrive(next),
      due: (next) => this.interludes.due(next),
      wait: (words) => this.#wait(words),
      announce: (title, detail) => this.answerPanel.announce(title, detail),
      blocked: (error, again) => this.#blocked(error, again),
      reached: () => this.obstacles.gone(),
      choose: (hold) => this.#choose(hold),
      owe: (owed) => this.#owe(owed),
      unconfirmed: (record) => this.#unconfirmed(record),
      ahead: () => this.#lookAhead(),
    };
  }

  /** Whether keys have nothing to act on: no pair, nothing painted, or a confirmation under way. */
  get closed() {
    return this.answering.answers === null || this.#paintedAt === 0 || this.reading.awaited !== null;
  }

  /** @param {DocumentVisibilityState} visibility */
  #turned(visibility) {
    if (visibility === "hidden") this.#reportTime();
    else if (this.outbox.state !== "ok") this.outbox.retry();
  }

  // -- pairs ---------------------------------------------------------------------------------------------------

  /** @param {Pair} body */
  #show(body) {
    const ahead = this.ahead.take(body.token);
    const { geometry, order } = body;
    this.#leave({ covered: body === this.config.first });
    this.interludes.over();
    // What lies over the room lets go of the strip itself.
    if (!this.obstacles.blockingDialog.open) this.answerPanel.root.inert = false;
    if (geometry) this.#open(body, ahead ?? new Stacks(this.reading.addressOf(body.token), { geometry, order }, this.#unpack));
    else this.imagePanes.wait("these images are being prepared");
  }

  /**
   * Nothing of the pair before is left.
   * @param {{covered?: boolean}} [how] covered: what was drawn early is of the pair that comes now
   */
  #leave({ covered = false } = {}) {
    if (!covered) this.imagePanes.uncover();
    this.interactions.close();
    this.clock.run(false);
    this.#paintedAt = 0;
    this.imagePanes.blank();
    this.answering.open(null);
    this.answering.closeDialogs();
    this.choice.close();
    this.instruments.clear();
    this.viewing.close();
    this.#stacks?.stop();
    this.#stacks = null;
  }

  /** @param {Pair} body @param {Stacks} stacks */
  #open(body, stacks) {
    this.#stacks = stacks;
    this.imagePanes.letter(stacks.geometry.letters ?? {});
    this.#refill(body);
    this.imagePanes.wait("loading both images", QUIET_MS);
    stacks.onslice = () => {
      if (this.obstacles.blockingDialog.open) this.obstacles.gone();
      this.viewing.arrived();
      if (stacks.complete) this.#lookAhead();
    };
    stacks.onerror = (error) => this.#imagesFailed(error, stacks);
    this.viewing.open(stacks, body.seen);
    this.#reported = this.#seenSlices;
    stacks.load(WIDTH.now);
    if (stacks.complete) this.#lookAhead();
    if (body.guess) this.#askGuess(body.guess.question);
  }

  /**
   * The answers of the pair on screen, as they are at the server and in the outbox.
   * @param {Pair} body
   */
  #refill(body) {
    const filled = overlay(body, this.outbox.waiting(this.reading.addressOf(body.token)));
    const answers = new Answers(this.config, filled);
    this.answering.open(answers);
    this.answerPanel.open(filled, answers);
    this.#looked();
  }

  /** @param {string} words */
  #wait(words) {
    this.#leave();
    this.interludes.over();
    this.imagePanes.wait(words);
  }

  /** Both sides are on screen, in the same animation frame. */
  #painted() {
    const { shown, slices } = this.viewing;
    if (!shown || !this.#stacks) return;
    this.imagePanes.shown(shown, slices);
    if (this.#paintedAt === 0) {
      this.#paintedAt = performance.now();
      this.imagePanes.hush();
      this.clock.run(true);
      const { body } = this.reading;
      if (body && !body.guess) this.interactions.open(`${this.reading.addressOf(body.token)}viewing/`);
    }
    this.viewing.painted();
    this.instruments.draw();
  }

  /** Something about the view changed. */
  #looked() {
    this.sliceIndicator.update(this.viewing);
    this.answerPanel.readout(this.viewing);
    this.imagePanes.name(this.viewing.swapped);
    const { left, right } = this.viewing.unseen;
    // Scrolling all of it again after a reload would be a punishment.
    if (left + right === 0 && this.#paintedAt && this.#seenSlices > this.#reported) this.#reportTime();
    const unseen = left === right ? `${count(left, "slice")} unseen` : `unseen: ${left} left, ${right} right`;
    const words = left + right > 0 && this.#paintedAt && this.config.require_all_slices !== false ? unseen : null;
    if (words !== this.answerPanel.unseen) {
      this.answerPanel.unseen = words;
      this.answerPanel.update();
    }
  }

  /** The pair on screen is there as a whole: the next may come. */
  #lookAhead() {
    if (!this.#stacks?.complete || !this.reading.body) return;
    this.answerPanel.counts(this.reading.body);
    this.ahead.look();
  }

  /** @param {ApiError} error @param {() => void} again */
  #blocked(error, again) {
    const reading = this.reading.body !== null && this.reading.awaited === null;
    if (error.kind !== "offline" && !(reading && error.kind === "refused")) this.obstacles.met(error, again);
    else if (reading) this.answerPanel.announce(error.kind === "offline" ? "No connection" : "Not possible now", "this pair stays; try again later");
    else this.#showStatus("no connection, trying again");
  }

  /**
   * Where the pair would be, or on the page that stands there.
   * @param {string} words
   */
  #showStatus(words) {
    if (this.interludes.resting) this.interludes.showStatus(words);
    else this.imagePanes.wait(words);
  }

  /** @param {unknown} reason @param {Stacks} stacks */
  #imagesFailed(reason, stacks) {
    const error = reason instanceof ApiError ? reason : new ApiError("offline");
    const again = () => {
      if (stacks === this.#stacks) stacks.load(WIDTH.now);
    };
    if (stacks !== this.#stacks) return;
    if (error.kind === "expired" || error.kind === "conflict") {
      this.obstacles.met(error, again);
    } else if (this.#paintedAt === 0 && error.status) {
      const why = error.status >= 500 ? `The server could not send them (${error.status}).` : error.message;
      this.obstacles.imagesFailed(why, again);
    } else {
      if (this.#paintedAt === 0) this.imagePanes.wait("no connection, trying again");
      setTimeout(again, RETRY_MS);
    }
  }

  #elsewhere() {
    this.reading.stop();
    this.#leave();
    this.obstacles.elsewhere();
  }

  // -- confirming ----------------------------------------------------------------------------------------------

  get #deaf() {
    return this.closed || performance.now() - this.#paintedAt < DEAF_MS;
  }

  /** Confirms the pair, or says what is missing and goes there. */
  confirm() {
    if (this.#deaf || this.reading.body?.guess) return;
    const [owed] = this.reading.owed;
    if (owed) {
      this.#owe(owed);
    } else if (this.answering.answers?.missing.length) {
      this.answering.nameMissing();
    } else if (this.answerPanel.reviewing) {
      this.#reportTime();
      this.reading.leave();
    } else if (this.answerPanel.unseen) {
      this.answerPanel.announce("Scroll the rest", this.answerPanel.unseen);
    } else {
      this.#writeFinal("confirm", { seen: this.#seen });
    }
  }

  /** @returns {Seen} */
  get #seen() {
    const { left, right } = this.viewing.seen;
    return { left: [...left], right: [...right] };
  }

  /**
   * The final write on a pair; the answer is the next one.
   * @template {"confirm"|"skip"|"guess"} W
   * @param {W} what
   * @param {Body<W>} said
   */
  #writeFinal(what, said) {
    this.#reportTime();
    this.reading.writeFinal(what, said);
  }

  /** @param {Write} record */
  #unconfirmed(record) {
    this.answerPanel.announce("Not confirmed", record.refused);
    this.answerPanel.update();
  }

  /** @param {Hold} hold */
  #choose(hold) {
    this.viewing.stopCine();
    this.disputes.choose(hold, { keep: () => this.reading.keep(hold), insist: () => this.reading.insist(hold) });
  }

  /**
   * Another pair comes first.
   * @param {Owed} owed
   */
  #owe(owed) {
    if (owed.code !== "refused") return void this.#choose(owed);
    this.disputes.owe(owed, { go: () => this.#goTo(owed), stay: () => this.reading.heard(owed) });
  }

  /**
   * To a pair whose confirmation was refused: its turn has not passed.
   * @param {Refused} owed
   */
  #goTo(owed) {
    this.reading.heard(owed);
    this.reading.load("current/");
  }

  /** A technical problem: asks what is wrong, then this pair comes again at the end. */
  skip() {
    if (this.#deaf || this.answerPanel.reviewing || this.choice.open) return;
    this.answering.closeDialogs();
    this.viewing.stopCine();
    const options = this.config.skip_reasons.map((words, at) => ({
      key: String(at + 1), mark: String(at + 1), words,
      choose: () => this.#writeFinal("skip", { reason: words }),
    }));
    this.choice.ask("A technical problem", "The pair comes again at the end of the list; the study's admin is told.", options, () => {});
  }

  /**
   * After the list: which image was which?
   * @param {string} question
   */
  #askGuess(question) {
    const answer = /** @param {Side|"unknown"} side */ (side) => () => {
      if (this.#deaf) this.#askGuess(question);
      else this.#writeFinal("guess", { side });
    };
    this.choice.ask(question, "This changes none of your answers.", [
      { key: "ArrowLeft", mark: "←", words: "the left image", choose: answer("left") },
      { key: "ArrowRight", mark: "→", words: "the right image", choose: answer("right") },
      { key: "0", mark: "0", words: "cannot tell", choose: answer("unknown") },
    ]);
  }

  /** The pair before, where the protocol allows it. */
  back() {
    if (this.closed) return;
    const [owed] = this.reading.owed;
    if (owed?.code === "refused") return this.#goTo(owed);
    if (!this.config.allow_back) return void this.answerPanel.announce("No way back", "this protocol takes answers as final");
    this.#reportTime();
    this.reading.back();
  }

  #reportTime() {
    const { body } = this.reading;
    if (!body || body.guess) return;
    const seconds = this.clock.take();
    this.interludes.work(seconds);
    const seen = this.#seenSlices;
    if (seconds <= 0 && seen === this.#reported) return;
    this.reading.write("time", "POST", "time/", { seconds, ...(seen > this.#reported && { seen: this.#seen }) });
    this.#reported = seen;
  }

  get #seenSlices() {
    return this.viewing.seen.left.size + this.viewing.seen.right.size;
  }

  // -- the page ------------------------------------------------------------------------------------------------

  /** @returns {Layer|null} */
  #topLayer() {
    if (this.obstacles.blockingDialog.open) return this.obstacles.blockingDialog;
    if (this.briefingSheet.open) return this.briefingSheet;
    if (this.keySheet.open) return this.keySheet;
    if (this.answering.findingDialog.open) return this.answering.findingDialog;
    if (this.answering.commentDialog.open) return this.answering.commentDialog;
    if (this.choice.open) return this.choice;
    if (this.answerPanel.choosing) return { key: (event) => this.answering.choosingKey(event) };
    return this.interludes.lastLook;
  }

  keys() {
    this.keySheet.toggle();
  }

  /** Prints the keys wherever one is named, as this reader has them. */
  /**
   * @param {Record<string, string[]>} keys of this reader, where they are not the usual ones
   */
  async #saveKeys(keys) {
    this.bindings.set(await saveKeys(this.config.keys_address, keys));
    this.bindings.markAll();
    this.answerPanel.update();
  }

  escape() {
    this.viewing.stopCine();
    this.viewing.stopToggle();
    this.instruments.clear();
    this.imagePanes.enlarge(null);
    if (this.answerPanel.choosing) this.answering.choose();
  }

  /**
   * A key without a meaning where it was pressed.
   * @param {Press} press
   */
  unheard(press) {
    if (isMeant(press)) this.answerPanel.say(`${printed(strokes(press)[0])} does nothing here`, `${this.bindings.mark("help")} shows the keys`);
  }

  /** @param {number} at place among the protocol's windows */
  window(at) {
    this.viewing.setWindow(this.viewing.windowOf(this.config.windows[at]));
    this.answerPanel.say(`Window: ${this.config.windows[at].name}`);
  }

  nextWindow() {
    const { viewing, config: { windows } } = this;
    const now = windows.map((each) => viewing.windowOf(each)).findIndex(({ window, level }) => window === viewing.window && level === viewing.level);
    this.window((now + 1) % windows.length);
  }

  /** Both images in turn in one place; one by one for who wants nothing to move. */
  toggle() {
    this.viewing.startToggle(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  /** @param {number} step */
  cineSpeed(step) {
    this.answerPanel.say("Cine", `${count(this.viewing.changeCineSpeed(step), "slice")} a second`);
  }

  /** The view as a new pair has it, and nothing measured. */
  reset() {
    this.instruments.clear();
    this.viewing.reset();
  }

  oneToOne() {
    this.viewing.oneToOne();
    this.answerPanel.say("One to one", "a pixel of the image is one of the screen");
  }

  toggleSmooth() {
    this.viewing.toggleSmooth();
    this.answerPanel.say(this.viewing.smooth ? "Interpolation on" : "Interpolation off", this.viewing.smooth ? "" : "pixels as they are");
  }

  /** @param {"region"|"difference"} mode what shows values */
  values(mode) {
    if (this.config.show_values) this.instruments.toggle(mode);
    else this.answerPanel.say("No values", "this protocol does not show them");
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.().catch(() => {});
  }

  /**
   * One image large, or both again.
   * @param {Side} side
   */
  enlarge(side) {
    this.viewing.active = side;
    this.imagePanes.enlarge(this.imagePanes.enlarged ? null : side);
  }
}
