/** The keyboard's focus, which a dialog takes and gives back. */

export class Focus {
  /** @type {HTMLElement|null} */
  #before = null;

  /** @param {HTMLElement} root of the dialog */
  constructor(root) {
    this.root = root;
  }

  /** @param {HTMLElement} [field] that is written in first */
  take(field = this.root) {
    const { activeElement } = document;
    // What was clicked is not gone back to: Space would press it instead of confirming.
    if (!this.root.contains(activeElement)) {
      this.#before = activeElement instanceof HTMLElement && activeElement.matches(":focus-visible") ? activeElement : null;
    }
    field.focus({ preventScroll: true });
  }

  giveBack() {
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && this.root.contains(activeElement)) activeElement.blur();
    this.#before?.focus({ preventScroll: true });
    this.#before = null;
  }
}
