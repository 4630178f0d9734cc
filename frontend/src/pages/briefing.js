/** Enter goes on from the briefing, wherever the cursor is; not one that was meant for the page before. */

import { around, byId } from "../shared/dom.js";

const DEAF_MS = 600;
const since = performance.now();

addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (around(event, "a, button")?.matches(":focus-visible")) return;
  event.preventDefault();
  if (!event.repeat && performance.now() - since > DEAF_MS) byId("way-on", HTMLFormElement).requestSubmit();
});
