import { byId } from "../shared/dom.js";
import { Room } from "./room.js";

if (document.documentElement.dataset.lacking === undefined) Room.open(JSON.parse(byId("config").textContent));
