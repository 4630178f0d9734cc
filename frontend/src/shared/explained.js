/**
 * What a number says of itself: a title attribute, or the title of a piece of a figure, is shown beside it under the
 * pointer, on focus and on touch; Escape closes it. A table is one stop of the Tab key, the arrow keys walk its cells. A
 * figure that has the focus says its numbers in words.
 */

import { around, el } from "./dom.js";

const ID = "explanation";
const PIECES = `main [title], main svg :has(> title), main [aria-describedby=${ID}]`;
const CELLS = `[title], svg[role=img], [aria-describedby=${ID}]`;
const REACHED_ANYWAY = "a[href], button, input, select, textarea, summary";
/** @type {Record<string, number>} */
const BESIDE = { ArrowLeft: -1, ArrowRight: 1 };
/** @type {Record<string, number>} */
const ABOVE_AND_BELOW = { ArrowUp: -1, ArrowDown: 1 };

/** @typedef {HTMLElement|SVGElement} Cell */

const box = el("div", { id: ID, class: ID, role: "tooltip", hidden: true });
/** @type {{of: Element, back: () => void}|null} what is explained now, and how it gets its title back */
let shown = null;

/**
 * What an element says of itself. Its title is taken away as long as it is shown, or the browser would say it too.
 * @param {Element} of
 * @returns {{text: string|null, back: () => void}}
 */
function taken(of) {
  const title = of.getAttribute("title");
  if (title !== null) {
    of.removeAttribute("title");
    return { text: title, back: () => of.setAttribute("title", title) };
  }
  const piece = of.querySelector(":scope > title");
  if (!piece) return { text: of.ariaLabel, back: () => {} };
  piece.remove();
  return { text: piece.textContent, back: () => of.prepend(piece) };
}

function hide() {
  if (!shown) return;
  shown.back();
  shown.of.removeAttribute("aria-describedby");
  shown = null;
  box.hidden = true;
}

/** Below what is explained, above it where there is no room. */
function place() {
  if (!shown) return;
  const of = shown.of.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const below = of.bottom + 4 + height < innerHeight || of.top < height + 8;
  box.style.left = `${Math.max(8, Math.min(of.left, innerWidth - width - 8))}px`;
  box.style.top = `${below ? Math.min(of.bottom + 4, innerHeight - height - 8) : of.top - height - 4}px`;
}

/** @param {Element|null} of */
function show(of) {
  if (shown?.of === of) return;
  hide();
  if (!of) return;
  const { text, back } = taken(of);
  if (!text) return;
  shown = { of, back };
  of.setAttribute("aria-describedby", ID);
  box.textContent = text;
  box.hidden = false;
  place();
}

/**
 * What of a table explains itself and is not reached anyway, in its order.
 * @param {Element} table
 */
function cells(table) {
  const all = /** @type {Cell[]} */ ([...table.querySelectorAll(CELLS)]);
  return all.filter((node) => !node.closest(REACHED_ANYWAY) && !node.querySelector(REACHED_ANYWAY));
}

/** Whatever explains itself can have the focus. */
function letReach() {
  for (const table of document.querySelectorAll("main table")) {
    cells(table).forEach((node, number) => { node.tabIndex = number ? -1 : 0; });
  }
  for (const node of cells(document.querySelector("main") ?? document.body)) if (!node.closest("table")) node.tabIndex = 0;
}

/**
 * The cell to which a key leads.
 * @param {string} key
 * @param {Element} from
 * @param {Element} table
 */
function next(key, from, table) {
  const all = cells(table);
  if (key in BESIDE) return all[all.findIndex((node) => node === from) + BESIDE[key]];
  if (key === "Home") return all[0];
  if (key === "End") return all[all.length - 1];
  const column = from.closest("td, th");
  if (!(key in ABOVE_AND_BELOW) || !(column instanceof HTMLTableCellElement)) return undefined;
  const rows = Array.from(table.querySelectorAll("tr"));
  let at = rows.findIndex((row) => row.contains(column));
  for (;;) {
    at += ABOVE_AND_BELOW[key];
    if (!rows[at]) return undefined;
    const found = all.find((node) => rows[at].cells[column.cellIndex]?.contains(node));
    if (found) return found;
  }
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.key === "Escape") hide();
  const table = around(event, "main table");
  const from = event.target;
  if (!table || !(from instanceof Element) || !from.matches(CELLS) || event.ctrlKey || event.altKey || event.metaKey) return;
  const to = next(event.key, from, table);
  if (!to) return;
  event.preventDefault();
  for (const node of cells(table)) node.tabIndex = node === to ? 0 : -1;
  to.focus();
}

/** @param {Event} event */
const pieceAt = (event) => (event.target instanceof Element ? event.target.closest(PIECES) : null);

/** Explanations for this page. */
export function explain() {
  document.body.append(box);
  letReach();
  document.addEventListener("htmx:afterSettle", letReach);
  document.addEventListener("focusin", (event) => {
    if (!(event.target instanceof Element)) return;
    const figure = event.target.matches("svg[role=img]:focus-visible") ? event.target : null;
    show(figure ?? pieceAt(event) ?? event.target.querySelector("[title]"));
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "touch" && event.target !== box && pieceAt(event)) show(pieceAt(event));
  });
  document.addEventListener("pointerout", (event) => {
    if (event.pointerType === "touch" || event.relatedTarget === box || document.activeElement === shown?.of) return;
    if (!(event.relatedTarget instanceof Node && shown?.of.contains(event.relatedTarget))) hide();
  });
  document.addEventListener("click", (event) => {
    if (event.target !== box) show(pieceAt(event));
  });
  document.addEventListener("keydown", pressed);
  addEventListener("scroll", place, { capture: true, passive: true });
}
