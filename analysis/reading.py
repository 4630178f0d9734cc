"""The analysis of a reader study: ratings in, every table of the results page out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import family, tables, verdict
from analysis.blinding import blinding
from analysis.cells import Scores, scores
from analysis.components import readers_apart, variance_components
from analysis.displays import displays
from analysis.errors import InputError
from analysis.few_subjects import ENOUGH, sparse
from analysis.integrity import consistency
from analysis.missing import missing
from analysis.mixed import NOT_ASKED, mixed_models
from analysis.pooled import MEAN, NET, READER, per_subject, pooled
from analysis.protocol import ALPHA, Protocol, parse_protocol
from analysis.ranking import ranking
from analysis.readers import drift, screening, timing
from analysis.repeats import repeats
from analysis.sides import side_bias, unknown_sides
from analysis.slips import slips
from analysis.statistics import agreement
from analysis.statistics.clustering import design_effect, subject_correlation
from analysis.statistics.equivalence import CAVEAT, noninferiority, tost
from analysis.statistics.hodges_lehmann import hodges_lehmann
from analysis.statistics.ordinal import METHOD as REGRESSION
from analysis.statistics.ordinal import regression
from analysis.statistics.preference import cluster_signed_rank, rank_sum_mirror, signed_rank
from analysis.statistics.random_readers import as_dict as random_readers
from analysis.statistics.result import Result
from analysis.subgroups import subgroups

PAIRS_SHOWN = 200  # pairs of readers, per cell
PAIRS_OVERALL = 1_000
INTERVAL = "by leaving out each subject once, t with the degrees of freedom and skewness of what that changes"


def analyse(
    ratings: pd.DataFrame,
    *,
    protocol: Protocol | Mapping[str, Any] | None = None,
    findings: pd.DataFrame | None = None,
    integrity: pd.DataFrame | None = None,
    series: pd.DataFrame | None = None,
    guesses: pd.DataFrame | None = None,
    display_checks: pd.DataFrame | None = None,
    mixed: bool = False,
) -> dict[str, Any]:
    """All results of a reader study as JSON-able data; what is undefined is null with its reason.

    Parameters
    ----------
    ratings : DataFrame
        The ratings table (docs/tables/ratings.json), as ``analysis.tables`` reads it; it is checked again.
    protocol : Protocol or mapping, optional
        Parsed protocol.json. Without it all cells (comparison × criterion) are the family, and no equivalence is
        claimed.
    findings : DataFrame, optional
        The findings table.
    integrity : DataFrame, optional
        The integrity table.
    series : DataFrame, optional
        The series table; it is checked, and adds a warning where series were simulated, but no numbers.
    guesses : DataFrame, optional
        The guesses table, for the blinding indices.
    display_checks : DataFrame, optional
        The table of display checks, for the results without what was read on displays that failed.
    mixed : bool, default False
        Whether to fit a mixed model to each cell too; it takes some 0.05 s each.

    Returns
    -------
    dict
        ``conventions`` say how each number is made; ``primary``, ``comparisons``, ``agreement`` and the other keys are
        the tables of the results page. Estimates are dicts of ``estimate``, ``ci``, ``level``, ``n``, ``method`` and
        ``reason``, tests of ``statistic``, ``p``, ``n``, ``method`` and ``reason``.

    Raises
    ------
    InputError
        If a table or the protocol cannot be used: one sentence, with row and column.

    Notes
    -----
    Main presentations enter, training never; repeats only intra-reader agreement. Preference is the score where the
    first arm stood on the right, else 6 − score: above 3 favours the first arm. The same input gives the same
    output.

    Examples
    --------
    Four subjects, all slightly better in SOC on the left: score 2 is preference 4.

    >>> import pandas as pd
    >>> from analysis.reading import analyse
    >>> columns = {"subject": list("ABCD"), "case": list("abcd"), "score": [2.0, 2.0, 2.0, 2.0]}
    >>> same = {"reader": "R1", "kind": "main", "comparison": "SOC vs FAST", "first": "SOC", "second": "FAST"}
    >>> more = {"first_side": "left", "criterion": "snr", "status": "rated"}
    >>> cell = analyse(pd.DataFrame(columns).assign(**same, **more))["comparisons"][0]
    >>> cell["counts"], cell["mean"]["estimate"], cell["tests"]["cluster_permutation"]["p"]
    ([0, 0, 0, 4, 0], 4.0, 0.125)
    """
    declared = parse_protocol(protocol)
    ratings = tables.check_ratings(ratings)
    findings = None if findings is None else tables.check(findings, "findings")
    integrity = None if integrity is None else tables.check(integrity, "integrity")
    series = None if series is None else tables.check(series, "series")
    guesses = None if guesses is None else tables.check(guesses, "guesses")
    display_checks = None if display_checks is None else tables.check(display_checks, "display_checks")
    main = ratings[ratings["kind"] == "main"]
    if main.empty:
        raise InputError("The ratings table holds no main presentations; there is nothing to analyse.")
    _check_scale(main, declared)
    data = scores(main, declared)
    comparisons = _comparisons(data, declared)
    return {
        "conventions": _conventions(declared),
        "warnings": [*_warnings(main, data, declared), *sparse(data), *_simulated(series)],
        "n": _counts(main, data),
        "primary": _primary(comparisons, declared),
        "comparisons": comparisons,
        "agreement": _agreement(data, declared),
        "components": variance_components(data),
        "readers_apart": readers_apart(data),
        "repeats": repeats(ratings, declared),
        "side_bias": side_bias(data),
        "integrity": consistency(integrity, findings, on="consistent"),
        "diagnostic": consistency(integrity, None, on="diagnostic"),
        "ranking": ranking(data),
        "blinding": blinding(guesses),
        "time": timing(main),
        "drift": drift(main),
        "screening": screening(data),
        "subgroups": subgroups(data, main[main["status"] == "rated"]),
        "displays": displays(main, display_checks, declared),
        "missing": missing(main, declared),
        "mixed": mixed_models(data) if mixed else {"cells": [], "reason": NOT_ASKED},
    }


def _simulated(series: pd.DataFrame | None) -> list[str]:
    """Which arms no scanner acquired, in one sentence."""
    if series is None or "simulated" not in series or series["simulated"].isna().all():
        return []
    arms = []
    for arm, rows in series.groupby("arm", sort=False, observed=True):
        how = rows["simulated"].dropna().astype(str)
        if len(how):
            others = " and others" if how.nunique() > 1 else ""
            arms.append(f"{arm} in {len(how)} of {len(rows)} series ({how.iloc[0]}{others})")
    return [f"Simulated, not acquired: {'; '.join(arms)}."]


def _check_scale(main: pd.DataFrame, protocol: Protocol) -> None:
    unknown = set(main["score"].dropna().unique()) - set(protocol.categories)
    if unknown:
        scale = ", ".join(f"{category:g}" for category in protocol.categories)
        raise InputError(f"The ratings hold the score {min(unknown):g}, which the protocol's scale {scale} lacks.")


def _conventions(protocol: Protocol) -> dict[str, str]:
    cells = "all cells" if protocol.family is None else f"the {len(protocol.family)} declared cells"
    readers = "these readers (fixed)"
    if protocol.readers == "random":
        readers += "; random_readers alone generalises to readers like these, who are random by the protocol"
    conventions = {
        "preference": "score if the first arm stood on the right, else 6 − score; above 3 favours the first arm",
        "as_published": "signed rank of preference − 3: readers pooled, normal approximation, no continuity "
        "correction, zeros dropped; statistic V, the sum of positive ranks",
        "rank_sum_mirror": "rank sum of preference against 6 − preference; for comparison only: type I error "
        "0.16 or more at nominal 0.05",
        "clusters": f"subjects; inference to {readers}",
        "intervals": f"mean, net preference and agreement: {INTERVAL}; ci 95 %, ci90 90 %; with fewer than "
        f"{ENOUGH} subjects who differ, as many alike, they are marked",
        "net_preference": "P(> 3) − P(< 3)",
        "regression": f"sensitivity analysis, log odds: {REGRESSION}",
        "primary_test": protocol.primary_test,
        "favours": f"first, second or neither: where the primary test rejects at {ALPHA:g}, in each cell by Holm's p, "
        "in the primary hypothesis by its own",
        "multiplicity": f"Holm, Hommel and Benjamini–Hochberg over {cells}; undefined tests are left out of it; "
        "Hommel's holds its level where tests are independent or go up and down together, Holm's under any dependence",
        "agreement": "oriented scores; pooled over all cells as published, and per cell; the pooled correlation is "
        "inflated by differences between cell means",
        "side_bias": "main ratings with a display score below, above and at 3",
    }
    if protocol.readers == "random":
        conventions["random_readers"] = (
            "mean of reader means, Obuchowski–Rockette variance with Hillis' degrees of freedom; three readers leave "
            "few degrees of freedom where they differ"
        )
    if not protocol.declared:
        conventions["protocol"] = "no protocol was given: the family is all cells, and no equivalence is claimed"
    elif protocol.margins:
        conventions["margins"] = CAVEAT
    else:
        conventions["protocol"] = "the protocol declares no margins: no equivalence is claimed"
    return conventions


def _warnings(main: pd.DataFrame, data: Scores, protocol: Protocol) -> list[str]:
    warnings = []
    known = set(data.cells)
    for what, cells in (("primary hypothesis", [protocol.primary]), ("family of tests", protocol.family or ())):
        for cell in cells:
            if cell is not None and cell not in known:
                first, second, criterion = cell
                warnings.append(f"The {what} names {first} vs {second}, {criterion}, which was not asked.")
    warnings += [
        f"The margin {margin} applies to no comparison and criterion that was asked, in the order in which its arms "
        "were compared: nothing is claimed by it."
        for margin in protocol.margins
        if not any(margin.applies_to(cell) for cell in data.cells)
    ]
    if "presentation" in main:
        pairs = main.drop_duplicates(["reader", "subject", "case", "comparison", "presentation"])
        split = int(pairs.duplicated(["reader", "subject", "case", "comparison"]).sum())
        if split:
            warnings.append(f"The criteria of {split} pairs come from two presentations.")
    return warnings + unknown_sides(main) + slips(main)


def _counts(main: pd.DataFrame, data: Scores) -> dict[str, int]:
    status = main["status"].astype(str).value_counts()
    presentations = len(main.drop_duplicates(["reader", "presentation"])) if "presentation" in main else None
    return {
        "subjects": data.n_subjects,
        "cases": data.n_cases,
        "readers": len(data.readers),
        "presentations": presentations,  # type: ignore[dict-item]
        "ratings": int(status.get("rated", 0)),
        "cannot_judge": int(status.get("cannot_judge", 0)),
        "not_applicable": int(status.get("not_applicable", 0)),
        "missing": int(status.get("missing", 0)),
    }


def _primary(comparisons: list[dict[str, Any]], protocol: Protocol) -> dict[str, Any]:
    """The one primary hypothesis with its unadjusted test and the arm that it rejects for; without a declared or asked
    one, null with the reason."""
    names = dict(zip(("first", "second", "criterion"), protocol.primary or (None, None, None), strict=True))
    result: dict[str, Any] = {
        **names,
        "test": None,
        "favours": None,
        "result": None,
        "mean": None,
        "net_preference": None,
    }
    if protocol.primary is None:
        return result | {"reason": "no primary hypothesis was declared"}
    for row in comparisons:
        if (row["first"], row["second"], row["criterion"]) == protocol.primary:
            found = {key: row[key] for key in ("mean", "net_preference")}
            found |= {"test": protocol.primary_test, "result": row["tests"][protocol.primary_test]}
            return result | found | {"favours": verdict.favours(row, adjusted=False), "reason": None}
    return result | {"reason": "the primary hypothesis was not asked"}


def _comparisons(data: Scores, protocol: Protocol) -> list[dict[str, Any]]:
    k = len(data.cells)
    count = per_subject(data, data.cell, k)
    differing = per_subject(data, data.cell, k, (data.x != 0).astype(np.float64))
    total, signs = (per_subject(data, data.cell, k, values) for values in (data.x, np.sign(data.x)))
    mean = MEAN.reaching(data.reach)
    means = pooled(total, count, differing, scale=mean)
    nets = pooled(signs, count, differing, scale=NET)
    readers = _reader_means(data)
    order = np.argsort(data.cell, kind="stable")
    edges = np.searchsorted(data.cell[order], np.arange(k + 1))
    rows = []
    for number, (first, second, criterion) in enumerate(data.cells):
        mine = order[edges[number] : edges[number + 1]]
        x, subject, who = data.x[mine], data.subject[mine], data.reader[mine]
        counts = np.bincount(np.rint(x).astype(np.intp) + 2, minlength=5)
        rows.append(
            {
                "first": first,
                "second": second,
                "criterion": criterion,
                "counts": [int(c) for c in counts],
                "mean": means[number],
                "sd": float(x.std(ddof=1)) if x.size > 1 else None,
                "net_preference": nets[number],
                "simultaneous": {},
                "hodges_lehmann": hodges_lehmann(x, subject, shift=3, bound=data.reach).as_estimate(),
                "subject_correlation": subject_correlation(x, subject).as_estimate(),
                "design_effect": design_effect(x, subject).as_estimate(),
                "tests": {name: result.as_test() for name, result in _tests(x, subject).items()},
                "primary_test": protocol.primary_test,
                "regression": regression(x, who, data.first_right[mine], subject).as_dict(),
                "random_readers": random_readers(x, who, subject) if protocol.readers == "random" else None,
                **_margins(x, subject, (first, second, criterion), protocol),
                "readers": [
                    {
                        "reader": name,
                        "mean": readers[number * len(data.readers) + place],
                        "as_published": signed_rank(x[who == place]).as_test(),
                    }
                    for place, name in enumerate(data.readers)
                ],
            }
        )
    family.adjust(rows, protocol)
    inside = family.inside(rows, protocol)
    for key, above, scale in (("mean", total, mean), ("net_preference", signs, NET)):
        found = family.together(above, count, inside, shift=scale.shift, ends=(scale.low, scale.high))
        for row, interval in zip(rows, found, strict=True):
            row["simultaneous"][key] = interval
    for row in rows:
        row["favours"] = verdict.favours(row)
        row["primary"] = (row["first"], row["second"], row["criterion"]) == protocol.primary
    return rows


def _tests(x: NDArray[np.float64], subject: NDArray[np.intp]) -> dict[str, Result]:
    return {
        "as_published": signed_rank(x),
        "rank_sum_mirror": rank_sum_mirror(x),
        "cluster_sign_flip": cluster_signed_rank(x, subject, method="normal"),
        "cluster_permutation": cluster_signed_rank(x, subject, method="permutation"),
        "datta_satten": cluster_signed_rank(x, subject, method="datta_satten"),
    }


def _reader_means(data: Scores) -> list[dict[str, Any]]:
    """Mean preference per cell and reader, cells slowest; in blocks, so that many readers need little memory."""
    groups = len(data.cells) * len(data.readers)
    group = data.cell * len(data.readers) + data.reader
    count = per_subject(data, group, groups)
    total = per_subject(data, group, groups, data.x)
    differing = per_subject(data, group, groups, (data.x != 0).astype(np.float64))
    results = []
    for start in range(0, groups, 2_000):
        block = slice(start, start + 2_000)
        results += pooled(total[:, block], count[:, block], differing[:, block], scale=READER.reaching(data.reach))
    return results


def _margins(
    x: NDArray[np.float64], subject: NDArray[np.intp], cell: tuple[str, str, str], protocol: Protocol
) -> dict[str, Any]:
    rows: dict[str, list[dict[str, Any]]] = {"equivalence": [], "noninferiority": []}
    for margin in protocol.margins:
        if not margin.applies_to(cell):
            continue
        values, bound = (x, 2.0) if margin.on == "mean" else (np.sign(x), 1.0)
        test = tost if margin.kind == "equivalence" else noninferiority
        result = test(values, margin=margin.margin, cluster=subject, bound=bound)
        rows[margin.kind].append(
            {
                "on": margin.on,
                "margin": margin.margin,
                "estimate": result.estimate,
                "ci90": None if result.ci is None else list(result.ci),
                "p": result.p,
                "p_exact": result.p_exact,
                verdict.SHOWN[margin.kind]: None if result.p is None else bool(result.p < ALPHA),
                "n": result.n,
                "method": result.method,
                "reason": result.reason,
            }
        )
    return rows


def _agreement(data: Scores, protocol: Protocol) -> dict[str, Any]:
    pairs = len(data.readers) * (len(data.readers) - 1) // 2

    def summary(cells: list[int] | None, *, most: int) -> dict[str, Any]:
        matrix, subject = data.matrix(cells)
        return agreement.summary(
            matrix, data.readers, categories=protocol.categories, cluster=subject, pairs=pairs <= most
        )

    cells = []
    for number, (first, second, criterion) in enumerate(data.cells):
        names = {"first": first, "second": second, "criterion": criterion}
        cells.append({**names, **summary([number], most=PAIRS_SHOWN)})
    reason = None
    if pairs > PAIRS_SHOWN:
        where = "per cell" if pairs <= PAIRS_OVERALL else "per cell and overall"
        reason = f"pairs of readers {where} are left out: {pairs:,} pairs"
    return {"overall": summary(None, most=PAIRS_OVERALL), "cells": cells, "reason": reason}
