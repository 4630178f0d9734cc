/** The two panes as a reader sees them: black or shown, lettered, named, one of them enlarged. Always alike. */

import { say } from "./dom.js";
import { SIDES } from "./panes.js";

const EDGES = ["w", "e", "n", "s"];

export class Stage {
  #waiting = 0;

  /**
   * @param {HTMLElement} root
   * @param {Record<"left"|"right", HTMLElement>} panes
   */
  constructor(root, panes) {
    this.root = root;
    this.panes = panes;
  }

  /** Both black, without a trace of the pair before. */
  blank() {
    for (const side of SIDES) {
      this.panes[side].classList.add("blank");
      this.panes[side].dataset.ready = "false";
    }
    this.enlarge(null);
  }

  /** @param {Record<"w"|"e"|"n"|"s", string>} letters of the patient's directions at the images' edges */
  letter(letters) {
    for (const side of SIDES) {
      for (const edge of EDGES) say(this.panes[side].querySelector(`.o.${edge}`), letters[edge] ?? "");
    }
  }

  /** Both sides have just been painted. */
  shown({ shown, slices }) {
    for (const side of SIDES) {
      const pane = this.panes[side];
      pane.classList.remove("blank");
      pane.dataset.ready = "true";
      pane.dataset.slice = String(shown[side]);
      pane.setAttribute("aria-label", `${side} image, slice ${shown[side] + 1} of ${slices}`);
    }
  }

  /** Says which image a pane shows where its place does not: enlarged, or swapped for the other. */
  name(swapped) {
    SIDES.forEach((side, at) => {
      const node = this.panes[side].querySelector(".here");
      node.hidden = swapped !== side && !this.panes[side].classList.contains("front");
      say(node, swapped === side ? `${SIDES[1 - at]} image here` : `${side} image`);
    });
  }

  /**
   * One image over the whole room, or both side by side; V then shows the other in the same place.
   * @param {"left"|"right"|null} side
   */
  enlarge(side) {
    this.root.classList.toggle("large", side !== null);
    for (const each of SIDES) this.panes[each].classList.toggle("front", each === side);
    this.name(null);
  }

  get enlarged() {
    return this.root.classList.contains("large");
  }

  /** Words in both panes alike, after a while; never in one. */
  wait(words, after = 0) {
    this.hush();
    this.#waiting = setTimeout(() => {
      for (const side of SIDES) {
        const node = this.panes[side].querySelector(".wait");
        say(node, words);
        node.hidden = false;
      }
    }, after);
  }

  hush() {
    clearTimeout(this.#waiting);
    for (const side of SIDES) this.panes[side].querySelector(".wait").hidden = true;
  }
}
