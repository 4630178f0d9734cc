/** The pages in the images' place: a break, the last look before the questions, the end. */

import { count, el } from "../shared/dom.js";
import { button } from "./blocking_dialog.js";

/** @import { Rest } from "../server.ts" */

const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });

/** @param {number} seconds */
function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;
}

/**
 * @param {number} part
 * @param {number} parts
 */
function segments(part, parts) {
  const bars = Array.from({ length: parts }, (_, at) => {
    const fill = el("i", { class: "run" });
    fill.style.width = at < part ? "100%" : "0";
    return el("span", { class: "bar thick" }, fill);
  });
  return el("div", { class: "row segments", "aria-hidden": "true" }, ...bars);
}

/**
 * @param {string} value
 * @param {string} words
 */
function figure(value, words) {
  return el("div", {}, el("div", { class: "big-num" }, value), el("span", { class: "dim small" }, words));
}

/**
 * @param {number|undefined} read
 * @param {number|undefined} total
 * @param {number} kept
 */
function counts(read, total, kept) {
  const waiting = kept ? `${count(kept, "answer")} still kept in this browser.` : "Everything is stored. Nothing is waiting in this browser.";
  return el("div", { class: "row spread small dim" }, el("span", {}, total ? `${read ?? total} of ${total} pairs read` : ""), el("span", { role: "status" }, waiting));
}

/**
 * Before the questions, which name what was compared: the last moment to go back.
 * @param {Rest} state
 * @param {{title: string, kept: number, notice: string, backKey: string, onback: () => void, onfinish: () => void}} page
 */
export function lastLookPage({ confirmed, total }, { title, kept, notice, backKey, onback, onfinish }) {
  const go = button("Go on to the questions ", onfinish, true);
  go.append(el("kbd", {}, "Enter"));
  const back = button("Back to the last pair ", onback);
  back.append(el("kbd", {}, backKey));
  return el("div", { class: "stack" },
    el("div", {}, el("p", { class: "dim" }, title), el("h1", { class: "huge" }, "All pairs are read")),
    counts(confirmed, total, kept),
    notice ? el("p", { class: "note warn" }, `Not yet: ${notice}`) : null,
    el("section", { class: "card next" }, el("h2", {}, "Before the questions"),
      el("p", { class: "dim" }, "Go back to the last pair, or go on to the questions. Going on closes the way back: your answers then stand as they are."),
      el("div", { class: "row" }, go, back)));
}

/**
 * The page after a part or after the last pair. Shows what the server sends and nothing about answers.
 * @param {Rest} state
 * @param {{title: string, home: string, sign: string, kept: number, oncontinue: () => void}} page
 */
export function restPage(state, { title, home, sign, kept, oncontinue }) {
  const { finished, part, parts = 1, total, read = state.confirmed, median_seconds: median } = state;
  const opens = state.opens_at ? new Date(state.opens_at) : null;
  const later = opens !== null && opens > new Date() ? opens : null;
  const heading = finished ? "All pairs are read" : part ? `Part ${part} of ${parts} is done` : "Time for a break";
  const pace = median
    ? el("section", { class: "card" }, el("h2", {}, "Your pace"),
        el("div", { class: "row figures" }, figure(`${Math.round(median)} s`, "per pair, median")))
    : null;
  const why = state.washout_days
    ? `The protocol asks for ${count(state.washout_days, "day")} between parts, so that you do not remember these images.`
    : "A pause keeps the eye fresh. Go on whenever you like.";
  const next = finished
    ? el("section", { class: "card next" }, el("h2", {}, "Thank you"),
        el("p", { class: "dim" }, state.to_sign ? "Your reading of this study is complete. Sign it, so that it stands as yours." : "Your reading of this study is complete."),
        el("div", { class: "row" }, state.to_sign ? el("a", { class: "btn primary", href: sign }, "Sign your reading") : null,
          el("a", { class: state.to_sign ? "btn" : "btn primary", href: home }, "To your home page")))
    : el("section", { class: "card next" }, el("h2", {}, part ? "Next part" : "Rest your eyes"),
        later ? el("p", { class: "big-num" }, DAY.format(later)) : null,
        el("p", { class: "dim" }, why),
        state.pairs ? el("dl", { class: "kv" }, el("dt", {}, "Pairs"), el("dd", {}, String(state.pairs)),
          ...(median ? [el("dt", {}, "Expected time"), el("dd", {}, `about ${duration(median * state.pairs)} at your pace`)] : [])) : null,
        el("div", { class: "row" }, later ? null : button("Go on", oncontinue, true),
          el("a", { class: later ? "btn primary" : "btn", href: home }, "To your home page")));
  return el("div", { class: "stack" },
    el("div", {}, el("p", { class: "dim" }, title), el("h1", { class: "huge" }, heading)),
    (parts > 1 && part) || finished ? segments(finished || !part ? parts : part, parts) : null,
    counts(read, total, kept),
    el("div", { class: pace ? "grid cols-2" : "grid" }, pace, next));
}
