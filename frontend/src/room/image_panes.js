/** The two panes as a reader sees them: black or shown, lettered, named, one of them enlarged. Always alike. */

import { find, setText } from "../shared/dom.js";
import { begun } from "./begun.js";
import { otherSide, SIDES } from "./sides.js";

/** @import { Edge, Side } from "../server.ts" */

/** @type {Edge[]} */
const EDGES = ["w", "e", "n", "s"];

export class ImagePanes {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #waiting;

  /**
   * @param {HTMLElement} root
   * @param {Record<Side, HTMLElement>} panes
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

  /** Takes away what was drawn before the room was there, and keeps it from being drawn. */
  uncover() {
    begun().first = false;
    for (const side of SIDES) this.panes[side].querySelector(".first")?.remove();
  }

  /** @param {Partial<Record<Edge, string>>} letters of the patient's directions at the images' edges */
  letter(letters) {
    for (const side of SIDES) {
      for (const edge of EDGES) setText(find(this.panes[side], `.o.${edge}`), letters[edge] ?? "");
    }
  }

  /**
   * Both sides have just been painted.
   * @param {Record<Side, number>} shown
   * @param {number} slices
   */
  shown(shown, slices) {
    for (const side of SIDES) {
      const pane = this.panes[side];
      pane.classList.remove("blank");
      pane.dataset.ready = "true";
      pane.dataset.slice = String(shown[side]);
      pane.setAttribute("aria-label", `${side} image, slice ${shown[side] + 1} of ${slices}`);
    }
    this.uncover();
  }

  /**
   * Says which image a pane shows where its place does not: enlarged, or swapped for the other.
   * @param {Side|null} swapped the pane that shows the other side's image
   */
  name(swapped) {
    for (const side of SIDES) {
      const node = find(this.panes[side], ".here");
      node.hidden = swapped !== side && !this.panes[side].classList.contains("front");
      setText(node, swapped === side ? `${otherSide(side)} image here` : `${side} image`);
    }
  }

  /**
   * One image over the whole room, or both side by side; V then shows the other in the same place.
   * @param {Side|null} side
   */
  enlarge(side) {
    this.root.classList.toggle("large", side !== null);
    for (const each of SIDES) this.panes[each].classList.toggle("front", each === side);
    this.name(null);
  }

  get enlarged() {
    return this.root.classList.contains("large");
  }

  /** The pane that lies over the other, if one does. */
  get front() {
    return SIDES.find((side) => this.panes[side].classList.contains("front")) ?? null;
  }

  /**
   * Words in both panes alike, after a while; never in one.
   * @param {string} words
   * @param {number} [after] ms
   */
  wait(words, after = 0) {
    this.hush();
    this.#waiting = setTimeout(() => {
      for (const side of SIDES) {
        const node = find(this.panes[side], ".wait");
        setText(node, words);
        node.hidden = false;
      }
    }, after);
  }

  hush() {
    clearTimeout(this.#waiting);
    for (const side of SIDES) find(this.panes[side], ".wait").hidden = true;
  }
}
