/** Runs before the room's script: asks for the first frames that it will want, and draws the first of them. */

import { asReader, begun } from "./room/begun.js";
import { drawFirst } from "./room/first_picture.js";
import { openUnpacker } from "./room/unpacker.js";
import { byId } from "./shared/dom.js";

/** How many the line has time for, after the middle one, while the room's script is evaluated. */
const SOON = 8;

const { base, reader, first, unpack: worker } = JSON.parse(byId("config").textContent);
if (first?.geometry) {
  const { token, geometry, order } = first;
  /** @type {string[]} */
  const [middle, ...others] = order.map((/** @type {number} */ number) => `${base}${token}/frames/${number}/`);
  const here = begun();
  const unpack = openUnpacker(worker);
  here.unpack = unpack;
  // As the page's head asks for it, or it would be asked for twice.
  const { arrived, unpacked } = here.begin(middle, geometry, unpack, { credentials: "same-origin" });
  here.picture = unpacked.then((frame) => drawFirst(frame, geometry, () => here.first)).catch(() => {});
  // After it, or the first images would wait for the others; and not once the room is there, which asks for them itself.
  const soon = () => here.isUntaken(middle) && others.slice(0, SOON).forEach((path) => here.begin(path, geometry, unpack, asReader(reader)));
  arrived.then(soon, () => {});
}
