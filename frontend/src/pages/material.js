/** The material page: arrow keys and readout on the map, ticks and bulk edit of the confirm table, names of refused files. */

import { around, el, find } from "../shared/dom.js";
import { sentNames } from "../shared/sent_names.js";

/** @typedef {HTMLInputElement|HTMLSelectElement} Field */

const CELL = ".map a.cell";

// ---- map: one stop for the Tab key, arrows walk, the readout says what is under the pointer or the focus
/** Id of the cell that has the tab stop; survives a refresh of the map. */
let place = "";

/**
 * @param {ParentNode} [root]
 * @returns {HTMLAnchorElement[]}
 */
function cells(root = document) {
  return [...root.querySelectorAll(CELL)].filter((cell) => cell instanceof HTMLAnchorElement);
}

function tabStop() {
  const all = cells();
  const chosen = all.find((cell) => cell.id === place) || all[0];
  for (const cell of all) cell.tabIndex = cell === chosen ? 0 : -1;
}

/** @param {Element} cell */
function readOut(cell) {
  const [what, state, ...more] = (cell.getAttribute("aria-label") ?? "").split(": ");
  const shape = state === "to confirm" ? "attention" : state;
  document.querySelector("[data-readout]")?.replaceChildren(
    el("b", {}, what), el("span", { class: `state ${shape}` }, state), el("span", { class: "dim" }, more.join(": ")));
}

/**
 * @param {HTMLAnchorElement} cell
 * @param {string} key
 * @returns {HTMLAnchorElement|undefined}
 */
function walk(cell, key) {
  const row = cell.parentElement;
  if (!row) return undefined;
  const siblings = cells(row);
  const column = siblings.indexOf(cell);
  const rows = [...document.querySelectorAll(".map-row")].filter((each) => each.querySelector("a.cell"));
  const line = rows.indexOf(row);
  /** @param {Element|undefined} other */
  const beside = (other) => other && cells(other)[Math.min(column, cells(other).length - 1)];
  return {
    ArrowLeft: siblings[column - 1], ArrowRight: siblings[column + 1],
    ArrowUp: beside(rows[line - 1]), ArrowDown: beside(rows[line + 1]),
    Home: siblings[0], End: siblings.at(-1),
  }[key];
}

document.addEventListener("keydown", (event) => {
  if (!(event.target instanceof HTMLAnchorElement && event.target.matches(CELL))) return;
  const next = walk(event.target, event.key);
  if (!next) return;
  event.preventDefault();
  place = next.id;
  tabStop();
  next.focus();
});
for (const kind of ["focusin", "mouseover"]) {
  document.addEventListener(kind, (event) => {
    const cell = around(event, CELL);
    if (!cell) return;
    if (kind === "focusin") place = cell.id;
    readOut(cell);
  });
}
document.addEventListener("htmx:afterSettle", () => {
  tabStop();
  if (document.activeElement?.matches(CELL)) readOut(document.activeElement);
});
tabStop();

// ---- confirm table

/** @param {HTMLElement} table */
function confirmTable(table) {
  /** @returns {HTMLInputElement[]} */
  const ticks = () => [...table.querySelectorAll("tbody input[type=checkbox][name$=-tick]")].filter((tick) => tick instanceof HTMLInputElement);
  /** @param {Element} row */
  const tickOf = (row) => find(row, "[name$=-tick]", HTMLInputElement);
  /** @param {Element} row @returns {Field[]} */
  const fields = (row) => [...row.querySelectorAll("select, input.input")].filter((field) => field instanceof HTMLInputElement || field instanceof HTMLSelectElement);
  /** @param {EventTarget|null} target @returns {target is Field} */
  const isField = (target) => target instanceof HTMLElement && target.matches("select, input.input");
  const rows = () => [...table.querySelectorAll("tbody tr")].filter((row) => fields(row).length);

  const all = table.querySelector("[data-tick-all]");
  const count = () => {
    const ticked = ticks().filter((tick) => tick.checked).length;
    table.querySelector("[data-ticked]")?.replaceChildren(String(ticked));
    for (const button of table.querySelectorAll("#confirm-ticked, [name=aside]")) button.toggleAttribute("disabled", !ticked);
    if (all instanceof HTMLInputElement) {
      all.checked = ticked > 0 && ticked === ticks().length;
      all.indeterminate = ticked > 0 && ticked < ticks().length;
    }
  };
  if (all instanceof HTMLInputElement) {
    all.hidden = false;
    all.addEventListener("change", () => { for (const tick of ticks()) tick.checked = all.checked; count(); });
  }

  // Bulk edit: what stands in the first line goes into every ticked row.
  const bulk = table.querySelector("[data-bulk]");
  if (bulk instanceof HTMLElement) {
    bulk.hidden = rows().length < 2;
    for (const field of fields(bulk)) field.removeAttribute("name"); // it is no row of its own
    bulk.addEventListener("change", (event) => {
      event.stopPropagation();
      if (!isField(event.target) || !event.target.value) return;
      const column = fields(bulk).indexOf(event.target);
      if (column < 0) return;
      for (const row of rows()) if (tickOf(row).checked) fields(row)[column].value = event.target.value;
    });
  }

  // Keyboard: up and down stay in the column, Ctrl+D takes what stands above, Ctrl+Space ticks; Shift+click ticks a range.
  table.addEventListener("keydown", (event) => {
    const row = around(event, "tbody tr");
    if (!row || !isField(event.target)) return;
    const column = fields(row).indexOf(event.target);
    const filled = rows();
    /** @param {number} step @returns {Element|undefined} */
    const other = (step) => filled[filled.indexOf(row) + step];
    const above = other(-1);
    const isList = event.target.tagName === "SELECT";
    if ((event.key === "ArrowUp" || event.key === "ArrowDown") && (!isList || event.ctrlKey)) {
      const next = other(event.key === "ArrowUp" ? -1 : 1);
      if (next) fields(next)[column].focus();
    } else if (event.ctrlKey && event.key.toLowerCase() === "d" && above) {
      event.target.value = fields(above)[column].value;
      event.target.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (event.ctrlKey && event.key === " ") {
      tickOf(row).click();
    } else {
      return;
    }
    event.preventDefault();
  });

  /** @type {HTMLInputElement|null} */
  let lastTick = null;
  table.addEventListener("click", (event) => {
    const { target } = event;
    if (!(target instanceof HTMLInputElement && target.matches("tbody [name$=-tick]"))) return;
    const list = ticks();
    const [from, to] = [lastTick ? list.indexOf(lastTick) : -1, list.indexOf(target)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const tick of list.slice(from, to + 1)) tick.checked = target.checked;
    lastTick = target;
    count();
  });

  table.addEventListener("change", (event) => {
    // Who corrects a row means to confirm it.
    const row = around(event, "tr");
    if (row && isField(event.target)) {
      const tick = row.querySelector("[name$=-tick]");
      if (tick instanceof HTMLInputElement && fields(row).every((field) => field.value)) tick.checked = true;
    }
    count();
  });
  count();
}

const table = document.querySelector("#confirm");
if (table instanceof HTMLElement) confirmTable(table);


// ---- names of files that are not used, as far as this tab sent them

const NAMED = 50; // names of one reason that are shown

/**
 * Reason and hash of each line of the CSV of what is not used.
 * @param {string} csv
 * @returns {[string, string][]}
 */
function refusals(csv) {
  const line = /^\d+,([0-9a-f]{64}),(?:"((?:[^"]|"")*)"|([^,\r\n]*))/gm;
  return [...csv.matchAll(line)].map(([, hash, quoted, plain]) => [quoted?.replaceAll('""', '"') ?? plain, hash]);
}

/** @param {HTMLElement} card */
async function nameRefused(card) {
  const nameOf = sentNames(card.dataset.sent ?? "");
  const reasons = [...card.querySelectorAll("[data-reason]")];
  if (!reasons.length || !sessionStorage.getItem(`sent ${card.dataset.sent}`)) return;
  const answer = await fetch(card.dataset.notUsed ?? "");
  if (!answer.ok) return;
  /** @type {Map<string, string[]>} */
  const names = new Map();
  for (const [reason, hash] of refusals(await answer.text())) {
    const name = nameOf(hash);
    if (name) names.set(reason, [...names.get(reason) ?? [], name]);
  }
  for (const reason of reasons) {
    const found = names.get(reason.textContent.trim());
    if (!found) continue;
    const more = found.length > NAMED ? el("li", { class: "dim" }, `and ${found.length - NAMED} more`) : null;
    reason.parentElement?.append(found.length === 1
      ? el("div", { class: "small mono" }, found[0])
      : el("details", { class: "small" },
        el("summary", {}, `${found.length} names, known to this tab alone`),
        el("ul", { class: "mono" }, ...found.slice(0, NAMED).map((name) => el("li", {}, name)), more)));
  }
}

const notUsed = document.querySelector("[data-not-used]");
if (notUsed instanceof HTMLElement) nameRefused(notUsed);
