import { byId } from "../shared/dom.js";
import { Room } from "./room.js";

Room.open(JSON.parse(byId("config").textContent));
