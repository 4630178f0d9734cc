/** The line between the images: link, one tick per slice, position. It also shows which slices were not seen. */

import { say } from "./dom.js";
import { SIDES } from "./panes.js";

const DENSE = 120;

export class Seam {
  /**
   * @param {HTMLElement} root
   * @param {{onlink: () => void, ongoto: (index: number, side: "left"|"right") => void}} actions
   */
  constructor(root, { onlink, ongoto }) {
    this.root = root;
    this.link = root.querySelector(".link");
    this.off = root.querySelector(".off");
    this.position = root.querySelector(".pos b");
    this.total = root.querySelector(".pos span");
    this.track = root.querySelector(".track");
    this.lists = Object.fromEntries(SIDES.map((side, at) => [side, root.querySelectorAll(".track ol")[at]]));
    this.link.addEventListener("click", onlink);
    const drag = (event) => {
      if (!event.buttons) return;
      const side = SIDES.find((each) => this.lists[each].contains(event.target)) ?? "left";
      const { top, height } = this.track.getBoundingClientRect();
      const slices = this.lists.left.children.length;
      ongoto(Math.min(slices - 1, Math.max(0, Math.floor(((event.clientY - top) / height) * slices))), side);
    };
    this.track.addEventListener("pointerdown", drag);
    this.track.addEventListener("pointermove", drag);
  }

  /** @param {import("./view.js").Viewing} viewing */
  update(viewing) {
    const { slices, shown, seen, offset, linked } = viewing;
    const apart = !linked || offset !== 0;
    this.root.classList.toggle("unlinked", !linked);
    this.root.classList.toggle("shifted", offset !== 0);
    this.off.hidden = offset === 0;
    say(this.off, `${offset > 0 ? "+" : "−"}${Math.abs(offset)}`);
    const shift = offset === 0 ? "" : `, right image ${Math.abs(offset)} further ${offset > 0 ? "down" : "up"} the stack`;
    this.link.setAttribute("aria-label", `${linked ? "linked" : "unlinked"}${shift}`);
    this.lists.right.hidden = !apart;
    this.track.classList.toggle("dense", slices > DENSE);
    for (const side of SIDES) this.#ticks(this.lists[side], slices, shown?.[side], (index) =>
      apart ? seen[side].has(index) : seen.left.has(index) && seen.right.has(index),
    );
    say(this.position, shown ? String(shown.left + 1) : "");
    say(this.total, slices ? String(slices) : "");
  }

  #ticks(list, slices, now, seen) {
    while (list.children.length > slices) list.lastChild.remove();
    while (list.children.length < slices) list.append(document.createElement("li"));
    for (let index = 0; index < slices; index += 1) {
      const name = index === now ? "now" : seen(index) ? "seen" : "";
      if (list.children[index].className !== name) list.children[index].className = name;
    }
  }
}
