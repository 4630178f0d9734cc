"""The log of what was on a reader's screen, as the reading room writes it.

It is made of entries, one for each moment at which something on screen had changed, at most four a second:

    40 s11,13 v- k0 w100,50 i0 z100,0,0 c0 e- t- f1 n0;3 s12,13;1 n1;9

A number is the quarters of a second since the entry before, in the first entry since the pair was first painted; then
the changes, each a letter with its values. The first entry of a piece has them all, so that no piece needs the one
before it; a piece ends with an entry that may change nothing. Places are those of the screen: which arm was where is
not in the log.

| letter | values |
|---|---|
| s | slice of the left and of the right stack, counted from 0; one number where both are the same |
| v | the pane that shows the other side's image: l, r, - for none |
| k | whether the stacks are linked |
| w | window and level, % of the common range |
| i | whether the grey scale is inverted |
| z | zoom in %, place of the centre in mm to the right and down |
| c | whether the stack runs by itself |
| e | the pane that is enlarged over the other: l, r, - |
| t | the tool in the hand: lens, ruler, angle, cursor, region, difference; - for none |
| f | whether the page has the focus |
| n | how many questions have an answer |
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from analysis.errors import InputError

TICK = 0.25  # seconds
SIDES = ("left", "right")
_PANE = {"l": "left", "r": "right", "-": ""}
_WHOLE = r"-?\d{1,6}"
_CHANGES = (
    r"s\d{1,4}(?:,\d{1,4})?",
    "v[lr-]",
    "k[01]",
    r"w\d{1,4},\d{1,4}",
    "i[01]",
    rf"z\d{{1,5}},{_WHOLE},{_WHOLE}",
    "c[01]",
    "e[lr-]",
    "t(?:-|[a-z]{1,12})",
    "f[01]",
    r"n\d{1,3}",
)
_CHANGE = "|".join(_CHANGES)
_VIEW = re.compile(" ".join(_CHANGES))
_ENTRY = rf"\d{{1,7}}(?: (?:{_CHANGE}))*"
_PIECE = re.compile(rf"\d{{1,7}} {_VIEW.pattern}(?:;{_ENTRY})*")


@dataclass(frozen=True)
class View:
    """What was on screen: slices of both stacks from 0, window and level in %, zoom in %, centre in mm. swapped,
    enlarged: a pane, or ""; answers: how many questions have one."""

    left: int
    right: int
    swapped: str
    linked: bool
    window: int
    level: int
    invert: bool
    zoom: int
    x: int
    y: int
    cine: bool
    enlarged: str
    tool: str
    focus: bool
    answers: int

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides whose image was on screen; none while their difference was."""
        if self.tool == "difference":
            return ()
        panes = (self.enlarged,) if self.enlarged else SIDES
        other = {"left": "right", "right": "left"}
        return tuple(dict.fromkeys(other[pane] if pane == self.swapped else pane for pane in panes))


@dataclass(frozen=True)
class Sample:
    """A view, and when it began: seconds since the pair was first painted. piece: its place in the log of the visit."""

    seconds: float
    view: View
    piece: int = 0


@dataclass(frozen=True)
class Visit:
    """One look at a pair. whole: whether every piece is here and as it was sent; end: what was on screen at its end, as
    the room said beside the log."""

    samples: tuple[Sample, ...]
    whole: bool
    end: View | None

    @property
    def agrees(self) -> bool | None:
        """Whether the log leads to what was on screen at the end; None where it is not whole."""
        return self.samples[-1].view == self.end if self.whole and self.end else None


def is_piece(text: str) -> bool:
    """Whether a text is a piece of a log.

    Parameters
    ----------
    text : str
        Entries, joined by semicolons, the first of them with every letter.

    Returns
    -------
    bool
        True for what `read_visit` can read.

    Examples
    --------
    >>> from analysis.viewing_log import is_piece
    >>> is_piece("0 s4 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0;3 s5"), is_piece("3 s5")
    (True, False)
    """
    return _PIECE.fullmatch(text) is not None


def read_view(text: str) -> View:
    """The view that a text with every letter tells of.

    Parameters
    ----------
    text : str
        Every letter with its values, as in the first entry of a piece.

    Returns
    -------
    View
        What was on screen.

    Raises
    ------
    InputError
        If a letter is missing or has no such value.

    Examples
    --------
    >>> from analysis.viewing_log import read_view
    >>> view = read_view("s4,6 v- k0 w80,90 i0 z150,3,-2 c0 er t- f1 n2")
    >>> view.right, view.zoom, view.sides
    (6, 150, ('right',))
    """
    if not _VIEW.fullmatch(text):
        raise InputError("The log of a pair holds a line that is no view of it.")
    return View(**_changes(text.split(" ")))


def _changes(changes: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for change in changes:
        letter, values = change[0], change[1:]
        if letter == "s":
            left, _, right = values.partition(",")
            found |= {"left": int(left), "right": int(right or left)}
        elif letter == "w":
            found["window"], found["level"] = map(int, values.split(","))
        elif letter == "z":
            found["zoom"], found["x"], found["y"] = map(int, values.split(","))
        elif letter in "ve":
            found["swapped" if letter == "v" else "enlarged"] = _PANE[values]
        elif letter == "t":
            found["tool"] = "" if values == "-" else values
        elif letter == "n":
            found["answers"] = int(values)
        else:
            found[{"k": "linked", "i": "invert", "c": "cine", "f": "focus"}[letter]] = values == "1"
    return found


def read_visit(pieces: Mapping[int, str], *, end: str = "", checksum: int | None = None) -> Visit:
    """The log of one look at a pair.

    Parameters
    ----------
    pieces : mapping of int to str
        The pieces that arrived, by their number from 0.
    end : str, default ""
        What was on screen at the end, as the room said in the last piece; "" where that did not arrive.
    checksum : int, optional
        CRC-32 of all entries of the visit, each piece with a line feed behind it, as the room computed it.

    Returns
    -------
    Visit
        Every moment at which something changed. It is whole if it has an end, no number is missing, and the checksum
        is that of its pieces.

    Raises
    ------
    InputError
        If a piece is none: see `is_piece`.

    Examples
    --------
    >>> import zlib
    >>> from analysis.viewing_log import read_visit
    >>> piece = "0 s4 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0;8 s5;4"
    >>> visit = read_visit({0: piece}, end="s5 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0",
    ...                    checksum=zlib.crc32(piece.encode() + b"\\n"))
    >>> [sample.seconds for sample in visit.samples], visit.whole, visit.agrees
    ([0.0, 2.0, 3.0], True, True)
    """
    samples = []
    for number in sorted(pieces):
        if not is_piece(pieces[number]):
            raise InputError("The log of a pair holds a piece that cannot be read.")
        ticks, view = 0, None
        for entry in pieces[number].split(";"):
            step, *changes = entry.split(" ")
            ticks += int(step)
            changed = _changes(changes)
            view = View(**changed) if view is None else replace(view, **changed)
            samples.append(Sample(ticks * TICK, view, number))
    numbered = sorted(pieces) == list(range(len(pieces)))
    text = "".join(f"{pieces[number]}\n" for number in sorted(pieces))
    whole = bool(end) and numbered and zlib.crc32(text.encode()) == checksum
    return Visit(tuple(samples), whole, read_view(end) if end else None)
