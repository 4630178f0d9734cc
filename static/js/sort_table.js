// Tables with data-sort: a press on a heading sorts by its column, once more turns the order round.
"use strict";

// A number, a bound such as "< 0.001" as the number, "n/a" as nothing; else the text.
function value(row, column) {
  const text = row.cells[column].textContent.trim();
  if (row.cells[column].classList.contains("na")) return null;
  const number = Number.parseFloat(text.replace(/^[<>]\s*/, "").replace("−", "-"));
  return Number.isNaN(number) ? text : number;
}

function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

function sort(heading) {
  const body = heading.closest("table").tBodies[0];
  const turn = heading.ariaSort === "ascending" ? -1 : 1;
  const rows = [...body.rows].map((row) => [value(row, heading.cellIndex), row]);
  rows.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : turn * compare(a, b)));
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.ariaSort = turn > 0 ? "ascending" : "descending";
  body.append(...rows.map(([, row]) => row));
}

for (const heading of document.querySelectorAll("table[data-sort] thead th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sorts";
  button.append(...heading.childNodes);
  button.addEventListener("click", () => sort(heading));
  heading.append(button);
}
