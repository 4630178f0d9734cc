/** Figures as files. "Copy table": puts a plain table on the clipboard, as a table for word processors and as tab-separated text. */

import { copying } from "../shared/copying.js";
import { around, byId } from "../shared/dom.js";
import { saveFigure } from "../shared/figure_files.js";

/**
 * Cell texts by row and column; a cell over several rows or columns speaks in its first one.
 * @param {HTMLTableElement} table
 */
function grid(table) {
  /** @type {string[][]} */
  const rows = Array.from(table.rows, () => []);
  Array.from(table.rows).forEach((row, place) => {
    let column = 0;
    for (const cell of row.cells) {
      while (rows[place][column] !== undefined) column += 1;
      for (let down = 0; down < cell.rowSpan; down += 1) {
        for (let across = 0; across < cell.colSpan; across += 1) rows[place + down][column + across] = "";
      }
      rows[place][column] = cell.textContent.replace(/\s+/g, " ").trim();
    }
  });
  return rows;
}

/**
 * The table without what word processors should not get.
 * @param {HTMLTableElement} table
 */
function plainOf(table) {
  const plain = /** @type {HTMLTableElement} */ (table.cloneNode(true));
  for (const node of plain.querySelectorAll(".vh")) node.remove();
  for (const node of plain.querySelectorAll("small")) node.replaceWith(` (${node.textContent})`);
  for (const node of [plain, ...plain.querySelectorAll("*")]) {
    for (const name of ["class", "id", "title"]) node.removeAttribute(name);
  }
  return plain;
}

/** @param {HTMLTableElement} table */
function copy(table) {
  const plain = plainOf(table);
  const text = grid(plain).map((row) => row.join("\t")).join("\n");
  return navigator.clipboard.write([
    new ClipboardItem({
      "text/html": new Blob([plain.outerHTML], { type: "text/html" }),
      "text/plain": new Blob([text], { type: "text/plain" }),
    }),
  ]);
}

/** @param {Node} node */
function select(node) {
  const range = document.createRange();
  range.selectNode(node);
  getSelection()?.removeAllRanges();
  getSelection()?.addRange(range);
}

document.addEventListener("click", (event) => {
  const button = around(event, "[data-copy]");
  if (!button?.dataset.copy) return;
  const table = byId(button.dataset.copy, HTMLTableElement);
  copying(button, async () => copy(table), () => select(table));
});

document.addEventListener("click", (event) => {
  const button = around(event, "[data-svg], [data-png]");
  if (!button) return;
  const { svg, png } = button.dataset;
  saveFigure(byId(svg ?? png ?? "", HTMLElement), svg ? "svg" : "png");
});

/** A link to the tables opens the first of them. */
function open() {
  if (location.hash === "#copy") document.querySelector("#copy details")?.setAttribute("open", "");
}
addEventListener("hashchange", open);
open();
