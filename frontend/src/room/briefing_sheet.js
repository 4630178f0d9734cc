/** The briefing over the room: the pair stays as it is, and takes no key meanwhile. */

import { byId, find } from "../shared/dom.js";
import { Focus } from "./focus.js";
import { isStroke } from "./strokes.js";

/** @import { Bindings } from "./bindings.js" */

/** Keys that scroll the sheet. */
const SCROLL = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", "Space"];

export class BriefingSheet {
  /** @param {Bindings} bindings */
  constructor(bindings) {
    this.bindings = bindings;
    this.root = byId("briefing");
    this.focus = new Focus(this.root);
    find(this.root, ".shut").addEventListener("click", () => this.close());
  }

  get open() {
    return !this.root.hidden;
  }

  show() {
    this.root.hidden = false;
    this.focus.take();
  }

  close() {
    this.root.hidden = true;
    this.focus.giveBack();
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} nothing below hears of any key
   */
  key(event) {
    if (isStroke(event, "Escape") || this.bindings.action(event) === "help") {
      event.preventDefault();
      this.close();
    } else if (!SCROLL.some((name) => isStroke(event, name)) && !(event.target instanceof HTMLButtonElement)) {
      event.preventDefault();
    }
    return true;
  }
}
