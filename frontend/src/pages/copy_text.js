/** A button with data-copy-text puts the text of the element of that id on the clipboard. */

import { copying } from "../shared/copying.js";
import { around, byId } from "../shared/dom.js";

document.addEventListener("click", (event) => {
  const button = around(event, "[data-copy-text]");
  if (!button?.dataset.copyText) return;
  const text = byId(button.dataset.copyText);
  const copy = () => navigator.clipboard.writeText(text.textContent);
  copying(button, copy, () => getSelection()?.selectAllChildren(text));
});
