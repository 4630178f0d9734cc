/** The page on which volumes of interest are drawn: canvas, tools, keys, sites, saving. */

import { around, byId, count, el, find, setText } from "../shared/dom.js";
import { between } from "./between.js";
import { Drafts } from "./drafts.js";
import { Drawings, sayOf } from "./drawings.js";
import { Picture } from "./picture.js";
import { moved } from "./shapes.js";
import { HAS_TIP, tip, work } from "./tools.js";
import { Slices } from "./voxels.js";

/**
 * @import { Place } from "./shapes.js"
 * @import { Look, Saved } from "./drawings.js"
 * @import { ToolName } from "./tools.js"
 * @typedef {object} Scene what the site says of the series
 * @property {[number, number, number]} shape slices, rows, columns
 * @property {[number, number, number]} spacing mm between them
 * @property {Record<"w"|"e"|"n"|"s", string>} letters
 * @property {{lower: number, upper: number}} window
 * @property {string[]} sites
 * @property {Saved[]} volumes
 * @property {boolean} second
 * @property {string} user
 * @property {string} case
 * @property {string} sliceUrl
 * @property {string} saveUrl
 */

const LARGEST = 200;
const KEEP_MS = 300;
const ZOOM_STEP = 1.15;
/** What a drag over the whole height does to the window. */
const WINDOW_STEP = 1 / 300;
const MOVES = /** @type {Record<string, Place>} */ ({
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
});
/** @type {Record<string, ToolName>} */
const TOOL_KEYS = { c: "circle", l: "ellipse", p: "freehand", b: "brush", e: "eraser", t: "threshold" };
const CHANGES = /** @type {Record<ToolName, string>} */ ({
  circle: "circle placed",
  ellipse: "ellipse drawn",
  freehand: "outline drawn",
  brush: "brushed",
  eraser: "erased",
  threshold: "filled by threshold",
});

export class DrawingRoom {
  #scene;
  #shape;
  /** @type {Place} */
  #spacing;
  #drawings;
  #picture;
  #slices;
  /** @type {ToolName} */
  #tool = "circle";
  #size = 15;
  /** @type {"px"|"mm"} */
  #unit = "px";
  #site = "";
  #saving = false;
  /** @type {{points: Place[], before: Uint8Array, slice: number, add: boolean, changed: boolean}|null} */
  #gesture = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #clock;
  #canvas = byId("canvas", HTMLCanvasElement);
  #range = byId("slice", HTMLInputElement);

  /** @param {Scene} scene */
  constructor(scene) {
    this.#scene = scene;
    const [slices, rows, columns] = scene.shape;
    this.#shape = { slices, rows, columns };
    this.#spacing = [scene.spacing[1], scene.spacing[2]];
    const drafts = new Drafts(`${scene.user} ${scene.saveUrl}${scene.second ? " second" : ""}`, localStorage);
    this.#drawings = new Drawings(this.#shape, scene.volumes, drafts);
    this.#site = this.#names()[0] ?? "Lesion 1";
    this.#picture = new Picture(this.#canvas, this.#shape, this.#spacing, scene.window, () => this.#shown());
    const first = this.#drawings.of(this.#site).mask.drawn()[0];
    if (first !== undefined) this.#picture.slice = first;
    this.#slices = new Slices(scene.sliceUrl, this.#shape, this.#picture.slice, (slice, failed) => this.#loaded(slice, failed));
    for (const [side, letter] of Object.entries(scene.letters)) setText(find(document, `.o.${side}`), letter);
    this.#range.max = String(slices);
    this.#listen();
    this.#show();
  }

  /**
   * The list of the study, then what else is drawn or chosen.
   * @returns {string[]}
   */
  #names() {
    const others = [...this.#drawings.names(), ...(this.#site ? [this.#site] : [])];
    return [...new Set([...this.#scene.sites, ...others])];
  }

  get #now() {
    return this.#drawings.of(this.#site);
  }

  #shown() {
    const drawn = this.#drawings.names().map((name) => {
      return { name, mask: this.#drawings.of(name).mask, now: name === this.#site };
    });
    drawn.sort((a, b) => Number(a.now) - Number(b.now));
    return { values: this.#slices.values[this.#picture.slice], drawn };
  }

  /**
   * @param {number} slice
   * @param {unknown} [failed]
   */
  #loaded(slice, failed) {
    if (failed) this.#say("Not every slice came. Reload the page; what is drawn stays.");
    if (slice === this.#picture.slice) this.#picture.paint();
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#up(event));
    canvas.addEventListener("pointerleave", () => this.#hover(null));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#range.addEventListener("input", () => this.#go(Number(this.#range.value) - 1));
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("click", (event) => this.#click(event));
    byId("new-site", HTMLFormElement).addEventListener("submit", (event) => this.#add(event));
    addEventListener("pagehide", () => this.#keep());
  }

  /** @param {PointerEvent} event */
  #down(event) {
    this.#canvas.focus();
    this.#canvas.setPointerCapture(event.pointerId);
    if (event.button !== 0) return;
    const place = this.#picture.placeOf(event);
    const { slice } = this.#picture;
    if (!this.#slices.values[slice] || !this.#picture.has(place) || this.#now.other) return;
    this.#gesture = { points: [place], before: this.#now.mask.slice(slice).slice(), slice, add: event.shiftKey, changed: false };
    this.#work(false);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (this.#gesture) {
      this.#gesture.points.push(this.#picture.placeOf(event));
      this.#work(false);
    } else if (event.buttons & 2) {
      const { lower, upper } = this.#picture.window;
      const width = Math.max(1, (upper - lower) * (1 + event.movementX * WINDOW_STEP));
      const level = (lower + upper) / 2 + event.movementY * WINDOW_STEP * (upper - lower);
      this.#picture.window = { lower: level - width / 2, upper: level + width / 2 };
    } else if (event.buttons & 4) {
      const [down, across] = this.#picture.scale;
      const [row, column] = this.#picture.centre;
      this.#picture.centre = [row - event.movementY / down, column - event.movementX / across];
    }
    this.#hover(this.#picture.placeOf(event));
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.#gesture || event.button > 0) return;
    this.#work(true);
    this.#gesture = null;
    this.#hover(this.#picture.placeOf(event));
    this.#show();
  }

  /** @param {boolean} ended */
  #work(ended) {
    const gesture = this.#gesture;
    if (!gesture) return;
    const { slice } = gesture;
    const values = this.#slices.values[slice];
    const result = values && work(this.#tool, { ...this.#set, values, now: this.#now.mask.slice(slice), ended, ...gesture });
    if (result) this.#change(CHANGES[this.#tool], new Map([[slice, result]]), gesture.changed);
  }

  get #set() {
    return { plane: this.#shape, spacing: this.#spacing, size: this.#size, unit: this.#unit };
  }

  /** @param {Place|null} place of the pointer */
  #hover(place) {
    const { plane } = this.#set;
    const shows = place && !this.#gesture && HAS_TIP.has(this.#tool) && this.#picture.has(place);
    const snaps = this.#tool === "circle" || this.#tool === "threshold";
    this.#picture.preview = shows ? tip(this.#set, place, snaps) : null;
    if (this.#gesture && this.#tool === "freehand") {
      this.#picture.preview = new Uint8Array(plane.rows * plane.columns);
      for (const [row, column] of this.#gesture.points) {
        if (this.#picture.has([row, column])) this.#picture.preview[Math.round(row) * plane.columns + Math.round(column)] = 1;
      }
    }
    this.#picture.paint();
  }

  /**
   * @param {string} what
   * @param {Map<number, Uint8Array>} slices
   * @param {boolean} [joined]
   */
  #change(what, slices, joined = false) {
    if (this.#now.other || !this.#drawings.change(this.#site, what, slices, joined)) return;
    if (this.#gesture) this.#gesture.changed = true;
    this.#touched();
  }

  #touched() {
    clearTimeout(this.#clock);
    this.#clock = setTimeout(() => this.#keep(), KEEP_MS);
    this.#say("");
    this.#show();
  }

  #keep() {
    clearTimeout(this.#clock);
    const kept = this.#drawings.keep();
    const open = this.#names().some((name) => this.#drawings.of(name).unsaved);
    setText(byId("kept"), !kept ? "this browser keeps no drafts: save often" : open ? "draft kept in this browser" : "all saved");
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    if (event.ctrlKey) this.#picture.zoomAt(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, event);
    else this.#go(this.#picture.slice + Math.sign(event.deltaY));
  }

  /** @param {number} slice */
  #go(slice) {
    if (this.#gesture) return;
    this.#picture.slice = Math.min(this.#shape.slices - 1, Math.max(0, slice));
    this.#slices.want(this.#picture.slice);
    this.#show();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const typing = event.target instanceof Element && event.target.matches("input:not([type=range]), textarea, select");
    if (typing || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && event.target instanceof Element && event.target.matches("a, button")) return;
    if (!this.#does(event)) return;
    event.preventDefault();
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key means something here
   */
  #does({ key, shiftKey, ctrlKey, metaKey }) {
    const low = key.toLowerCase();
    if (ctrlKey || metaKey) {
      if (low === "z") this.#step(shiftKey ? "redo" : "undo");
      else if (low === "y") this.#step("redo");
      else return false;
    } else if (low in TOOL_KEYS) this.#choose(TOOL_KEYS[low]);
    else if (/^\d$/.test(key)) this.#pick(this.#names()[(Number(key) + 9) % 10]);
    else if (shiftKey && key in MOVES) this.#shift(MOVES[key]);
    else if (key === "ArrowUp" || key === "PageUp") this.#go(this.#picture.slice - 1);
    else if (key === "ArrowDown" || key === "PageDown") this.#go(this.#picture.slice + 1);
    else if (key === "Home") this.#go(0);
    else if (key === "End") this.#go(this.#shape.slices - 1);
    else if (key === "+" || key === "=") this.#resize(1);
    else if (key === "-") this.#resize(-1);
    else if (key === "[" || key === "]") this.#leaf(key === "[" ? "prev" : "next");
    else if (key === "Enter") this.#save();
    else if (key === "Delete" || key === "Backspace") this.#clear();
    else if (low === "z") this.#step("undo");
    else if (low === "y") this.#step("redo");
    else if (low === "i") this.#interpolate();
    else if (low === "f") this.#look("hidden");
    else if (low === "o") this.#look("filled");
    else if (low === "u") this.#measure();
    else if (low === "k") this.#says(!shiftKey);
    else if (low === "n") byId("new-name").focus();
    else return false;
    return true;
  }

  /** @param {"prev"|"next"} way to another case */
  #leaf(way) {
    const link = document.querySelector(`a[rel=${way}]`);
    if (link instanceof HTMLAnchorElement) link.click();
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const { tool, does, site, arm } = around(event, "button[data-tool], button[data-does], button[data-site]")?.dataset ?? {};
    if (tool) this.#choose(/** @type {ToolName} */ (tool));
    if (site !== undefined) this.#pick(site);
    if (does === "undo" || does === "redo") this.#step(does);
    if (does === "interpolate") this.#interpolate();
    if (does === "clear") this.#clear();
    if (does === "larger") this.#resize(1);
    if (does === "smaller") this.#resize(-1);
    if (does === "unit") this.#measure();
    if (does === "hidden" || does === "filled") this.#look(does);
    if (does === "save") this.#save();
    if (does === "fits" || does === "not") this.#says(does === "fits", arm);
    if (does === "other") this.#drawings.takeOther(this.#site);
    if (does === "over") this.#drawings.putOver(this.#site);
    if (does) this.#show();
  }

  /** @param {ToolName} tool */
  #choose(tool) {
    this.#tool = tool;
    this.#picture.preview = null;
    this.#show();
  }

  /** @param {string|undefined} name */
  #pick(name) {
    if (name === undefined || this.#gesture) return;
    this.#site = name;
    const slices = this.#now.mask.drawn();
    if (slices.length && !slices.includes(this.#picture.slice)) this.#picture.slice = slices[slices.length >> 1];
    this.#go(this.#picture.slice);
  }

  /** @param {SubmitEvent} event */
  #add(event) {
    event.preventDefault();
    const input = byId("new-name", HTMLInputElement);
    const name = input.value.trim();
    if (!name) return;
    input.value = "";
    this.#canvas.focus();
    this.#pick(name);
  }

  /** @param {number} by */
  #resize(by) {
    this.#size = Math.min(LARGEST, Math.max(1, this.#size + by));
    this.#picture.preview = null;
    this.#show();
  }

  #measure() {
    this.#unit = this.#unit === "px" ? "mm" : "px";
    this.#show();
  }

  /**
   * @param {boolean} fits
   * @param {string} [arm] the first that is to be looked at by default
   */
  #says(fits, arm) {
    const look = arm ? this.#now.looks.find((one) => one.arm === arm) : this.#toLookAt();
    if (look && !this.#now.unsaved) this.#tick(look, fits);
  }

  /** @param {"hidden"|"filled"} what */
  #look(what) {
    this.#picture[what] = !this.#picture[what];
    this.#show();
  }

  /** @param {"undo"|"redo"} which */
  #step(which) {
    if (this.#gesture) return;
    const step = which === "undo" ? this.#drawings.undo() : this.#drawings.redo();
    if (!step) return;
    this.#site = step.name;
    this.#picture.slice = step.changes[0].slice;
    this.#touched();
  }

  /** @param {Place} by */
  #shift(by) {
    const { slice } = this.#picture;
    this.#change("moved", new Map([[slice, moved(this.#shape, this.#now.mask.slice(slice), by)]]));
  }

  #clear() {
    const { rows, columns } = this.#shape;
    this.#change("cleared", new Map([[this.#picture.slice, new Uint8Array(rows * columns)]]));
  }

  #interpolate() {
    const { mask } = this.#now;
    const drawn = mask.drawn();
    /** @type {Map<number, Uint8Array>} */
    const made = new Map();
    drawn.slice(1).forEach((last, at) => {
      const first = drawn[at];
      if (last - first < 2) return;
      const gaps = between(this.#shape, mask.slice(first), mask.slice(last), last - first - 1, this.#spacing);
      gaps.forEach((voxels, gap) => made.set(first + 1 + gap, voxels));
    });
    if (made.size) this.#change(`${count(made.size, "slice")} interpolated`, made);
    else this.#say("Nothing lies between: draw on two slices with others between them.");
  }

  async #save() {
    if (this.#saving || this.#gesture) return;
    const name = this.#site;
    const { unsaved, other, mask } = this.#now;
    if (other) return;
    if (!unsaved) {
      const look = this.#toLookAt();
      if (look) this.#tick(look, true);
      else this.#next();
      return;
    }
    if (!mask.voxels.includes(1)) {
      this.#say(`Nothing of ${name} is drawn. To take a volume out, remove it on the page of the case.`);
      return;
    }
    this.#saving = true;
    this.#show();
    const wrong = await this.#drawings.save(this.#scene.saveUrl, name, this.#scene.second);
    this.#saving = false;
    this.#keep();
    this.#say(wrong || `${name}: version ${this.#drawings.of(name).version} is saved.`);
    if (!wrong && this.#site === name && !this.#toLookAt()) this.#next();
    this.#show();
  }

  /** The first other acquisition of which nobody said whether this drawing, as it is saved, fits there. */
  #toLookAt() {
    const { unsaved, looks } = this.#now;
    return unsaved ? undefined : looks.find(({ fits, awaited }) => fits === null && !awaited);
  }

  /**
   * @param {Look} look
   * @param {boolean} fits
   */
  async #tick(look, fits) {
    const picture = document.querySelector(`#looks img[src="${look.picture}"]`);
    if (this.#saving || !(picture instanceof HTMLImageElement) || !picture.complete || !picture.naturalWidth) return; // not seen yet
    this.#saving = true;
    const [site, wrong] = [this.#site, await sayOf(look, fits)];
    this.#saving = false;
    this.#say(wrong || `${site} ${fits ? "fits" : "does not fit"} on ${look.arm}.`);
    if (!wrong && this.#site === site && !this.#toLookAt()) this.#next();
    this.#show();
  }

  /** On to the next site of the list that is not drawn. */
  #next() {
    const { sites } = this.#scene;
    const at = sites.indexOf(this.#site);
    const later = [...sites.slice(at + 1), ...sites.slice(0, Math.max(0, at))];
    const open = later.find((name) => !this.#drawings.of(name).version);
    if (open) this.#pick(open);
  }

  /** @param {string} words */
  #say(words) {
    setText(byId("said"), words);
  }

  #show() {
    const { slice } = this.#picture;
    this.#range.value = String(slice + 1);
    setText(byId("slice-now"), String(slice + 1));
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-tool") === this.#tool));
    }
    for (const what of /** @type {const} */ (["hidden", "filled"])) {
      find(document, `[data-does=${what}]`).setAttribute("aria-pressed", String(this.#picture[what]));
    }
    setText(byId("size"), `${this.#size} ${this.#unit}`);
    const { done, undone } = this.#drawings.history;
    find(document, "[data-does=undo]", HTMLButtonElement).disabled = !done.length;
    find(document, "[data-does=redo]", HTMLButtonElement).disabled = !undone.length;
    setText(byId("steps"), done.length ? `${count(done.length, "step")} back: ${done.slice(-4).reverse().map(({ what }) => what).join(", ")}` : "");
    this.#showSites();
    this.#showRule();
    this.#picture.paint();
  }

  #showSites() {
    const names = this.#names();
    byId("sites").replaceChildren(...names.map((name, at) => this.#row(name, at)));
    const { sites } = this.#scene;
    const drawn = sites.filter((name) => this.#drawings.of(name).version).length;
    setText(byId("drawn"), sites.length ? `${drawn} of ${sites.length} saved` : "");
    const { unsaved, other, version } = this.#now;
    byId("conflict").hidden = !other;
    const go = byId("go", HTMLButtonElement);
    go.disabled = this.#saving || Boolean(other);
    const look = this.#toLookAt();
    const then = look ? `It fits on ${look.arm}` : "On to the next site";
    setText(go, this.#saving ? "Saving…" : unsaved ? `Save version ${version + 1} of ${this.#site}` : then);
    go.classList.toggle("primary", unsaved || Boolean(look));
    this.#showLooks();
  }

  /** Where the saved version lies on the other acquisitions. */
  #showLooks() {
    const { looks, unsaved } = this.#now;
    const section = byId("looks");
    section.hidden = unsaved || !looks.length;
    const key = JSON.stringify([this.#site, looks]);
    if (section.hidden || section.dataset.shown === key) return; // so that pictures are not fetched anew
    section.dataset.shown = key;
    find(section, "ul").replaceChildren(...looks.map((look) => this.#lookAt(look)));
  }

  /** @param {Look} look */
  #lookAt({ arm, how, awaited, fits, picture }) {
    const state = fits === null ? "attention" : fits ? "done" : "missing";
    if (awaited) return el("li", { class: "row" }, el("b", {}, arm), el("span", { class: "state waiting small" }, how));
    return el("li", {},
      el("div", { class: "row" }, el("b", {}, arm), el("span", { class: `state ${state} small` }, fits === null ? "look" : fits ? "fits" : "does not fit")),
      el("img", { src: picture, alt: `Outline of ${this.#site} on ${arm}, ${how}` }),
      el("span", { class: "small dim" }, how),
      el("div", { class: "row" },
        el("button", { class: "btn small", type: "button", "data-does": "fits", "data-arm": arm, disabled: fits === true }, "Fits"),
        el("button", { class: "btn small", type: "button", "data-does": "not", "data-arm": arm, disabled: fits === false }, "Does not")));
  }

  /**
   * @param {string} name
   * @param {number} at
   */
  #row(name, at) {
    const { mask, unsaved, version, looks } = this.#drawings.of(name);
    const slices = mask.drawn();
    const where = slices.length > 1 ? `slices ${slices[0] + 1}–${slices[slices.length - 1] + 1}` : slices.length ? `slice ${slices[0] + 1}` : "not drawn";
    const state = unsaved ? "attention" : version ? "done" : "missing";
    return el("li", {},
      el("button", { "data-site": name, type: "button", "aria-pressed": String(name === this.#site) },
        at < 10 ? el("kbd", {}, String((at + 1) % 10)) : el("span", {}),
        el("span", { class: `state ${state}` }, name),
        el("span", { class: "ticks" }, ...looks.map(({ fits }) => el("i", { class: fits ? "yes" : fits === null ? "" : "no" }))),
        el("span", { class: "small dim num" }, unsaved ? `${where}, not saved` : version ? `${where}, version ${version}` : where)));
  }

  #showRule() {
    const names = this.#names();
    const now = new Set(this.#now.mask.drawn());
    const by = names.map((name) => new Set(this.#drawings.of(name).mask.drawn()));
    byId("rule").replaceChildren(...Array.from({ length: this.#shape.slices }, (_, slice) => {
      const digits = names.map((_name, at) => (by[at].has(slice) && by[at].size === 1 && at < 10 ? (at + 1) % 10 : "")).join("");
      return el("li", { class: [now.has(slice) && "drawn", slice === this.#picture.slice && "now"].filter(Boolean).join(" ") }, digits && el("b", {}, digits));
    }));
  }
}
