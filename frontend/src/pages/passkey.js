/** A button that makes a passkey, or shows one: what the browser answers goes with the form around the button. */

import { find } from "../shared/dom.js";

for (const button of document.querySelectorAll("button[data-passkey]")) button.addEventListener("click", () => show(button));

/** @param {Element} button */
async function show(button) {
  const form = button.closest("form");
  if (!form) return;
  const said = find(form, "[data-passkey-said]");
  said.hidden = true;
  try {
    const { publicKey } = JSON.parse(find(document, "#passkey", HTMLScriptElement).text);
    const credential = button.getAttribute("data-passkey") === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
    find(form, "input[name=credential]", HTMLInputElement).value = JSON.stringify(credential);
    form.submit(); // whatever else the form asks for is not needed
  } catch {
    said.textContent = "The browser showed no passkey. Try again, or use another way.";
    said.hidden = false;
  }
}
