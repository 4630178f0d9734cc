/** The line between the images: link, one tick per slice, position. It also shows which slices were not seen. */

import { find, setText } from "../shared/dom.js";
import { bySide, SIDES } from "./sides.js";

/**
 * @import { Side } from "../server.ts"
 * @import { Viewing } from "./viewing.js"
 */

const DENSE = 120;

export class SliceIndicator {
  /**
   * @param {HTMLElement} root
   * @param {{onlink: () => void, ongoto: (index: number, side: Side) => void}} actions
   */
  constructor(root, { onlink, ongoto }) {
    this.root = root;
    this.link = find(root, ".link");
    this.off = find(root, ".off");
    this.position = find(root, ".pos b");
    this.total = find(root, ".pos span");
    this.track = find(root, ".track");
    this.lists = bySide((side) => find(root, side === "left" ? ".track ol:first-of-type" : ".track ol:last-of-type"));
    this.link.addEventListener("click", onlink);
    const drag = /** @param {PointerEvent} event */ (event) => {
      if (!event.buttons) return;
      const side = SIDES.find((each) => event.target instanceof Node && this.lists[each].contains(event.target)) ?? "left";
      const { top, height } = this.track.getBoundingClientRect();
      const slices = this.lists.left.children.length;
      ongoto(Math.min(slices - 1, Math.max(0, Math.floor(((event.clientY - top) / height) * slices))), side);
    };
    this.track.addEventListener("pointerdown", drag);
    this.track.addEventListener("pointermove", drag);
  }

  /** @param {Pick<Viewing, "slices"|"shown"|"seen"|"offset"|"linked">} viewing */
  update(viewing) {
    const { slices, shown, seen, offset, linked } = viewing;
    const apart = !linked || offset !== 0;
    this.root.classList.toggle("unlinked", !linked);
    this.root.classList.toggle("shifted", offset !== 0);
    this.off.hidden = offset === 0;
    setText(this.off, `${offset > 0 ? "+" : "−"}${Math.abs(offset)}`);
    const shift = offset === 0 ? "" : `, right image ${Math.abs(offset)} further ${offset > 0 ? "down" : "up"} the stack`;
    this.link.setAttribute("aria-label", `${linked ? "linked" : "unlinked"}${shift}`);
    this.lists.right.hidden = !apart;
    this.track.classList.toggle("dense", slices > DENSE);
    for (const side of SIDES) {
      this.#ticks(this.lists[side], slices, shown?.[side], (index) =>
        apart ? seen[side].has(index) : seen.left.has(index) && seen.right.has(index),
      );
    }
    setText(this.position, shown ? String(shown.left + 1) : "");
    setText(this.total, slices ? String(slices) : "");
  }

  /**
   * @param {HTMLElement} list
   * @param {number} slices
   * @param {number|undefined} now
   * @param {(index: number) => boolean} seen
   */
  #ticks(list, slices, now, seen) {
    while (list.children.length > slices) list.lastChild?.remove();
    while (list.children.length < slices) list.append(document.createElement("li"));
    for (let index = 0; index < slices; index += 1) {
      const name = index === now ? "now" : seen(index) ? "seen" : "";
      if (list.children[index].className !== name) list.children[index].className = name;
    }
  }
}
