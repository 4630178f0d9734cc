"""What the page of image metrics shows: how much was altered, what repositioning costs, which cases are worst."""

from statistics import median

from django.db.models import F

from analysis.report import table_cells
from analysis.report.table import TableCell
from readerstudy.images import analyses
from readerstudy.images.image_summary import DIGITS, METRICS, images
from readerstudy.images.metric_jobs import COMPARE
from readerstudy.images.models import Metric
from readerstudy.jobs.models import Job
from readerstudy.material.alignments import REGISTER
from readerstudy.material.models import Alignment
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import Arm, ReaderStudy

WORST = 12
SHOWN = ("l1", "psnr", "nrmse", "ssim")  # of two acquisitions, in the order of the table
FUNCTIONS = (COMPARE, REGISTER)


def context(study: ReaderStudy, chosen: str = "") -> dict:
    """Everything that `images/image_metrics.html` needs beside the study; `chosen`: the pair of the worst cases."""
    arms = {arm.code: arm for arm in study.arms.select_related("made_from")}
    made = analyses.images(study)
    jobs = Job.objects.filter(study=study, function__in=FUNCTIONS)
    rows = made["images"]["pairs"] if made["images"] else []
    rows = [row for row in rows if row["reference"] in arms and row["test"] in arms]
    return {
        "images": images(made["images"], made["range_rules"], arms),
        "repositioned": repositioned(rows, arms),
        "registration": registration_summary(study),
        "worst": worst_cases(study, rows, arms, chosen),
        "busy": jobs.filter(state__in=[Job.State.WAITING, Job.State.RUNNING]).count(),
        "failed": jobs.filter(state=Job.State.FAILED).count(),
    }


def repositioned(rows: list[dict], arms: dict[str, Arm]) -> list[dict]:
    """Reference acquisition against each accelerated arm: every metric before and after registration."""
    pairs = dict.fromkeys(
        (row["reference"], row["test"])
        for row in rows
        if arms[row["test"]].acquisition != arms[row["reference"]].acquisition
    )
    found = {(r["reference"], r["test"], r["metric"], r["region"], r["registered"]): r for r in rows}

    def cell(pair: tuple[str, str], metric: str, region: str, registered: bool) -> TableCell:
        row = found.get((*pair, metric, region, registered))
        if row is None:
            return TableCell("", "no case was registered" if registered else "not computed yet")
        return table_cells.mean_sd({**row, "estimate": row["mean"]}, row["sd"], DIGITS.get(metric, 3))

    return [
        {
            "reference": arms[pair[0]],
            "test": arms[pair[1]],
            "n": [(found.get((*pair, "l1", "whole", registered)) or {"n": 0})["n"] for registered in (False, True)],
            "rows": [
                {
                    "name": METRICS[metric],
                    "cells": [
                        cell(pair, metric, region, registered)
                        for region in ("whole", "foreground")
                        for registered in (False, True)
                    ],
                }
                for metric in SHOWN
            ],
        }
        for pair in pairs
    ]


def registration_summary(study: ReaderStudy) -> dict | None:
    """How far patients moved between two acquisitions, and what could not be registered."""
    found = Alignment.objects.filter(
        in_use("moving__case__"), study=study, fixed__active=True, moving__active=True
    ).select_related("moving__case__subject", "moving__arm")
    used = [one for one in found if one.quality["used"]]
    if not found:
        return None
    return {
        "used": len(used),
        "refused": [one for one in found if not one.quality["used"]],
        "shift": median(one.shift for one in used) if used else None,
        "largest": max(used, key=lambda one: one.shift) if used else None,
        "rotation": median(one.quality["rotation_degrees"] for one in used) if used else None,
    }


def worst_cases(study: ReaderStudy, rows: list[dict], arms: dict[str, Arm], chosen: str) -> dict | None:
    """Cases with the lowest SSIM of one pair, on the registered values where two acquisitions were registered."""
    pairs = list(dict.fromkeys((row["reference"], row["test"]) for row in rows if row["metric"] == "ssim"))
    if not pairs:
        return None
    pair = next((pair for pair in pairs if " vs ".join(pair) == chosen), pairs[0])
    registered = any(row["registered"] for row in rows if (row["reference"], row["test"]) == pair)
    cases = Metric.objects.filter(
        in_use("case__"),
        study=study,
        metric="ssim",
        region="whole",
        slice=None,
        registered=registered,
        reference__arm__code=pair[0],
        test__arm__code=pair[1],
        reference__active=True,
        test__active=True,
    ).select_related("case__subject")
    return {
        "pairs": [" vs ".join(each) for each in pairs],
        "chosen": " vs ".join(pair),
        "reference": arms[pair[0]],
        "test": arms[pair[1]],
        "registered": registered,
        "cases": cases.order_by(F("value").asc(nulls_first=True))[:WORST],
        "count": cases.count(),
    }
