/**
 * Tables with data-sort: a press on a heading sorts by its column, once more turns the order round, a third time it is
 * as the site sent it.
 */

import { el } from "./dom.js";

const words = new Intl.Collator("en", { numeric: true });
const NUMBER = /^[<>≤≥]?\s*([−+-]?\d[\d,]*(?:\.\d+)?)(?:\s*×\s*10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?(?!\S*\p{L})/u;
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * What a cell is sorted by: the number at its start, a bound such as "< 0.001" as the number; else its text; nothing
 * where it is undefined.
 * @param {HTMLTableCellElement} cell
 * @returns {number|string|null}
 */
export function sortedBy(cell) {
  if (cell.classList.contains("na")) return null;
  const text = cell.textContent.trim();
  const found = NUMBER.exec(text);
  if (!found) return text === "n/a" || !text ? null : text;
  const power = (found[2] ?? "⁰").replace("⁻", "-").replace(/[^-]/g, (digit) => String(RAISED.indexOf(digit)));
  return Number(found[1].replaceAll(",", "").replace("−", "-")) * 10 ** Number(power);
}

/**
 * @param {number|string} a
 * @param {number|string} b
 */
function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return words.compare(String(a), String(b));
}

/**
 * Rows whose value is undefined stay last either way, equal ones as they stood.
 * @param {HTMLTableSectionElement} body
 * @param {number} column
 * @param {1|-1} turn
 */
function sort(body, column, turn) {
  const rows = Array.from(body.rows, (row) => ({ row, key: sortedBy(row.cells[column]) }));
  rows.sort(({ key: a }, { key: b }) => (a === null || b === null ? Number(a === null) - Number(b === null) : turn * compare(a, b)));
  body.append(...rows.map(({ row }) => row));
}

/** Headings that sort, for this page. */
export function letSort() {
  for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll("table[data-sort]"))) {
    const body = table.tBodies[0];
    const sent = Array.from(body.rows);
    const headings = Array.from(table.tHead?.querySelectorAll("th") ?? []);
    for (const heading of headings) {
      const press = () => {
        const before = heading.ariaSort;
        for (const other of headings) other.removeAttribute("aria-sort");
        if (before === "descending") {
          body.append(...sent);
          return;
        }
        heading.ariaSort = before ? "descending" : "ascending";
        sort(body, heading.cellIndex, before ? -1 : 1);
      };
      heading.append(el("button", { type: "button", class: "sorts", onclick: press }, ...heading.childNodes));
    }
  }
}
