"""Does the result hold for one subject and readers like these? A mixed model of each cell, a sensitivity analysis."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.cells import Scores
from analysis.statistics.mixed_likelihood import Answers, symmetric_cuts
from analysis.statistics.mixed_model import NODES, MixedFit, fit
from analysis.statistics.result import Result, undefined

CONVENTION = (
    "cumulative logit with symmetric thresholds, subjects and readers random, side of the screen as covariate; maximum "
    f"likelihood, two factors by Laplace's approximation, one by adaptive quadrature with {NODES} nodes; Wald t with "
    "readers − 1 degrees of freedom, with subjects − 1 where readers do not vary"
)
NOT_ASKED = "not computed: it takes a while, and was not asked for (--mixed)"
MOST = 100_000  # answers of a cell
FACTORS = ("subject", "reader")


def mixed_models(data: Scores) -> dict[str, Any]:
    """A mixed model per cell as JSON-able data: preference and side as estimates, the test, SDs, log likelihood."""
    cells = []
    for number, (first, second, criterion) in enumerate(data.cells):
        rows = data.cell == number
        found = mixed_model(data.x[rows], data.reader[rows], data.first_right[rows], data.subject[rows])
        cells.append({"first": first, "second": second, "criterion": criterion, **found})
    return {"conventions": CONVENTION, "cells": cells, "reason": None}


def mixed_model(
    x: NDArray[np.float64], reader: NDArray[np.intp], first_right: NDArray[np.bool_], subject: NDArray[np.intp]
) -> dict[str, Any]:
    """The model of one cell; ``x`` is preference − 3, one row per rating without NaN.

    logit P(x ≤ k) = θₖ − (β ± σ_side + u_subject + v_reader) with θ symmetric about 0, u and v normal. With a single
    reader only subjects are random.
    """
    subjects, readers = (np.unique(level, return_inverse=True)[1] for level in (subject, reader))
    reason = None
    if x.size == 0:
        reason = "no ratings"
    elif not x.any():
        reason = "every answer is 'no difference'"
    elif subjects.max() == 0:
        reason = "fewer than two subjects"
    elif x.size > MOST:
        reason = f"not fitted: more than {MOST:,} answers"
    if reason:
        return _undefined(reason, x.size)
    values, category = np.unique(np.concatenate([x, -x]), return_inverse=True)
    both = np.unique(first_right).size > 1
    covariates = np.stack([np.ones(x.size), np.where(first_right, 1.0, -1.0)], axis=1)[:, : 1 + both]
    levels = (subjects, readers) if readers.max() > 0 else (subjects,)
    found = fit(Answers(category[: x.size], covariates, levels, symmetric_cuts(values.size)))
    if found.reason:
        return _undefined(found.reason, x.size)
    vary = len(levels) == 2 and found.sds[1] > 0
    degrees = int(readers.max() if vary else subjects.max())
    flat = [f"{name}s" for name, sd in zip(FACTORS, found.sds, strict=False) if sd == 0]
    preference = _wald(found, 0, degrees, x.size)
    side = _wald(found, 1, int(subjects.max()), x.size) if both else undefined("the first arm stood on one side only")
    return {
        "preference": preference.as_estimate(),
        "test": preference.as_test(),
        "side": side.as_estimate(),
        "sd_subject": float(found.sds[0]),
        "sd_reader": float(found.sds[1]) if len(levels) == 2 else None,
        "singular": f"no variance between {' and '.join(flat)}" if flat else None,
        "log_likelihood": found.log_likelihood,
    }


def _wald(found: MixedFit, effect: int, degrees: int, n: int) -> Result:
    at = found.cuts.size + effect
    value, error = found.effects[effect], np.sqrt(found.covariance[at, at])
    reach = special.stdtrit(degrees, 0.975)
    t = value / error
    p = float(2 * special.stdtr(degrees, -abs(t)))
    method = f"mixed cumulative logit, t with {degrees} degrees of freedom"
    ci = (value - reach * error, value + reach * error)
    return Result(estimate=value, ci=ci, statistic=t, p=p, n=n, method=method)


def _undefined(reason: str, n: int) -> dict[str, Any]:
    none = undefined(reason, n=n, method="mixed cumulative logit")
    found = {"preference": none.as_estimate(), "test": none.as_test(), "side": none.as_estimate()}
    return found | dict.fromkeys(("sd_subject", "sd_reader", "singular", "log_likelihood"))
