"""What readers looked at, from the log of the reading room: dwell, both sides, time to the first answer."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from analysis import tables
from analysis.errors import InputError
from analysis.viewing_log import SIDES, TICK, Sample, View, Visit

IDLE = 60.0  # seconds without a change that still count: as with the active time of the room


def _spans(samples: Sequence[Sample]) -> Iterable[tuple[float, View]]:
    """Seconds that each view stayed while the page had the focus; what lies between two pieces of which one is lost is
    not known."""
    for now, then in pairwise(samples):
        if now.view.focus and then.piece - now.piece in (0, 1):
            yield min(then.seconds - now.seconds, IDLE), now.view


def dwell(visits: Iterable[Visit]) -> dict[str, dict[int, float]]:
    """How long each slice of each side was on screen.

    Parameters
    ----------
    visits : iterable of Visit
        All looks at one pair.

    Returns
    -------
    dict of str to dict of int to float
        Seconds by slice, of ``left`` and of ``right``.

    Notes
    -----
    A side is on screen while its own pane shows it or, swapped, the other; an enlarged pane hides the other. Seconds
    without focus do not count, and of a view that nothing changed at most ``IDLE`` do.

    Examples
    --------
    Two seconds on slice 4 of both, one on slice 5, of which the left was hidden.

    >>> from analysis.viewing import dwell
    >>> from analysis.viewing_log import read_visit
    >>> piece = "0 s4 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0;8 s5 er;4"
    >>> dwell([read_visit({0: piece})])
    {'left': {4: 2.0}, 'right': {4: 2.0, 5: 1.0}}
    """
    found: dict[str, dict[int, float]] = {side: {} for side in SIDES}
    for visit in visits:
        for seconds, view in _spans(visit.samples):
            for side in view.sides:
                at = getattr(view, side)
                found[side][at] = found[side].get(at, 0.0) + seconds
    return found


def toggles(visits: Iterable[Visit]) -> int:
    """How often one image was put in the place of the other.

    Parameters
    ----------
    visits : iterable of Visit
        All looks at one pair.

    Returns
    -------
    int
        How often a pane began to show the other side's image.

    Examples
    --------
    >>> from analysis.viewing import toggles
    >>> from analysis.viewing_log import read_visit
    >>> toggles([read_visit({0: "0 s4 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0;8 vl;2 v-;4 vl;3 v-"})])
    2
    """
    return sum(
        bool(then.view.swapped) and not now.view.swapped for visit in visits for now, then in pairwise(visit.samples)
    )


def time_to_first_answer(visits: Sequence[Visit]) -> float | None:
    """Seconds of looking before the first question was answered.

    Parameters
    ----------
    visits : sequence of Visit
        All looks at one pair, the earliest first.

    Returns
    -------
    float or None
        Seconds since the pair was first painted, over all looks; None where the log does not show one being given.

    Notes
    -----
    Resolved to a quarter of a second. Looks before the one with the first answer count with their whole length.

    Examples
    --------
    >>> from analysis.viewing import time_to_first_answer
    >>> from analysis.viewing_log import read_visit
    >>> time_to_first_answer([read_visit({0: "0 s4 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0;31 n1;4"})])
    7.75
    """
    before = 0.0
    for visit in visits:
        for place, sample in enumerate(visit.samples):
            if sample.view.answers:  # there from the first moment on: given in what is lost
                return before + sample.seconds if place else None
        before += visit.samples[-1].seconds if visit.samples else 0.0
    return None


def summary(visits: Sequence[Visit]) -> dict[str, Any]:
    """What the log says of one presentation.

    Parameters
    ----------
    visits : sequence of Visit
        All looks at it, the earliest first.

    Returns
    -------
    dict
        ``seconds`` by side, ``slices_seen`` by side, whether ``both_sides`` were looked at, ``toggles``,
        ``first_answer`` in seconds (None where there is none in the log), ``focus_lost`` (how often), ``whole``
        (whether nothing of the log is lost) and ``agrees`` (whether each whole look ends as the room said).

    Examples
    --------
    >>> from analysis.viewing import summary
    >>> from analysis.viewing_log import read_visit
    >>> one = summary([read_visit({0: "0 s4 v- k1 w100,50 i0 z100,0,0 c0 el t- f1 n0;8 s5;4"})])
    >>> one["seconds"], one["slices_seen"], one["both_sides"], one["whole"]
    ({'left': 3.0, 'right': 0.0}, {'left': 2, 'right': 0}, False, False)
    """
    stayed = dwell(visits)
    seconds = {side: sum(stayed[side].values(), 0.0) for side in SIDES}
    ends = [visit.agrees for visit in visits if visit.whole]
    lost = sum(now.view.focus and not then.view.focus for visit in visits for now, then in pairwise(visit.samples))
    return {
        "seconds": seconds,
        "slices_seen": {side: len(stayed[side]) for side in SIDES},
        "both_sides": all(seconds.values()),
        "toggles": toggles(visits),
        "first_answer": time_to_first_answer(visits),
        "focus_lost": lost,
        "whole": bool(visits) and all(visit.whole for visit in visits),
        "agrees": all(ends) if ends else None,
    }


CONVENTIONS = {
    "seconds": "for which a side was on screen while the page had the focus; of a view that nothing changed "
    f"{IDLE:g} s at most; what lies between two pieces of which one is lost does not count",
    "on_screen": "while the side's own pane shows it or, swapped, the other; an enlarged pane hides the other, a "
    "difference both",
    "dwell": "the same seconds by slice, from 0",
    "first_answer": f"s since the pair was first painted, over all looks, to {TICK:g} s",
    "whole": "nothing of the log is lost",
}


def analyse(interactions: pd.DataFrame) -> dict[str, Any]:
    """What each reader looked at, from the exported log.

    Parameters
    ----------
    interactions : DataFrame
        The table of interactions (docs/tables/interactions.json), as ``analysis.tables`` reads it; it is checked again.

    Returns
    -------
    dict
        ``conventions``, and ``presentations``: of each what `summary` says of it, and its ``dwell``. ``agrees`` is
        null: the table does not hold what the room said at the end.

    Raises
    ------
    InputError
        If the table cannot be used: one sentence, with row and column; or if a moment lacks what was on screen.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis.viewing import analyse
    >>> same = {"reader": "R1", "presentation": "R1-0001", "visit": 1, "piece": 0, "linked": True, "window": 100}
    >>> same |= {"level": 50, "inverted": False, "zoom": 100, "centre_right": 0, "centre_down": 0, "cine": False}
    >>> same |= {"focus": True, "answers": 0, "swapped": "", "enlarged": "", "tool": "", "whole": True}
    >>> rows = [{"seconds": 0, "left_slice": 4, "right_slice": 4}, {"seconds": 2.5, "left_slice": 5, "right_slice": 5}]
    >>> analyse(pd.DataFrame([same | row for row in rows]))["presentations"][0]["dwell"]
    {'left': {4: 2.5}, 'right': {4: 2.5}}
    """
    frame = tables.check(interactions, "interactions")
    wanted = [column for column in _COLUMNS if column not in frame]
    if wanted:
        raise InputError(f"The interactions table lacks the column {wanted[0]}: export it from the site as it is.")
    numbers = [column for column in _COLUMNS if column not in ("swapped", "enlarged", "tool")]
    if frame[numbers].isna().any(axis=None):
        raise InputError("The interactions table has a moment without all that was on screen: export it as it is.")
    texts = frame.assign(**{name: frame[name].astype(object).fillna("") for name in ("swapped", "enlarged", "tool")})
    rows = []
    for name, own in texts.groupby("presentation", sort=False, observed=True):
        visits = [_visit(look) for _, look in own.groupby("visit")]
        facts = {key: str(own[key].iloc[0]) for key in ("reader", "case", "kind") if key in own}
        rows.append({"presentation": str(name), **facts, **summary(visits), "dwell": dwell(visits)})
    return {"conventions": CONVENTIONS, "presentations": rows}


# Column of the table -> what it is of a View, and its type.
_COLUMNS: dict[str, tuple[str, type]] = {
    "left_slice": ("left", int),
    "right_slice": ("right", int),
    "swapped": ("swapped", str),
    "linked": ("linked", bool),
    "window": ("window", int),
    "level": ("level", int),
    "inverted": ("invert", bool),
    "zoom": ("zoom", int),
    "centre_right": ("x", int),
    "centre_down": ("y", int),
    "cine": ("cine", bool),
    "enlarged": ("enlarged", str),
    "tool": ("tool", str),
    "focus": ("focus", bool),
    "answers": ("answers", int),
}


def _visit(rows: pd.DataFrame) -> Visit:
    views = [
        View(**{name: kind(value) for (name, kind), value in zip(_COLUMNS.values(), row, strict=True)})
        for row in rows[list(_COLUMNS)].itertuples(index=False)
    ]
    moments = zip(rows["seconds"], views, rows["piece"], strict=True)
    whole = bool("whole" in rows and rows["whole"].fillna(False).all())
    return Visit(tuple(Sample(float(seconds), view, int(piece)) for seconds, view, piece in moments), whole, None)
