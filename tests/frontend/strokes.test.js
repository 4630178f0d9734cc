/** One dialect on every keyboard: what a key is called, whatever the layout writes. */

import { expect, test } from "vitest";
import { digitOf, isMeant, isStroke, printed, strokes } from "../../frontend/src/room/strokes.js";

/** What these keys write: [key, code, with Shift]. */
const press = ([key, code, shiftKey = false]) => ({ key, code, shiftKey });

test.each([
  ["QWERTY", ["1", "Digit1"], 1], ["AZERTY without Shift", ["&", "Digit1"], 1], ["AZERTY with Shift", ["1", "Digit1", true], 1],
  ["AZERTY, a letter in the row", ["é", "Digit2"], 2], ["AZERTY, à", ["à", "Digit0"], 0], ["Arabic digits", ["٤", "Digit4"], 4],
  ["the numeric pad", ["4", "Numpad4"], 4], ["its zero", ["0", "Numpad0"], 0], ["the pad without NumLock", ["ArrowLeft", "Numpad4"], null],
  ["QWERTY with Shift", ["!", "Digit1", true], null], ["a letter", ["q", "KeyQ"], null],
])("digit by value and by place: %s", (_, keys, digit) => {
  expect(digitOf(press(keys))).toBe(digit);
});

test.each([
  ["QWERTZ, by value", ["z", "KeyY"], "z"], ["AZERTY, by value", ["a", "KeyQ"], "a"], ["Caps Lock", ["Q", "KeyQ"], "q"],
  ["Cyrillic", ["й", "KeyQ"], "q"], ["Greek", ["ς", "KeyW"], "w"], ["Arabic, two letters in one key", ["لا", "KeyB"], "b"],
  ["Hebrew", ["ש", "KeyA"], "a"], ["an input method", ["Process", "KeyW"], "w"], ["a sign of Hebrew where others have W", ["'", "KeyW"], "w"],
])("letter by value, by place where the layout is not Latin: %s", (_, keys, letter) => {
  expect(isStroke(press(keys), letter)).toBe(true);
});

test("a sign of a Latin layout is no letter of another one", () => {
  strokes(press(["a", "KeyQ"]));
  expect(strokes(press([",", "KeyM"]))).toEqual([","]);
  strokes(press(["ф", "KeyA"]));
  expect(strokes(press([",", "KeyM"]))).toEqual([",", "m"]);
});

test.each([
  ["German ?", ["?", "Minus", true], "?"], ["French ?", ["?", "KeyM", true], "?"], ["Swiss +", ["+", "Digit1", true], "+"], ["German =", ["=", "Digit0", true], "="],
  ["French −", ["-", "Digit6"], "-"], ["the pad's +", ["+", "NumpadAdd"], "+"], ["Space", [" ", "Space"], "Space"], ["Enter of the pad", ["Enter", "NumpadEnter"], "Enter"],
  ["a window", ["!", "Digit1", true], "Shift+1"], ["the pair before", ["Backspace", "Backspace", true], "Shift+Backspace"],
])("signs by value, others by name: %s", (_, keys, name) => {
  expect(isStroke(press(keys), name)).toBe(true);
});

test("names are printed as the caps have them", () => {
  expect(["q", "Shift+1", "ArrowLeft", "PageUp", "Numpad0", "Shift+Mouse0", "-"].map(printed)).toEqual(["Q", "⇧ 1", "←", "PgUp", "pad 0", "⇧ left drag", "−"]);
});

test("nobody expects anything of Shift or a key of the machine", () => {
  expect(["Shift", "F5", "AudioVolumeUp", "CapsLock", "j", "5", "Insert"].map((key) => isMeant({ key }))).toEqual([false, false, false, false, true, true, true]);
});
