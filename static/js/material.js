// The material page: arrow keys and readout on the map, ticks and bulk edit of the confirm table.
"use strict";

// ---- map: one stop for the Tab key, arrows walk, the readout says what is under the pointer or the focus
let place = null; // id of the cell that has the tab stop; survives a refresh of the map

function cells(root = document) {
  return [...root.querySelectorAll(".map a.cell")];
}

function tabStop() {
  const all = cells();
  const chosen = all.find((cell) => cell.id === place) || all[0];
  for (const cell of all) cell.tabIndex = cell === chosen ? 0 : -1;
}

function say(cell) {
  const readout = document.querySelector("[data-readout]");
  if (!readout) return;
  const [what, state, ...more] = cell.getAttribute("aria-label").split(": ");
  const shapes = { "to confirm": "attention" };
  const name = document.createElement("b");
  name.textContent = what;
  const word = document.createElement("span");
  word.className = `state ${shapes[state] || state}`;
  word.textContent = state;
  const rest = document.createElement("span");
  rest.className = "dim";
  rest.textContent = more.join(": ");
  readout.replaceChildren(name, word, rest);
}

function walk(cell, key) {
  const row = cell.parentElement;
  const siblings = cells(row);
  const column = siblings.indexOf(cell);
  const rows = [...document.querySelectorAll(".map-row")].filter((one) => one.querySelector("a.cell"));
  const line = rows.indexOf(row);
  const at = (r, c) => r && cells(r)[Math.min(c, cells(r).length - 1)];
  return {
    ArrowLeft: siblings[column - 1], ArrowRight: siblings[column + 1],
    ArrowUp: at(rows[line - 1], column), ArrowDown: at(rows[line + 1], column),
    Home: siblings[0], End: siblings.at(-1),
  }[key];
}

document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.(".map a.cell")) return;
  const next = walk(event.target, event.key);
  if (!next) return;
  event.preventDefault();
  place = next.id;
  tabStop();
  next.focus();
});
for (const kind of ["focusin", "mouseover"]) {
  document.addEventListener(kind, (event) => {
    const cell = event.target.closest?.(".map a.cell");
    if (!cell) return;
    if (kind === "focusin") place = cell.id;
    say(cell);
  });
}
document.addEventListener("htmx:afterSettle", () => {
  tabStop();
  if (document.activeElement?.matches(".map a.cell")) say(document.activeElement);
});
tabStop();

// ---- confirm table
const table = document.querySelector("#confirm");
if (table) {
  const ticks = () => [...table.querySelectorAll("tbody input[type=checkbox][name$=-tick]")];
  const all = table.querySelector("[data-tick-all]");
  const count = () => {
    const ticked = ticks().filter((tick) => tick.checked).length;
    const shown = table.querySelector("[data-ticked]");
    if (shown) shown.textContent = ticked;
    for (const button of table.querySelectorAll("#confirm-ticked, [name=aside]")) button.disabled = !ticked;
    if (all) {
      all.checked = ticked > 0 && ticked === ticks().length;
      all.indeterminate = ticked > 0 && ticked < ticks().length;
    }
  };
  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => { for (const tick of ticks()) tick.checked = all.checked; count(); });
  }
  table.addEventListener("change", (event) => {
    // Who corrects a row means to confirm it.
    const row = event.target.closest("tr");
    if (event.target.matches("select, input.input")) {
      const tick = row.querySelector("[name$=-tick]");
      const filled = [...row.querySelectorAll("select, input.input")].every((field) => field.value);
      if (tick && filled) tick.checked = true;
    }
    count();
  });
  count();
}
