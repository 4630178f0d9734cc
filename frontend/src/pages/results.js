/** Pages of results: numbers that explain themselves, tables that are sorted and copied, figures as files. */

import { copying } from "../shared/copying.js";
import { around, byId, find } from "../shared/dom.js";
import { explain } from "../shared/explained.js";
import { letSort } from "../shared/sorting.js";
import { grid, latex, markdown, plain, tsv } from "../shared/table_text.js";

/**
 * What the table is called above it, and what its caption says.
 * @param {HTMLTableElement} table
 */
function caption(table) {
  const title = table.closest("details:not(.menu), section")?.querySelector("summary:not(.menu *), h2")?.textContent;
  return [title, table.caption?.textContent].map((text) => text?.replace(/\s+/g, " ").trim()).filter(Boolean).join(". ");
}

/**
 * Word processors take the table, everything else the text.
 * @param {HTMLTableElement} table
 * @param {string} form
 */
function copy(table, form) {
  const own = plain(table);
  const rows = grid(own);
  if (form === "markdown") return navigator.clipboard.writeText(markdown(rows, caption(table)));
  if (form === "latex") return navigator.clipboard.writeText(latex(rows, own.tHead?.rows.length, caption(table)));
  if (form === "tsv") return navigator.clipboard.writeText(tsv(rows));
  return navigator.clipboard.write([
    new ClipboardItem({
      "text/html": new Blob([own.outerHTML], { type: "text/html" }),
      "text/plain": new Blob([tsv(rows)], { type: "text/plain" }),
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

/** @param {Element|null} but the one that stays open */
function closeMenus(but = null) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== but) menu.removeAttribute("open");
}

document.addEventListener("click", (event) => {
  const menu = around(event, "details.menu");
  closeMenus(menu);
  const button = around(event, "[data-copy]");
  if (!menu || !button?.dataset.copy) return;
  const table = byId(button.dataset.copy, HTMLTableElement);
  const head = find(menu, "summary");
  closeMenus();
  head.focus();
  copying(head, async () => copy(table, button.dataset.as ?? ""), () => select(table));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = around(event, "details.menu[open]");
  closeMenus();
  if (menu) find(menu, "summary").focus();
});

/** A figure as a file: what this page shows, asked for at its own address. */
document.addEventListener("click", (event) => {
  const button = around(event, "[data-form]");
  const menu = around(event, "[data-figure]");
  if (!button || !menu) return;
  const asked = new URLSearchParams(location.search);
  asked.set("figure", menu.dataset.figure ?? "");
  asked.set("form", button.dataset.form ?? "");
  asked.set("width", find(menu, "[data-width]", HTMLInputElement).value);
  asked.set("dpi", find(menu, "[data-dpi]", HTMLSelectElement).value);
  closeMenus();
  const sent = document.querySelector("form[data-makes-figures]");
  if (!(sent instanceof HTMLFormElement)) {
    location.assign(`${location.pathname}?${asked}`);
    return;
  }
  const action = sent.action; // the page shows what was sent with this form
  sent.action = `${location.pathname}?${asked}`;
  sent.submit();
  sent.action = action;
});

/** A link to the tables opens the first of them. */
function open() {
  if (location.hash === "#copy") document.querySelector("#copy details:not(.menu)")?.setAttribute("open", "");
}
addEventListener("hashchange", open);
open();
letSort();
explain();
