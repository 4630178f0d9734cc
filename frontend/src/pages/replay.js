/** One presentation played again: slider and drawing of what was on screen, from the log alone. */

import { at, course, imageIn, length, placed, words } from "../replay/playback.js";
import { byId, el, find, setText } from "../shared/dom.js";

/** @import { Sample } from "../replay/playback.js" */

/** @type {{visits: {samples: Sample[]}[], slices: number, extent: number, dwell: Record<"left"|"right", number[]>}} */
const played = JSON.parse(byId("played").textContent);
const time = byId("time", HTMLInputElement);
const play = byId("play");
const which = byId("which");
const choice = find(which, "select", HTMLSelectElement);
const svg = /** @param {string} id */ (id) => /** @type {SVGSVGElement} */ (/** @type {unknown} */ (document.getElementById(id)));
const PANES = /** @type {const} */ (["left", "right"]);
const PANE = 400;
const FASTER = 2; // than the reader
const FRAME_MS = 50;
let samples = played.visits[0].samples;
let timer = 0;

/**
 * @param {string} name
 * @param {Record<string, string|number>} attributes
 * @param {string} [text]
 */
function shape(name, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.textContent = text;
  return node;
}

/** @param {Sample} sample @param {"left"|"right"} pane */
function drawnPane(sample, pane) {
  const left = pane === "left" ? 0 : 1000 - PANE;
  const hidden = !sample.focus || (sample.enlarged && sample.enlarged !== pane);
  const { x, y, size } = placed(sample, played.extent);
  const own = imageIn(sample, pane);
  const group = shape("g", { transform: `translate(${left},0)`, class: hidden ? "away" : "" });
  const clip = shape("svg", { width: PANE, height: PANE });
  clip.append(
    shape("rect", { width: PANE, height: PANE, class: "frame" }),
    shape("rect", { x: x * PANE, y: y * PANE, width: size * PANE, height: size * PANE, class: "image" }),
    shape("text", { x: 12, y: 26 }, `${own} image${own === pane ? "" : " here"}`),
    shape("text", { x: 12, y: PANE - 14 }, `slice ${sample[own] + 1}`),
  );
  group.append(clip);
  return group;
}

/** The seam: slices of both stacks. @param {Sample} sample */
function drawnSeam(sample) {
  const group = shape("g", { transform: "translate(470,0)" });
  const step = PANE / Math.max(played.slices, 1);
  group.append(shape("rect", { width: 60, height: PANE, class: "track" }));
  for (const side of PANES) {
    group.append(shape("rect", { x: side === "left" ? 4 : 32, y: sample[side] * step, width: 24, height: Math.max(2, step - 1), class: side }));
  }
  return group;
}

/** The window on 0 to 150 % of the common range. @param {Sample} sample */
function drawnWindow({ window, level, invert }) {
  const group = shape("g", { transform: `translate(0,${PANE + 12})` });
  const place = /** @param {number} percent */ (percent) => (1000 * Math.min(150, Math.max(0, percent))) / 150;
  const [from, to] = [place(level - window / 2), place(level + window / 2)];
  group.append(
    shape("rect", { width: 1000, height: 10, class: "track" }),
    shape("rect", { x: from, width: Math.max(2, to - from), height: 10, class: invert ? "right" : "left" }),
  );
  return group;
}

function draw() {
  const seconds = Number(time.value);
  const sample = at(samples, seconds);
  setText(byId("clock"), `${seconds.toFixed(2)} of ${length(samples).toFixed(2)} s`);
  setText(byId("words"), words(sample, played.slices));
  svg("stage").replaceChildren(...PANES.map((pane) => drawnPane(sample, pane)), drawnSeam(sample), drawnWindow(sample));
  const x = (1000 * seconds) / Math.max(length(samples), 0.25);
  svg("course").querySelector(".now")?.remove();
  svg("course").append(shape("line", { x1: x, x2: x, y1: 0, y2: 120, class: "now" }));
}

function open() {
  samples = played.visits[choice.selectedIndex < 0 ? 0 : choice.selectedIndex].samples;
  time.max = String(length(samples));
  time.value = "0";
  const box = { width: 1000, height: 120, slices: played.slices };
  svg("course").replaceChildren(...PANES.map((side) => shape("polyline", { points: course(samples, side, box), class: side })));
  draw();
}

function drawDwell() {
  const most = Math.max(1, ...played.dwell.left, ...played.dwell.right);
  const step = 1000 / Math.max(played.slices, 1);
  const bars = PANES.flatMap((side) => played.dwell[side].map((seconds, slice) => {
    const height = (98 * seconds) / most;
    const bar = shape("rect", { x: slice * step, y: side === "left" ? 99 - height : 101, width: Math.max(1, step - 2), height, class: side });
    bar.append(shape("title", {}, `slice ${slice + 1}, ${side}: ${seconds.toFixed(1)} s`));
    return bar;
  }));
  svg("dwell").replaceChildren(...bars);
  const cell = /** @param {string} text */ (text) => el("td", { class: "num" }, text);
  byId("seconds").replaceChildren(...played.dwell.left.map((seconds, slice) =>
    el("tr", {}, cell(String(slice + 1)), cell(seconds.toFixed(1)), cell(played.dwell.right[slice].toFixed(1)))));
}

function stop() {
  clearInterval(timer);
  timer = 0;
  play.setAttribute("aria-pressed", "false");
  setText(play, "Play");
}

play.addEventListener("click", () => {
  if (timer) return stop();
  if (Number(time.value) >= length(samples)) time.value = "0";
  const from = Number(time.value);
  const began = performance.now();
  play.setAttribute("aria-pressed", "true");
  setText(play, "Stop");
  timer = window.setInterval(() => {
    time.value = String(from + (FASTER * (performance.now() - began)) / 1000);
    draw();
    if (Number(time.value) >= length(samples)) stop();
  }, FRAME_MS);
});
time.addEventListener("input", () => {
  stop();
  draw();
});
choice.replaceChildren(...played.visits.map((_, number) => el("option", {}, `${number + 1} of ${played.visits.length}`)));
choice.addEventListener("change", () => {
  stop();
  open();
});
which.hidden = played.visits.length < 2;
open();
drawDwell();
