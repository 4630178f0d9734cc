"""What was not answered: where, by whom, and whether it could change what the answers say.

Asked is every main row that applies to its case. *All* are the answers that were given, as declared. *Per protocol* are
those to cases that every reader of the comparison answered. *Unanswered as 3* takes what is missing for "no
difference", where the scale has that answer. *Tips at* is the answer nearest to 3 at which the primary test would say
something else, were all that is missing that answer: two where both lie equally near.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import primary_test
from analysis.cells import Scores, scores
from analysis.pooled import mean_preference, no_mean
from analysis.protocol import Protocol
from analysis.statistics import jackknife
from analysis.statistics.result import Result, undefined

UNANSWERED = ("cannot_judge", "missing")
CONVENTION = (
    "asked: all main rows but those that do not apply; unanswered: cannot judge, or missing; all: answers given; per "
    "protocol: cases that every reader of the comparison answered; tips at: the answer nearest to 3 (two where both "
    "are) at which the primary test, not adjusted, would favour another arm or none, were all unanswered that one"
)
NEUTRAL = 3.0
NO_NEUTRAL = "the scale has no answer for no difference"
ANSWERED = "every question that was asked was answered"
SHARE = "share of what was asked, interval by leaving out each subject"


class Asked(NamedTuple):
    """Everything that was asked, as scores with 3 in the place of what is unanswered."""

    data: Scores
    unanswered: NDArray[np.bool_]
    status: NDArray[np.object_]


def missing(main: pd.DataFrame, protocol: Protocol) -> dict[str, Any]:
    """Sensitivity to unanswered questions per cell, and their share by arm, reader and criterion, as JSON-able data.

    ``main`` holds checked main ratings.
    """
    if not main["status"].isin(UNANSWERED).any():
        return {"conventions": CONVENTION, "cells": [], "pattern": [], "reason": ANSWERED}
    asked = _asked(main, protocol)
    cells = [_cell(asked, number, protocol) for number in range(len(asked.data.cells))]
    return {"conventions": CONVENTION, "cells": cells, "pattern": _pattern(asked), "reason": None}


def _asked(main: pd.DataFrame, protocol: Protocol) -> Asked:
    applies = main[main["status"] != "not_applicable"]
    status = applies["status"].astype(str).to_numpy(dtype=object)
    filled = applies.assign(score=applies["score"].fillna(NEUTRAL), status="rated")
    return Asked(scores(filled, protocol), np.isin(status, UNANSWERED), status)


def _cell(asked: Asked, number: int, protocol: Protocol) -> dict[str, Any]:
    data = asked.data
    first, second, criterion = data.cells[number]
    rows = data.cell == number
    x, subject, case, unanswered = data.x[rows], data.subject[rows], data.case[rows], asked.unanswered[rows]
    status = asked.status[rows]
    answers = np.bincount(case[~unanswered], minlength=data.n_cases)
    readers = np.unique(data.reader[rows]).size  # who reads this comparison
    complete = ~unanswered & (answers == readers)[case]
    found: dict[str, Any] = {
        "first": first,
        "second": second,
        "criterion": criterion,
        "asked": int(x.size),
        **{state: int((status == state).sum()) for state in UNANSWERED},
        "unread": int(np.unique(case).size) * readers - int(x.size),
    }
    for name, kept in (("all", ~unanswered), ("per_protocol", complete), ("as_no_difference", x == x)):
        if name == "as_no_difference" and NEUTRAL not in protocol.categories:
            found[name] = {"cases": None, "mean": no_mean(NO_NEUTRAL), "test": undefined(NO_NEUTRAL).as_test()}
            continue
        test = primary_test.run(protocol.primary_test, x[kept], subject[kept])
        found[name] = {
            "cases": int(np.unique(case[kept]).size),
            "mean": mean_preference(x[kept], subject[kept], data.reach),
            "test": test.as_test(),
        }
    return found | _tipping(x, subject, unanswered, protocol)


def _tipping(
    x: NDArray[np.float64], subject: NDArray[np.intp], unanswered: NDArray[np.bool_], protocol: Protocol
) -> dict[str, Any]:
    """The means that the most extreme answers would give, and the answer at which the test tips."""
    found: dict[str, Any] = dict.fromkeys(("lowest_mean", "highest_mean", "favours_unadjusted", "tips_at"))
    if not unanswered.any():
        return found | {"tipping_reason": "nothing is unanswered"}

    def filled(answer: float) -> NDArray[np.float64]:
        return np.where(unanswered, answer - NEUTRAL, x)

    def favours(x: NDArray[np.float64], subject: NDArray[np.intp]) -> str:
        name = protocol.primary_test
        return primary_test.favours(name, primary_test.run(name, x, subject), x)

    found["favours_unadjusted"] = own = favours(x[~unanswered], subject[~unanswered])
    for key, extreme in (("lowest_mean", min), ("highest_mean", max)):
        found[key] = float(filled(extreme(protocol.categories)).mean() + NEUTRAL)
    tipping = [answer for answer in protocol.categories if favours(filled(answer), subject) != own]
    nearest = min((abs(answer - NEUTRAL) for answer in tipping), default=None)
    found["tips_at"] = [answer for answer in tipping if abs(answer - NEUTRAL) == nearest]
    why = None if tipping else "at none: not even if all unanswered were the same extreme"
    return found | {"tipping_reason": why}


def _pattern(asked: Asked) -> list[dict[str, Any]]:
    """Shares of unanswered questions: of the pairs that show an arm, of each reader and criterion."""
    data, found = asked.data, []
    first, second, criterion = (np.array([cell[part] for cell in data.cells])[data.cell] for part in range(3))
    arms = dict.fromkeys(arm for cell in data.cells for arm in cell[:2])
    groups = [("arm", arm, (first == arm) | (second == arm)) for arm in arms]
    groups += [("reader", name, data.reader == place) for place, name in enumerate(data.readers)]
    groups += [("criterion", name, criterion == name) for name in dict.fromkeys(cell[2] for cell in data.cells)]
    for by, name, rows in groups:
        share = _share(asked.unanswered[rows], data.subject[rows], data.n_subjects)
        found.append({"by": by, "name": str(name), "asked": int(rows.sum()), "unanswered": share.as_estimate()})
    return found


def _share(hit: NDArray[np.bool_], subject: NDArray[np.intp], subjects: int) -> Result:
    if hit.size == 0:
        return undefined("nothing was asked", method=SHARE)
    above = np.bincount(subject, weights=hit, minlength=subjects)[:, None].astype(np.float64)
    below = np.bincount(subject, minlength=subjects)[:, None].astype(np.float64)
    low, high = jackknife.ratio_bounds(above, below, confidence=0.95)[:, 0]
    why = jackknife.SAME if np.isnan(low) else None
    ci = None if why else (max(0.0, float(low)), min(1.0, float(high)))
    return Result(estimate=float(hit.mean()), ci=ci, n=hit.size, method=SHARE, reason=why)
