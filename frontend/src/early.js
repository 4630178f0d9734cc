/** Runs before the room's script: asks for the first frame that it will want. */

import { begin } from "./room/begun.js";
import { byId } from "./shared/dom.js";

const { base, reader, first } = JSON.parse(byId("config").textContent);
if (first?.geometry) begin(`${base}${first.token}/frames/${first.order[0]}/`, reader);
