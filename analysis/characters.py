"""Characters that make two cells look alike, or a number unreadable, said in words."""

import re
import unicodedata

SCRIPTS = {"FULLWIDTH": "full-width", "ARABIC-INDIC": "Arabic", "EXTENDED": "Arabic", "DEVANAGARI": "Devanagari"}
FORMULA = re.compile(r"[=@]|[+-].*[(|!]")  # -1 and +1.5 are numbers


def why_odd(text: str) -> str:
    """Why this text cannot stand in a table, as the rest of "row 2, column x, '…' …"; empty where it can.

    Refused are NUL and other control characters, characters that nobody sees, digits other than 0 to 9, and what a
    spreadsheet would take for a formula.
    """
    if text.isascii() and text.isprintable():
        return "begins like a formula; take its first character away" if FORMULA.match(text) else ""
    for character in text:
        if character == "\x00":
            return "holds a NUL character: the file is damaged or not text; save the table again"
        if character.isdecimal() and not character.isascii():
            script = SCRIPTS.get(unicodedata.name(character, "").split(" ")[0], "other")
            return f"holds {script} digits; write them as 0 to 9"
        if unicodedata.category(character) in ("Cc", "Cf"):
            return f"holds a character that nobody sees (U+{ord(character):04X}); take it away"
    return ""
