/**
 * What a key is called, whatever the keyboard's layout. Every layer of the room asks here, so that a key means the same
 * everywhere: digits by value and by place, letters by value and, where the layout is not Latin, by place, symbols by
 * value.
 */

/** @typedef {Pick<KeyboardEvent, "key"|"code"|"shiftKey">} Press */

/** Whether the letter typed last was Latin; null before the first. */
let latin = /** @type {boolean|null} */ (null);

/**
 * The names of a key, the likeliest first. What a layer has no use for under one name it may have under the next:
 * `-` of a French keyboard is the digit 6, else the sign; the numeric pad's 4 is `Numpad4`, else 4.
 * @param {Press} press
 * @returns {string[]}
 */
export function strokes({ key, code, shiftKey }) {
  const [, row, digit] = /^(Digit|Numpad)([0-9])$/.exec(code) ?? [];
  const [, letter] = /^Key([A-Z])$/.exec(code) ?? [];
  const value = /^[0-9]$/.test(key) ? key : null;
  if (row === "Numpad" && key.length === 1) return [`Numpad${digit}`, digit];
  if (value) return [value];
  if (row === "Digit") return shiftKey ? [key, `Shift+${digit}`] : [digit, key];
  if (/^[a-z]$/i.test(key)) latin = true;
  else if (/^\p{L}/u.test(key) && /\P{Script=Latin}/u.test(key)) latin = false;
  if (/^[a-z]$/i.test(key)) return [key.toLowerCase()];
  // Hebrew has signs where others have letters, so what was typed before decides. An input method names no letter.
  if (letter && (latin !== true || key === "Process" || key === "Unidentified")) return [key, letter.toLowerCase()];
  const name = key === " " ? "Space" : key;
  return name.length > 1 && shiftKey ? [`Shift+${name}`, name] : [name];
}

/**
 * @param {Press} press
 * @param {string} name
 */
export function isStroke(press, name) {
  return strokes(press).includes(name);
}

/**
 * @param {Press} press
 * @returns {number|null} the digit, where it is one
 */
export function digitOf(press) {
  const digit = strokes(press).find((name) => /^[0-9]$/.test(name));
  return digit === undefined ? null : Number(digit);
}

/** @type {Record<string, string>} */
const PRINTED = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", PageUp: "PgUp", PageDown: "PgDn", Escape: "Esc", "-": "−",
  Mouse0: "left drag", Mouse1: "middle drag", Mouse2: "right drag", Mouse3: "mouse back", Mouse4: "mouse forward",
};

/**
 * A stroke as a key cap has it.
 * @param {string} name
 * @returns {string}
 */
export function printed(name) {
  if (name.startsWith("Shift+")) return `⇧ ${printed(name.slice(6))}`;
  if (/^Numpad[0-9]$/.test(name)) return `pad ${name.at(-1)}`;
  return PRINTED[name] ?? (name.length === 1 ? name.toUpperCase() : name);
}

/** Keys that only change others, or belong to the machine. */
const SILENT = /^(Shift|Control|Alt|AltGraph|Meta|OS|CapsLock|NumLock|ScrollLock|Fn|FnLock|ContextMenu|Dead|Process|Unidentified|F\d+|.*(Volume|Media|Brightness).*)$/;

/**
 * Whether a reader who presses it expects something.
 * @param {Press} press
 */
export function isMeant({ key }) {
  return !SILENT.test(key);
}
