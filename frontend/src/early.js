/**
 * Runs before the room's script: asks for the first frames that it will want, and puts the first of them on screen, in the
 * place that the strip below leaves to the images.
 */

import { Answers } from "./room/answers.js";
import { AnswerPanel } from "./room/answer_panel.js";
import { asReader, begun } from "./room/begun.js";
import { Bindings } from "./room/bindings.js";
import { drawFirst } from "./room/first_picture.js";
import { ImagePanes } from "./room/image_panes.js";
import { bySide } from "./room/sides.js";
import { openUnpacker } from "./room/unpacker.js";
import { byId } from "./shared/dom.js";

/**
 * @import { Config, Pair } from "./server.ts"
 * @import { Actions } from "./room/answer_panel.js"
 */

/** How many the line has time for, after the middle one, while the room's script is evaluated. */
const SOON = 8;

/** @type {Config} */
const config = JSON.parse(byId("config").textContent);
const { first } = config;
if (first.token && first.geometry) {
  const { token, geometry, order } = first;
  const [middle, ...others] = order.map((number) => `${config.base}${token}/frames/${number}/`);
  const here = begun();
  const unpack = openUnpacker(config.unpack);
  here.unpack = unpack;
  // As the page's head asks for it, or it would be asked for twice.
  const { arrived, unpacked } = here.begin(middle, geometry, unpack, { credentials: "same-origin" });
  const filled = parsed().then(() => void (here.panel = fill(first)));
  here.picture = Promise.all([unpacked, filled]).then(([frame]) => drawFirst(frame, geometry, () => here.first)).catch(() => {});
  // After it, or the first images would wait for the others; and not once the room is there, which asks for them itself.
  const soon = () => here.isUntaken(middle) && others.slice(0, SOON).forEach((path) => here.begin(path, geometry, unpack, asReader(config.reader)));
  arrived.then(soon, () => {});
}

/** @returns {Promise<void>} settled when the page is parsed, before scripts that wait for it */
function parsed() {
  return new Promise((done) => document.addEventListener("readystatechange", () => done(), { once: true }));
}

/** @param {Pair} pair */
function fill(pair) {
  const bindings = new Bindings(config.keys);
  const strip = byId("strip", HTMLFormElement);
  strip.inert = true;
  const panel = new AnswerPanel(strip, config, /** @type {Actions} */ ({ mark: (action) => bindings.mark(action) }));
  panel.open(pair, new Answers(config, pair));
  bindings.markAll();
  new ImagePanes(byId("room"), bySide((side) => byId(`pane-${side}`))).letter(pair.geometry?.letters ?? {});
  return panel;
}
