/** The drawing room: #scene holds what the site says of the series. */

import { DrawingRoom } from "../drawing/room.js";
import { byId } from "../shared/dom.js";

new DrawingRoom(JSON.parse(byId("scene").textContent));
