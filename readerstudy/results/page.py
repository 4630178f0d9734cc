"""What the results page shows: names, colours and words for numbers that the analysis has computed."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby

from django.utils.text import capfirst

from analysis import verdict
from analysis.report import figures
from analysis.statistics.bootstrap import RESAMPLES
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import unblinding
from readerstudy.results import charts, sections, services, show
from readerstudy.results.charts import Arms
from readerstudy.results.show import Shown

FINDINGS_SHOWN = 12


def context(study: ReaderStudy, made: services.Results) -> dict:
    """Everything that `results/results.html` needs beside the study: the first page."""
    arms = {arm.code: arm for arm in study.arms.all()}
    shared = {**head(study, made), "images": images(made.images, made.range_rules, arms)}
    if made.reading is None:
        return shared
    names = dict(study.criteria.values_list("code", "name"))
    primary = study.primary_comparison
    pairs = compared(made.reading, arms, names, (primary.first.code, primary.second.code) if primary else None)
    return {
        **shared,
        "pairs": pairs,
        "hypothesis": hypothesis(made.reading, names),
        "preference": preference(made.reading, pairs, arms, names),
        "agreement": agreement(made.reading, pairs, names),
    }


def section_context(study: ReaderStudy, made: services.Results, section: str) -> dict:
    """Everything that `results/section.html` needs beside the study: one of the pages behind the first."""
    name, cards = sections.SECTIONS[section]
    shared = {**head(study, made), "name": name}
    if made.reading is None:
        return shared
    arms = {arm.code: arm for arm in study.arms.all()}
    if cards is None:
        told = unblinding.unblinded(study)
        return {
            **shared,
            "integrity": integrity(made, arms),
            "blinding": blinding(made.reading["blinding"]),
            "events": told,
            "pairs_unblinded": unblinding.pairs_unblinded(told),
        }
    return {**shared, "cards": cards(made.reading, arms, dict(study.criteria.values_list("code", "name")))}


def whole_context(study: ReaderStudy, made: services.Results) -> dict:
    """The first page, integrity and the readers, for one page that holds them all."""
    parts = (section_context(study, made, section) for section in ("integrity", "readers"))
    return {key: value for part in (*parts, context(study, made)) for key, value in part.items()}


def head(study: ReaderStudy, made: services.Results) -> dict:
    """What every page of results says first, and where the others are."""
    seen = Event.objects.filter(study=study, action=Action.RESULTS_SEEN).order_by("number").first()
    return {
        "made": made,
        "unblinded": seen.at if seen else None,
        "sections": [(key, name) for key, (name, _) in sections.SECTIONS.items()],
        "summary": summary(made.reading["n"]) if made.reading else "",
    }


def hypothesis(reading: dict, names: dict[str, str]) -> dict:
    """The primary hypothesis with its one test, and what it says in words; without one, the reason."""
    found = reading["primary"]
    if found["reason"]:
        return {"reason": found["reason"]}
    return {
        "asked": f"{found['first']} vs {found['second']}, {names.get(found['criterion'], found['criterion'])}",
        "test": verdict.TESTS[found["test"]],
        "p": show.exact_p(found["result"]),
        "how": show.method(found["result"]),
        "mean": show.with_interval(found["mean"]),
        "net": show.with_interval(found["net_preference"], sign=True),
        "says": verdict.primary(reading),
    }


def summary(n: dict) -> str:
    """999 pairs, 3 readers, 61 subjects, 7,992 scores, none missing."""
    counted = [("presentations", "pair"), ("readers", "reader"), ("subjects", "subject"), ("ratings", "score")]
    words = [f"{n[key]:,} {noun}{'' if n[key] == 1 else 's'}" for key, noun in counted]
    left_out = [
        f"{n[status]:,} {status.replace('_', ' ')}" for status in ("cannot_judge", "not_applicable") if n[status]
    ]
    return ", ".join([*words, *left_out, f"{n['missing']:,} missing" if n["missing"] else "none missing"]) + "."


def compared(reading: dict, arms: Arms, names: dict[str, str], primary: tuple[str, str] | None) -> list[dict]:
    """The comparisons in order, each with its rows of the analysis; `checked`: shown first in the cards below."""
    pairs = [
        {
            "first": arms[first],
            "second": arms[second],
            "cells": cells,
            "checked": (first, second) == primary,
            "forest": charts.forest(cells, arms, names),
        }
        for (first, second), found in groupby(reading["comparisons"], key=lambda cell: (cell["first"], cell["second"]))
        for cells in [list(found)]
    ]
    if not any(pair["checked"] for pair in pairs):
        pairs[0]["checked"] = True
    return pairs


def preference(reading: dict, pairs: list[dict], arms: Arms, names: dict[str, str]) -> dict:
    """Table 2, as published and clustered, with its conventions."""
    cells = reading["comparisons"]
    tested = sum(cell["p_holm"]["primary"] is not None for cell in cells)
    scale = figures.shared_scale([cell["counts"] for cell in cells])
    rows = []
    for criterion in dict.fromkeys(cell["criterion"] for cell in cells):
        found = [cell for pair in pairs for cell in pair["cells"] if cell["criterion"] == criterion]
        rows.append(
            {
                "name": names.get(criterion, criterion),
                "cells": [_preference_cell(cell, arms, scale) for cell in found],
            }
        )
    return {
        "rows": rows,
        "net_how": verdict.caption(cells, resamples=RESAMPLES),
        "published": f"Signed rank against 3, readers pooled, normal approximation, zeros dropped, no correction for "
        f"multiplicity; n = {_range(cell['mean']['n'] for cell in cells)} per cell.",
        "clustered": f"{capfirst(verdict.TESTS[cells[0]['primary_test']])}, {reading['n']['subjects']} subjects; Holm "
        f"over {tested} tests. Net: P(> 3) − P(< 3), patient bootstrap.",
    }


def _range(counts: Iterable[int]) -> str:
    """108, or 106 to 108."""
    found = list(counts) or [0]
    low, high = min(found), max(found)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _preference_cell(cell: dict, arms: Arms, scale: float) -> dict:
    tests, primary = cell["tests"], cell["tests"][cell["primary_test"]]
    return {
        "bar": charts.likert(cell, arms, scale),
        "counts": cell["counts"],
        "mean": show.mean_sd(cell["mean"], cell["sd"]),
        "p": show.test(tests["as_published"]),
        "net": show.estimate(cell["net_preference"], sign=True),
        "ci": show.interval(cell["net_preference"], sign=True),
        "cluster_p": show.test(primary),
        "holm": _with_bh(cell, primary),
    }


def _with_bh(cell: dict, primary: dict) -> Shown:
    """Holm's p of the primary test; Benjamini and Hochberg's on hover."""
    shown, bh = show.adjusted(cell["p_holm"]["primary"], primary), cell["p_bh"]["primary"]
    return replace(shown, how=f"Holm; Benjamini–Hochberg p {show.p_value(bh)}") if bh is not None else shown


def agreement(reading: dict, pairs: list[dict], names: dict[str, str]) -> dict:
    """Table 3: Spearman per pair of readers, pooled as published and per cell, beside alpha and AC2."""
    found = reading["agreement"]
    cells = {(cell["first"], cell["second"], cell["criterion"]): cell for cell in found["cells"]}

    def row(name: str, summary: dict) -> dict:
        return {
            "name": name,
            "pairs": [show.heat(pair["spearman"]) for pair in summary["pairs"]],
            "alpha": show.heat(summary["krippendorff_alpha"]),
            "ac2": show.estimate(summary["gwet_ac2"]),
        }

    pooled = found["overall"]["pairs"]
    return {
        "names": [f"{pair['reader_a']} · {pair['reader_b']}" for pair in pooled],
        "overall": row("all cells pooled", found["overall"]),
        "pooled": [
            {"estimate": show.estimate(p["spearman"], 3), "ci": show.interval(p["spearman"], 3)} for p in pooled
        ],
        "comparisons": [
            {
                "pair": pair,
                "rows": [
                    row(
                        names.get(cell["criterion"], cell["criterion"]),
                        cells[cell["first"], cell["second"], cell["criterion"]],
                    )
                    for cell in pair["cells"]
                ],
            }
            for pair in pairs
        ],
        "n": _range(pair["spearman"]["n"] for pair in pooled),
    }


def integrity(made: services.Results, arms: Arms) -> dict:
    """Panels without a finding and of diagnostic quality, per arm, and the findings themselves."""
    consistent, diagnostic = made.reading["integrity"], made.reading["diagnostic"]
    quality = {row["arm"]: row for row in diagnostic.get("arms", [])}
    rows = [
        {"arm": arms[row["arm"]], "consistent": _share(row), "diagnostic": _share(quality.get(row["arm"]))}
        for row in sorted(consistent.get("arms", []), key=lambda row: arms[row["arm"]].place)
    ]
    if rows:
        rows.append(
            {"arm": None, "consistent": _share(consistent["overall"]), "diagnostic": _share(diagnostic.get("overall"))}
        )
    return {
        "rows": rows,
        "reason": consistent.get("reason"),
        "findings": made.findings[:FINDINGS_SHOWN],
        "more": max(len(made.findings) - FINDINGS_SHOWN, 0),
        "count": len(made.findings),
    }


def _share(row: dict | None) -> dict:
    if row is None:
        return {"count": Shown("", "not asked"), "ci": Shown("", "not asked"), "unanswered": 0}
    return {
        "count": show.count_of(row["yes"], row["yes"] + row["no"]),
        "ci": show.percent_interval(row["share"]),
        "unanswered": row["unanswered"],
    }


def blinding(found: dict) -> dict:
    """Blinding indices over all guesses, by the true side of the first arm, by comparison and by reader."""
    if found.get("reason"):
        return {"rows": [], "reason": found["reason"]}
    everything = found["overall"]
    named = [("all", everything)]
    named += [(f"first arm {side['first_side']}", side) for side in everything["sides"]]
    named += [(row["comparison"], row) for row in found["comparisons"]] + [
        (row["reader"], row) for row in found["readers"]
    ]
    per_side = {"reason": "it needs both sides"}
    return {
        "rows": [
            {
                "name": name,
                **{count: row[count] for count in ("correct", "wrong", "unknown")},
                "bang": show.estimate(row["bang"], sign=True),
                "bang_ci": show.interval(row["bang"], sign=True),
                "james": show.estimate(row.get("james", per_side)),
                "james_ci": show.interval(row.get("james", per_side)),
            }
            for name, row in named
        ]
    }


def images(found: dict | None, rules: list[str], arms: Arms) -> dict | None:
    """Table 4 and L1: image metrics per pair of arms, with the paired test between the pairs shown."""
    if found is None:
        return None
    rows = [row for row in found["pairs"] if row["reference"] in arms and row["test"] in arms]
    as_they_lie = [row for row in rows if not row["registered"]]

    def made_from_it(row: dict) -> bool:
        return arms[row["test"]].made_from_id == arms[row["reference"]].pk

    def accelerated(row: dict) -> bool:
        return arms[row["test"]].acquisition != arms[row["reference"]].acquisition

    return {
        "ssim": _metric(found, arms, "ssim", as_they_lie, made_from_it, 3),
        "l1": _metric(found, arms, "l1", as_they_lie, accelerated, 1),
        "rules": rules,
        "rows": [
            {
                **row,
                "name": METRICS[row["metric"]],
                "shown": show.mean_sd({**row, "estimate": row["mean"]}, row["sd"], DIGITS.get(row["metric"], 3)),
                "quartiles": show.quartiles(row, DIGITS.get(row["metric"], 3)),
            }
            for row in sorted((row for row in rows if row["metric"] in METRICS), key=_metric_order)
        ],
    }


# What pages show; metrics.csv has them all.
METRICS = {"ssim": "SSIM", "l1": "L1", "psnr": "PSNR (dB)", "ms_ssim": "MS-SSIM", "nrmse": "NRMSE", "mse": "MSE"}
DIGITS = {"l1": 1, "psnr": 1, "mse": 0}


def _metric_order(row: dict) -> tuple:
    return [*METRICS].index(row["metric"]), row["region"] != "whole", row["registered"]


def _metric(
    found: dict, arms: Arms, metric: str, rows: list[dict], wanted: Callable[[dict], bool], digits: int
) -> dict:
    """One metric over the whole volume: the pairs that the paper shows, else all that are there."""
    whole = [row for row in rows if row["metric"] == metric and row["region"] == "whole"]
    shown = [row for row in whole if wanted(row)] or whole
    codes = [f"{row['reference']} vs {row['test']}" for row in shown]
    tests = [
        {"a": pair["a"], "b": pair["b"], "p": show.test(pair["test"]), "exact": show.exact_p(pair["test"])}
        for pair in found["paired"]
        if (pair["metric"], pair["region"], pair["registered"]) == (metric, "whole", False)
        and {pair["a"], pair["b"]} <= set(codes)
    ]
    pairs = [
        {
            "code": code,
            "arm": arms[row["test"]],
            "n": row["n"],
            "text": show.mean_sd({"estimate": row["mean"], "reason": row["reason"]}, row["sd"], digits),
            "values": row["values"],
        }
        for code, row in zip(codes, shown, strict=True)
    ]
    figure = charts.distribution(pairs, arms, digits=digits, top=1 if metric == "ssim" else None)
    return {"pairs": pairs, "tests": tests, "figure": figure}
