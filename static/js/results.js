// "Copy table": puts a plain table on the clipboard, as a table for word processors and as tab-separated text.
"use strict";

// Cell texts by row and column; a cell over several rows or columns speaks in its first one.
function grid(table) {
  const rows = [...table.rows].map(() => []);
  [...table.rows].forEach((row, place) => {
    let column = 0;
    for (const cell of row.cells) {
      while (rows[place][column] !== undefined) column += 1;
      for (let down = 0; down < cell.rowSpan; down += 1)
        for (let across = 0; across < cell.colSpan; across += 1) rows[place + down][column + across] = "";
      rows[place][column] = cell.textContent.replace(/\s+/g, " ").trim();
    }
  });
  return rows;
}

async function copy(button) {
  const table = document.getElementById(button.dataset.copy);
  const plain = table.cloneNode(true);
  for (const node of plain.querySelectorAll(".vh")) node.remove();
  for (const node of plain.querySelectorAll("small")) node.replaceWith(` (${node.textContent})`);
  for (const node of [plain, ...plain.querySelectorAll("*")]) {
    for (const name of ["class", "id", "title"]) node.removeAttribute(name);
  }
  const text = grid(plain).map((row) => row.join("\t")).join("\n");
  const said = button.textContent;
  try {
    await navigator.clipboard.write([
      new ClipboardItem({
        "text/html": new Blob([plain.outerHTML], { type: "text/html" }),
        "text/plain": new Blob([text], { type: "text/plain" }),
      }),
    ]);
    button.textContent = "Copied";
  } catch {
    const range = document.createRange();
    range.selectNode(table);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "Selected: copy it with Ctrl+C";
  }
  setTimeout(() => { button.textContent = said; }, 4000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// A link to the tables opens the first of them.
addEventListener("hashchange", open);
function open() {
  if (location.hash === "#copy") document.querySelector("#copy details")?.setAttribute("open", "");
}
open();
