/** The list of keys as this reader has bound them, and where they are bound anew: a key is pressed for each place. */

import { around, el, find, setText } from "../shared/dom.js";
import { ApiError } from "./api.js";
import { conflicts, isDrag, KEPT } from "./bindings.js";
import { Focus } from "./focus.js";
import { isMeant, isStroke, printed, strokes } from "./strokes.js";

/**
 * @import { Binding, Config } from "../server.ts"
 * @import { Bindings } from "./bindings.js"
 *
 * Where the next key goes: the place among the keys of an action.
 * @typedef {{action: string, at: number}} Slot
 */

const GROUPS = /** @type {const} */ ([["rate", "Rate, left hand"], ["slices", "Slices, mouse, tools"], ["view", "View"]]);
/** As `MOST_KEYS` of the server. */
export const MOST_KEYS = 3;

/**
 * What a pressed key is bound as. Shift and a digit keep their place, whatever the layout writes then.
 * @param {KeyboardEvent} event
 */
function captured(event) {
  const names = strokes(event);
  return names.find((name) => name.startsWith("Shift+")) ?? names[0];
}

export class KeySheet {
  /** @type {Binding[]|null} what is being bound; null while the list is only read */
  #draft = null;
  /** @type {Slot|null} */
  #slot = null;
  /** Whether the press of a mouse button was bound: its click must not do more. */
  #caught = false;

  /**
   * @param {HTMLElement} root
   * @param {Pick<Config, "allow_cannot_judge"|"allow_back"|"show_values"|"windows">} config
   * @param {Bindings} bindings
   * @param {(keys: Record<string, string[]>) => Promise<unknown>} save keeps what differs from the defaults
   */
  constructor(root, config, bindings, save) {
    this.root = root;
    this.focus = new Focus(root);
    this.config = config;
    this.bindings = bindings;
    this.save = save;
    root.addEventListener("pointerdown", (event) => this.#press(event), true);
    root.addEventListener("contextmenu", (event) => event.preventDefault());
    root.addEventListener("click", (event) => {
      if (!this.#caught) return;
      this.#caught = false;
      event.stopPropagation();
      event.preventDefault();
    }, true);
    find(root, ".bind").addEventListener("click", () => this.#edit());
    find(root, ".defaults").addEventListener("click", () => this.#toDefaults());
    find(root, ".save-keys").addEventListener("click", () => void this.#save());
    find(root, ".leave").addEventListener("click", () => this.#leave());
    find(root, ".shut").addEventListener("click", () => this.toggle());
  }

  get open() {
    return !this.root.hidden;
  }

  toggle() {
    this.root.hidden = !this.root.hidden;
    this.#draft = this.#slot = null;
    if (this.open) {
      this.#draw();
      this.focus.take();
    } else {
      this.focus.giveBack();
    }
  }

  #edit() {
    this.#draft = this.bindings.list.map((binding) => ({ ...binding, strokes: [...binding.strokes] }));
    this.#draw();
  }

  #leave() {
    this.#draft = this.#slot = null;
    this.#draw();
    find(this.root, ".bind").focus();
  }

  #toDefaults() {
    this.#draft = this.bindings.list.map((binding) => ({ ...binding, strokes: [...binding.defaults] }));
    this.#slot = null;
    this.#draw();
  }

  async #save() {
    if (!this.#draft) return;
    const clashes = conflicts(this.#draft).size;
    if (clashes) return void this.#say("A key can do one thing only. Change one of each pair that is marked.");
    const changed = this.#draft.filter(({ strokes: own, defaults }) => own.join(" ") !== defaults.join(" "));
    this.#say("saving");
    try {
      await this.save(Object.fromEntries(changed.map(({ action, strokes: own }) => [action, own])));
      this.#leave();
      this.#say("Saved with your account.");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const why = { offline: "There is no connection.", expired: "Your session has ended: sign in again." };
      this.#say(`Not saved. ${error.kind in why ? why[/** @type {keyof typeof why} */ (error.kind)] : error.words}`);
    }
  }

  /** @param {string} words */
  #say(words) {
    setText(find(this.root, "[role=status]"), words);
  }

  #draw() {
    const list = this.#draft ?? this.bindings.list;
    const editing = this.#draft !== null;
    const clashes = conflicts(list);
    this.root.classList.toggle("editing", editing);
    find(this.root, ".grid").replaceChildren(...GROUPS.map(([group, title]) =>
      el("section", {}, el("h3", {}, title),
        el("dl", { class: "kv" }, ...list.filter((binding) => binding.group === group && (editing || this.#does(binding)))
          .flatMap((binding) => this.#row(binding, clashes, list))))));
    this.#say(this.#words(clashes.size));
    find(this.root, ".save-keys").setAttribute("aria-disabled", String(clashes.size > 0));
    for (const [name, shown] of /** @type {[string, boolean][]} */ ([
      [".bind", !editing], [".shut", !editing], [".defaults", editing], [".save-keys", editing], [".leave", editing],
    ])) find(this.root, name).hidden = !shown;
    this.root.querySelector("button.now")?.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} clashes */
  #words(clashes) {
    if (!this.#draft) return "";
    const wanted = isDrag(this.#slot?.action ?? "") ? "a button of the mouse, with Shift if you like" : "a key, or a button at the side of the mouse";
    if (this.#slot) return `Press ${wanted}. Delete takes it away, Esc leaves it.`;
    return clashes ? "A key can do one thing only. Change one of each pair that is marked." : "Choose a key to change it.";
  }

  /**
   * An action in words; windows have the names that the study's list of windows gives them.
   * @param {Pick<Binding, "action"|"words">} binding
   */
  #named({ action, words }) {
    const [, number] = /^window_([0-9])$/.exec(action) ?? [];
    return number ? `window: ${this.config.windows[Number(number) - 1]?.name ?? number}` : words;
  }

  /**
   * Whether the study knows it and it has a key.
   * @param {Binding} binding
   */
  #does({ action, strokes: own }) {
    if (action === "cannot_judge" && !this.config.allow_cannot_judge) return false;
    if ((action === "region" || action === "difference") && !this.config.show_values) return false;
    return own.length > 0 && (action !== "back" || this.config.allow_back);
  }

  /**
   * @param {Binding} binding
   * @param {Map<string, string[]>} clashes
   * @param {Binding[]} list
   */
  #row({ action, strokes: own, ...binding }, clashes, list) {
    const words = this.#named({ action, ...binding });
    const others = new Set(own.flatMap((stroke) => clashes.get(stroke) ?? []).filter((each) => each !== action));
    const also = list.filter((each) => others.has(each.action)).map((each) => this.#named(each)).join("; ");
    const caps = this.#draft
      ? [...own, ...(own.length < MOST_KEYS ? [""] : [])].map((stroke, at) => this.#cap({ action, at }, stroke, words, clashes.has(stroke)))
      : own.flatMap((stroke) => [el("kbd", {}, printed(stroke)), " "]);
    return [el("dt", {}, ...caps), el("dd", {}, words, also ? el("span", { class: "clash" }, ` also: ${also}`) : null)];
  }

  /**
   * @param {Slot} slot
   * @param {string} stroke empty for one more
   * @param {string} words
   * @param {boolean} clash
   */
  #cap(slot, stroke, words, clash) {
    const now = this.#slot?.action === slot.action && this.#slot.at === slot.at;
    const text = now ? "press" : stroke ? printed(stroke) : "+";
    return el("button", {
      type: "button", class: `cap${now ? " now" : ""}${clash ? " clash" : ""}`, "aria-label": stroke ? `${words}: ${printed(stroke)}` : `${words}: one more key`,
      onclick: () => {
        this.#slot = slot;
        this.#draw();
      },
    }, text);
  }

  /**
   * Binds what was pressed, or with null takes away what was there.
   * @param {string|null} stroke
   */
  #put(stroke) {
    const { action, at } = /** @type {Slot} */ (this.#slot);
    const binding = this.#draft?.find((each) => each.action === action);
    if (!binding) return;
    binding.strokes.splice(at, 1, ...(stroke === null ? [] : [stroke]));
    binding.strokes = [...new Set(binding.strokes)];
    this.#slot = null;
    this.#draw();
  }

  /** @param {PointerEvent} event */
  #press(event) {
    this.#caught = false;
    if (!this.#slot) return;
    const drag = isDrag(this.#slot.action);
    const bindable = drag ? event.button <= 2 : event.button > 2;
    if (bindable && event.pointerType !== "touch") {
      event.preventDefault();
      this.#caught = event.button === 0;
      this.#put(`${drag && event.shiftKey ? "Shift+" : ""}Mouse${event.button}`);
    } else if (!around(event, ".cap")) {
      this.#slot = null;
      this.#draw();
    }
  }

  /**
   * No key goes through to the room.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (this.#slot) {
      event.preventDefault();
      if (!event.repeat) this.#bind(event);
    } else if (isStroke(event, "Escape")) {
      event.preventDefault();
      if (this.#draft) this.#leave();
      else this.toggle();
    } else if (!this.#draft && this.bindings.action(event) === "help") {
      event.preventDefault();
      this.toggle();
    } else if (!this.#draft && isStroke(event, "Enter") && !around(event, "button")) {
      event.preventDefault();
      find(this.root, "#to-briefing").click();
    }
    return true;
  }

  /** @param {KeyboardEvent} event while a place waits for its key */
  #bind(event) {
    if (event.key === "Escape") {
      this.#slot = null;
      this.#draw();
    } else if (event.key === "Delete") {
      this.#put(null);
    } else if (isMeant(event) && this.#slot && !isDrag(this.#slot.action)) {
      const stroke = captured(event);
      if (KEPT.has(stroke)) this.#say(`${printed(stroke)} has one meaning everywhere. Press another key.`);
      else this.#put(stroke);
    }
  }
}
