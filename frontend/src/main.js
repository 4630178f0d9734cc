import { Room } from "./room.js";

const config = JSON.parse(document.getElementById("config").textContent);
Room.open(config);
