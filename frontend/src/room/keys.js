/** The keyboard of the reading room. Digits and letters rate, arrows move; text fields keep their keys. */

/**
 * @import { Layer } from "./dialogs.js"
 * @import { Room } from "./room.js"
 */

const REPEATABLE = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "+", "-"]);

/**
 * The digit of a key without Shift, also where the layout wants Shift for digits.
 * @param {KeyboardEvent} event
 */
function digit(event) {
  if (/^Digit[0-9]$/.test(event.code)) return Number(event.code.at(-1));
  return /^Numpad/.test(event.code) && /^[0-9]$/.test(event.key) ? Number(event.key) : null;
}

/** @param {EventTarget|null} target */
function isText(target) {
  return target instanceof HTMLInputElement && target.type !== "radio";
}

/**
 * Whether Space or Enter belongs to a control that was reached with Tab.
 * @param {KeyboardEvent} event
 */
function isOnControl(event) {
  const { target } = event;
  if (!(target instanceof HTMLButtonElement || target instanceof HTMLInputElement || target instanceof HTMLAnchorElement)) return false;
  return target.matches(":focus-visible") && (event.key === " " || target.type !== "radio");
}

/**
 * @param {Room} room whose methods the keys call
 * @param {() => Layer|null} layer the dialog on top, asked first
 */
export function listen(room, layer) {
  /** @type {Record<string, () => void>} */
  const plain = {
    a: () => room.answering.finding(),
    q: () => room.answering.none(),
    w: () => room.answering.diagnostic("both"),
    s: () => room.answering.choose(),
    x: () => room.answering.cannotJudge(),
    m: () => room.answering.comment(),
    t: () => room.skip(),
    l: () => room.viewing.toggleLink(),
    i: () => room.viewing.toggleInvert(),
    z: () => room.viewing.reset(),
    c: () => room.viewing.toggleCine(),
    g: () => room.instruments.toggle("lens"),
    d: () => room.instruments.toggle("ruler"),
    v: () => room.viewing.swap(room.viewing.active),
    f: () => room.fullScreen(),
    r: () => room.answerPanel.toggleCollapsed(),
    "?": () => room.keys(),
    "+": () => room.viewing.scale(1.25),
    "-": () => room.viewing.scale(0.8),
    "=": () => room.viewing.fit(),
    " ": () => room.confirm(),
    Enter: () => room.confirm(),
    Escape: () => room.escape(),
    Backspace: () => room.answering.clearLast(),
    ArrowLeft: () => room.answering.move(-1),
    ArrowRight: () => room.answering.move(1),
    ArrowUp: () => room.answering.scroll(-1),
    ArrowDown: () => room.answering.scroll(1),
    PageUp: () => room.answering.scroll(-5),
    PageDown: () => room.answering.scroll(5),
    Home: () => room.viewing.goTo(0),
    End: () => room.viewing.goTo(room.viewing.slices - 1),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key === "Tab") return;
    const top = layer();
    if (top?.key(event)) return;
    if (isText(event.target) || room.closed) return;
    if ((event.key === " " || event.key === "Enter") && isOnControl(event)) return;
    if (event.repeat && !REPEATABLE.has(event.key)) {
      event.preventDefault();
      return;
    }
    const number = digit(event);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (number !== null && event.shiftKey) room.preset(number);
    else if (number === 0 && event.code === "Numpad0") room.answering.fine();
    else if (number !== null) room.answering.rate(number);
    else if (event.key === "Backspace" && event.shiftKey) room.back();
    else if (plain[key]) plain[key]();
    else return;
    event.preventDefault();
  });
  addEventListener("keyup", (event) => {
    if (event.key.toLowerCase() === "v") room.viewing.swap(null);
  });
  addEventListener("blur", () => room.viewing.swap(null));
}
