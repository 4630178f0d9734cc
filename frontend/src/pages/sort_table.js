/** Tables with data-sort: a press on a heading sorts by its column, once more turns the order round. */

import { el } from "../shared/dom.js";

/**
 * A number, a bound such as "< 0.001" as the number, "n/a" as nothing; else the text.
 * @param {HTMLTableRowElement} row
 * @param {number} column
 */
function value(row, column) {
  const cell = row.cells[column];
  const text = cell.textContent.trim();
  if (cell.classList.contains("na")) return null;
  const number = Number.parseFloat(text.replace(/^[<>]\s*/, "").replace("−", "-"));
  return Number.isNaN(number) ? text : number;
}

/**
 * @param {number|string} a
 * @param {number|string} b
 */
function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

/**
 * @param {HTMLTableElement} table
 * @param {HTMLTableCellElement} heading
 */
function sort(table, heading) {
  const body = table.tBodies[0];
  const turn = heading.ariaSort === "ascending" ? -1 : 1;
  const rows = Array.from(body.rows, (row) => ({ row, key: value(row, heading.cellIndex) }));
  rows.sort(({ key: a }, { key: b }) => (a === null || b === null ? Number(a === null) - Number(b === null) : turn * compare(a, b)));
  for (const other of table.tHead?.querySelectorAll("th") ?? []) other.removeAttribute("aria-sort");
  heading.ariaSort = turn > 0 ? "ascending" : "descending";
  body.append(...rows.map(({ row }) => row));
}

for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll("table[data-sort]"))) {
  for (const heading of table.tHead?.querySelectorAll("th") ?? []) {
    heading.append(el("button", { type: "button", class: "sorts", onclick: () => sort(table, heading) }, ...heading.childNodes));
  }
}
