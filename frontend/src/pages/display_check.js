/** Three looks at a screen before a reading: steps, patches, discs. Patterns of `display/`, keys and mouse alike. */

import { Check } from "../display/check.js";
import { draw, noisy, patched, steps } from "../display/patterns.js";
import { newKey, request } from "../room/api.js";
import { digitOf } from "../room/strokes.js";
import { around, byId, count, el, find, setText } from "../shared/dom.js";

/** @import { Patterns } from "../display/check.js" */

/** @type {Patterns & {send: string, reading: string, home: string}} */
const config = JSON.parse(byId("config").textContent);
const page = byId("display-check");
const canvas = /** @param {string} name */ (name) => find(page, `canvas[data-pattern=${name}]`, HTMLCanvasElement);
const discs = canvas("discs");
const key = newKey();
const check = new Check(config);
const began = performance.now();
/** The answer of the site, once it has the result. @type {"no"|"asked"|"kept"} */
let sent = "no";

// -- what is on screen -------------------------------------------------------------------------------------------------

function drawStill() {
  draw(canvas("steps"), (width, height) => steps(width, height, config.steps));
  for (const name of /** @type {const} */ (["dark", "bright"])) {
    draw(canvas(name), (size) => patched(size, config.patches[name], check.places[name]));
  }
}

function drawDisc() {
  draw(discs, (width, height) => noisy(width, height, config, check.disc));
}

/** @param {number} border */
const percent = (border) => Math.round((100 * border) / (config.steps - 1));

function buildBorders() {
  const buttons = Array.from({ length: config.steps - 1 }, (_, at) => el("button", {
    type: "button", "data-border": at + 1, "aria-pressed": "false",
    "aria-label": `the border between ${percent(at)} % and ${percent(at + 1)} % is not seen`,
  }));
  byId("borders").replaceChildren(...buttons);
}

/** One row per contrast, one cell per disc. */
function showMap() {
  const cells = check.discs.map((disc) => {
    const now = disc === check.disc;
    const words = disc.answer === null ? (now ? "now" : "") : disc.answer === disc.quarter ? "found" : "missed";
    return el("td", { class: words }, words);
  });
  const rows = config.contrasts.map((contrast, at) => {
    const own = cells.slice(at * config.sizes.length, (at + 1) * config.sizes.length);
    return el("tr", {}, el("th", { scope: "row" }, `${contrast} %`), ...own);
  });
  find(byId("map"), "tbody").replaceChildren(...rows);
}

/** @param {string} name @param {string} words @param {"done"|"running"|"attention"|"missing"} state */
function tell(name, words, state) {
  const node = find(page, `[data-look=${name}] .state`);
  node.className = `state ${state}`;
  setText(node, words);
}

function show() {
  const { stage, missed, asked, found, left } = check;
  for (const look of page.querySelectorAll("[data-look]")) {
    const own = look.getAttribute("data-look") === (["dark", "bright"].includes(stage) ? "patches" : stage);
    if (own) look.setAttribute("aria-current", "step");
    else look.removeAttribute("aria-current");
  }
  for (const button of page.querySelectorAll("[data-border]")) {
    button.setAttribute("aria-pressed", String(missed.has(Number(button.getAttribute("data-border")))));
    button.toggleAttribute("disabled", stage !== "steps");
  }
  for (const question of page.querySelectorAll("[data-stages]")) {
    question.classList.toggle("off", !question.getAttribute("data-stages")?.split(" ").includes(stage));
  }
  const seen = config.steps - missed.size;
  tell("steps", `${seen} of ${config.steps} told apart`, stage === "steps" ? "running" : missed.size ? "attention" : "done");
  for (const name of /** @type {const} */ (["dark", "bright"])) {
    const said = check.answers[name];
    const words = said === null ? (stage === name ? "in which quarter?" : "") : check.sees(name) ? `found in quarter ${said}` : "not found";
    setText(byId(`told-${name}`), words);
  }
  const patches = ["dark", "bright"].filter((name) => check.sees(/** @type {"dark"|"bright"} */ (name))).length;
  const both = check.answers.bright === null ? "to come" : patches === 2 ? "both found" : `${patches} of 2 found`;
  const under = stage === "dark" || stage === "bright";
  tell("patches", under ? `look at the ${stage === "dark" ? "black" : "white"} one` : both,
    under ? "running" : check.answers.bright === null ? "missing" : patches === 2 ? "done" : "attention");
  const total = check.discs.length;
  tell("discs", stage === "discs" ? `disc ${asked + 1} of ${total}` : stage === "done" ? `${found} of ${total} found` : "to come",
    stage === "discs" ? "running" : stage === "done" ? (found < config.needed ? "attention" : "done") : "missing");
  showMap();
  setText(byId("to-go"), `${left} to go`);
}

// -- answers -----------------------------------------------------------------------------------------------------------

function moved() {
  drawDisc();
  show();
  if (check.stage === "done") send();
}

/** @param {number} quarter */
function answer(quarter) {
  if (sent !== "no") return;
  check.answer(quarter);
  moved();
}

function next() {
  check.next();
  moved();
}

/** @param {MouseEvent} event @param {HTMLElement} field */
function quarterAt(event, field) {
  const box = field.getBoundingClientRect();
  return 1 + Number(event.clientX > box.left + box.width / 2) + 2 * Number(event.clientY > box.top + box.height / 2);
}

async function send() {
  sent = "asked";
  byId("again").hidden = true;
  const body = {
    ...check.result,
    key,
    seconds: Math.round(performance.now() - began) / 1000,
    window_width: innerWidth,
    window_height: innerHeight,
    screen_width: screen.width,
    screen_height: screen.height,
    device_pixel_ratio: devicePixelRatio,
    colour_depth: screen.colorDepth,
  };
  try {
    finish(/** @type {Verdict} */ (/** @type {unknown} */ (await request("POST", config.send, body))));
  } catch (error) {
    sent = "no";
    setText(byId("verdict"), "Not kept");
    setText(byId("words"), `${error instanceof Error && error.message !== "offline" ? error.message : "No connection."} Try again, or read without it.`);
    byId("retry").hidden = false;
  }
}

/**
 * @typedef {{passed: boolean, found: number, help: string[]}} Verdict
 * @param {Verdict} verdict
 */
function finish({ passed, found, help }) {
  sent = "kept";
  const { missed, discs: all } = check;
  const patches = Number(check.sees("dark")) + Number(check.sees("bright"));
  const what = [
    `${config.steps - missed.size} of ${config.steps} steps`,
    patches === 2 ? "both patches" : count(patches, "patch").replace("patchs", "patches"),
    `${found} of ${all.length} discs (${config.needed} are needed)`,
  ].join(", ");
  const time = new Date().toTimeString().slice(0, 5);
  setText(byId("verdict"), passed ? "Fit for reading" : "Not fit for reading as it is");
  setText(byId("words"), `${what}. Today ${time}, this screen, ${screen.width} × ${screen.height}, pixel ratio ${devicePixelRatio.toFixed(2).replace(/\.?0+$/, "")}. It holds for this sitting.`);
  byId("help").replaceChildren(...help.map((words) => el("li", {}, words)));
  byId("help").hidden = passed;
  for (const id of ["retry", "stop", "to-go", "without"]) byId(id).hidden = true;
  byId("again").hidden = passed;
  const go = byId("go", HTMLAnchorElement);
  go.hidden = false;
  go.classList.toggle("primary", passed);
  setText(find(go, "span"), passed ? "To the readings" : "Read all the same");
  (passed ? go : byId("again")).focus();
}

// -- keys and mouse ----------------------------------------------------------------------------------------------------

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.key === "Escape" && sent === "no") location.assign(config.home);
  const control = around(event, "button, a, input");
  if (event.key === "Enter" && !control && check.stage === "steps") next();
  const digit = digitOf(event);
  if (digit !== null && digit <= 4 && check.stage !== "steps") answer(digit);
});

page.addEventListener("click", (event) => {
  const border = around(event, "[data-border]");
  const field = around(event, "canvas");
  const pattern = field?.dataset.pattern;
  if (border) {
    check.toggle(Number(border.dataset.border));
  } else if (pattern === "steps" && field) {
    const box = field.getBoundingClientRect();
    const at = Math.round((config.steps * (event.clientX - box.left)) / box.width);
    check.toggle(Math.min(config.steps - 1, Math.max(1, at)));
  } else if (pattern && field && pattern === check.stage) {
    return answer(quarterAt(event, field));
  } else if (around(event, "[data-none]")) {
    return answer(0);
  } else if (around(event, "[data-next]")) {
    return next();
  }
  show();
});

byId("retry").addEventListener("click", send);
byId("again").addEventListener("click", () => location.reload());
addEventListener("resize", () => {
  drawStill();
  drawDisc();
});

buildBorders();
drawStill();
moved();
