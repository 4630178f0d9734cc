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
  // Bulk edit: what stands in the first line goes into every ticked row.
  const bulk = table.querySelector("[data-bulk]");
  const fields = (row) => [...row.querySelectorAll("select, input.input")];
  const rows = () => [...table.querySelectorAll("tbody tr")].filter((row) => fields(row).length);
  if (bulk) {
    bulk.hidden = rows().length < 2;
    for (const field of fields(bulk)) field.removeAttribute("name"); // it is no row of its own
    bulk.addEventListener("change", (event) => {
      event.stopPropagation();
      const column = fields(bulk).indexOf(event.target);
      if (column < 0 || !event.target.value) return;
      for (const row of rows()) {
        if (row.querySelector("[name$=-tick]").checked) fields(row)[column].value = event.target.value;
      }
    });
  }

  // Keyboard: up and down stay in the column, Ctrl+D takes what stands above, Ctrl+Space ticks; Shift+click ticks a range.
  table.addEventListener("keydown", (event) => {
    const row = event.target.closest("tbody tr");
    const column = row ? fields(row).indexOf(event.target) : -1;
    if (column < 0) return;
    const all = rows();
    const other = (step) => all[all.indexOf(row) + step];
    const isList = event.target.tagName === "SELECT";
    if ((event.key === "ArrowUp" || event.key === "ArrowDown") && (!isList || event.ctrlKey)) {
      const next = other(event.key === "ArrowUp" ? -1 : 1);
      if (next) fields(next)[column].focus();
    } else if (event.ctrlKey && event.key.toLowerCase() === "d" && other(-1)) {
      event.target.value = fields(other(-1))[column].value;
      event.target.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (event.ctrlKey && event.key === " ") {
      row.querySelector("[name$=-tick]").click();
    } else {
      return;
    }
    event.preventDefault();
  });
  let lastTick = null;
  table.addEventListener("click", (event) => {
    if (!event.target.matches("tbody [name$=-tick]")) return;
    const list = ticks();
    const [from, to] = [list.indexOf(lastTick), list.indexOf(event.target)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const tick of list.slice(from, to + 1)) tick.checked = event.target.checked;
    lastTick = event.target;
    count();
  });

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
