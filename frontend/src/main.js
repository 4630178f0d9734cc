import { Room } from "./room.js";

const config = JSON.parse(document.getElementById("config").textContent);
new Room(config).start();
