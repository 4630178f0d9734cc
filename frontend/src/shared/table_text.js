/** A table of the page for other programs: HTML for word processors, Markdown, LaTeX, tab-separated text. */

const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NUMBERS = /^[+-]?\d[\d.,\s%±()†×⁻⁰¹²³⁴⁵⁶⁷⁸⁹to+-]*$/;
const NUMBER = /^(?:[<>≤≥]?\s*[−+-]?\d.*|n\/a|)$/;
/** @type {Record<string, string>} */
const LATEX = {
  "&": "\\&",
  "%": "\\%",
  "#": "\\#",
  _: "\\_",
  $: "\\$",
  "{": "\\{",
  "}": "\\}",
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "|": "\\textbar{}",
  "[": "{[}",
  "*": "{*}", // after the end of a row both would be arguments of it
  "−": "$-$",
  "±": "$\\pm$",
  "×": "$\\times$",
  "≤": "$\\leq$",
  "≥": "$\\geq$",
  "α": "$\\alpha$",
  "κ": "$\\kappa$",
  "ρ": "$\\rho$",
  "τ": "$\\tau$",
  "†": "\\dag{}",
  "◂": "$\\triangleleft$",
  "▸": "$\\triangleright$",
  "–": "--",
  "…": "\\dots{}",
};
const SPECIAL = /[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|[&%#_${}\\~^<>|[*−±×≤≥ακρτ†◂▸–…]/g;
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * The table without what only the page needs. A figure speaks its label, an explanation stays behind.
 * @param {HTMLTableElement} table
 */
export function plain(table) {
  const copy = /** @type {HTMLTableElement} */ (table.cloneNode(true));
  for (const node of copy.querySelectorAll(".vh")) node.remove();
  for (const node of copy.querySelectorAll("svg")) node.replaceWith(node.getAttribute("aria-label") ?? "");
  for (const node of copy.querySelectorAll("small")) node.replaceWith(` (${node.textContent})`);
  for (const node of copy.querySelectorAll("button, a, abbr")) node.replaceWith(...node.childNodes);
  for (const node of copy.querySelectorAll(".ends > :first-child")) node.append(" ");
  for (const node of [copy, ...copy.querySelectorAll("*")]) {
    for (const name of node.getAttributeNames()) if (!["colspan", "rowspan", "scope"].includes(name)) node.removeAttribute(name);
  }
  return copy;
}

/**
 * Cell texts by row and column; a cell over several rows or columns speaks in its first one.
 * @param {HTMLTableElement} table as `plain` makes it
 */
export function grid(table) {
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
 * Tab-separated. A spreadsheet takes no text of anyone for a formula, and a minus for a minus.
 * @param {string[][]} rows
 */
export function tsv(rows) {
  const cell = (/** @type {string} */ text) => {
    const typed = text.replaceAll("−", "-");
    return FORMULA.test(typed) && !NUMBERS.test(typed) ? `'${text}` : typed;
  };
  return rows.map((row) => row.map(cell).join("\t")).join("\n");
}

/**
 * A table of GitHub's Markdown; the first row is its head.
 * @param {string[][]} rows
 * @param {string} caption
 */
export function markdown(rows, caption = "") {
  const escaped = (/** @type {string} */ text) => text.replace(/[\\`*_[\]<>|~]/g, "\\$&");
  const line = (/** @type {string[]} */ row) => `| ${row.join(" | ")} |`;
  const [head, ...body] = rows.map((row) => row.map(escaped));
  const rule = head.map((_, column) => (isNumbers(rows, column) ? "---:" : "---"));
  return [...(caption ? [escaped(caption), ""] : []), line(head), line(rule), ...body.map(line)].join("\n");
}

/**
 * A table for LaTeX, with lines of booktabs.
 * @param {string[][]} rows
 * @param {number} heads how many of them are headings
 * @param {string} caption
 */
export function latex(rows, heads = 1, caption = "") {
  const line = (/** @type {string[]} */ row) => `${row.map(escapedForLatex).join(" & ")} \\\\`;
  const columns = rows[0].map((_, column) => (isNumbers(rows, column) ? "r" : "l")).join("");
  return [
    "% \\usepackage{booktabs}",
    "\\begin{table}",
    "\\centering",
    ...(caption ? [`\\caption{${escapedForLatex(caption)}}`] : []),
    `\\begin{tabular}{${columns}}`,
    "\\toprule",
    ...rows.slice(0, heads).map(line),
    "\\midrule",
    ...rows.slice(heads).map(line),
    "\\bottomrule",
    "\\end{tabular}",
    "\\end{table}",
  ].join("\n");
}

/** @param {string} text */
function escapedForLatex(text) {
  const digit = (/** @type {string} */ raised) => (raised === "⁻" ? "-" : String(RAISED.indexOf(raised)));
  return text.replace(SPECIAL, (found) => LATEX[found] ?? `$^{${Array.from(found, digit).join("")}}$`);
}

/**
 * @param {string[][]} rows the first is a head
 * @param {number} column
 */
function isNumbers(rows, column) {
  return rows.slice(1).some((row) => row[column]) && rows.slice(1).every((row) => NUMBER.test(row[column] ?? ""));
}
