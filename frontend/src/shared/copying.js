/** What a button that copies says for a while: that it did, or how to do it by hand. */

/**
 * @param {HTMLElement} button
 * @param {() => Promise<void>} copy
 * @param {() => void} select what is to be copied, where the browser refuses
 */
export async function copying(button, copy, select) {
  const said = button.textContent;
  try {
    await copy();
    button.textContent = "Copied";
  } catch {
    select();
    button.textContent = "Selected: copy it with Ctrl+C";
  }
  setTimeout(() => { button.textContent = said; }, 4000);
}
