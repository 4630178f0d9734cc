// The material page: arrow keys and readout on the map, ticks of the confirm table, upload with progress.
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

// ---- upload
const form = document.querySelector("[data-upload]");
if (form) {
  const [files, folder] = form.querySelectorAll("input[type=file]");
  const sending = form.querySelector("[data-sending]");
  const bar = form.querySelector("progress");
  const status = form.querySelector("[data-say]");
  const wrong = form.querySelector("[data-error]");
  const button = form.querySelector("button");
  form.querySelector("[data-folder]").hidden = false;
  form.querySelector("[data-drop-hint]").hidden = false;
  const size = (bytes) => bytes > 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
  let request = null;

  const fail = (text) => {
    request = null;
    sending.hidden = true;
    button.disabled = false;
    wrong.textContent = text;
    wrong.hidden = false;
  };

  const send = (list) => { // [[file, path below the chosen folder], ...]
    if (request) return;
    if (!list.length) return fail("Choose a folder or files first.");
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    // A path would be cut down to its last part on the way: its slashes travel encoded.
    for (const [file, path] of list) body.append("files", file, encodeURIComponent(path));
    const total = list.reduce((sum, [file]) => sum + file.size, 0);
    const began = performance.now();
    request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      const share = event.total ? event.loaded / event.total : 0;
      const rate = event.loaded / Math.max((performance.now() - began) / 1000, 0.1);
      const left = Math.ceil((event.total - event.loaded) / rate);
      bar.value = 100 * share;
      status.textContent = share < 1
        ? `${size(event.loaded)} of ${size(event.total)}, ${size(rate)}/s, ${left < 100 ? `${left} s` : `${Math.round(left / 60)} min`} left`
        : "All sent. Storing under seal …";
    });
    request.addEventListener("load", () => {
      if (request.status === 200 && request.response) location.assign(request.response.next);
      else fail(request.response?.detail || "The site did not take the files. Reload the page and send them again.");
    });
    request.addEventListener("error", () => fail("The connection broke. Nothing was kept; send the files again."));
    wrong.hidden = true;
    sending.hidden = false;
    button.disabled = true;
    status.textContent = `${list.length} files, ${size(total)}`;
    request.send(body);
  };

  const chosen = (input) => [...input.files].map((file) => [file, file.webkitRelativePath || file.name]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send([...chosen(files), ...chosen(folder)]);
  });
  window.addEventListener("beforeunload", (event) => { if (request && request.readyState < 4 && bar.value < 100) event.preventDefault(); });

  // ---- drop anywhere: folders are walked
  const below = async (entry) => {
    if (entry.isFile) return [[await new Promise((done, no) => entry.file(done, no)), entry.fullPath.replace(/^\//, "")]];
    const reader = entry.createReader();
    const found = [];
    for (;;) { // readEntries gives at most 100 at a time
      const some = await new Promise((done, no) => reader.readEntries(done, no));
      if (!some.length) return found;
      for (const one of some) found.push(...await below(one));
    }
  };
  const target = document.body;
  const carriesFiles = (event) => [...event.dataTransfer.types].includes("Files");
  target.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    form.closest("[data-drop]").classList.add("over");
  });
  target.addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.closest("[data-drop]").classList.remove("over"); });
  target.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    form.closest("[data-drop]").classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    try {
      send((await Promise.all(entries.map(below))).flat());
    } catch {
      fail("A file of the folder could not be read. Check it and drop the folder again.");
    }
  });
}
