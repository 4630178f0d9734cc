import { byId } from "../shared/dom.js";
import { begun } from "./begun.js";
import { Room } from "./room.js";

/** How long the room waits for the first picture, which would come on screen behind it. */
const PATIENCE_MS = 150;

if (document.documentElement.dataset.lacking === undefined) {
  await Promise.race([begun().picture, new Promise((over) => setTimeout(over, PATIENCE_MS))]);
  Room.open(JSON.parse(byId("config").textContent));
}
