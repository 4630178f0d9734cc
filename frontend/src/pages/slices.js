/** A page with one row of pictures and its slider of slices: [data-slices]. */

import { follow, lookAhead } from "../shared/slider.js";

const BOXES = "[data-slices]";

for (const box of document.querySelectorAll(BOXES)) if (box instanceof HTMLElement) lookAhead(box);
follow(BOXES, lookAhead);
