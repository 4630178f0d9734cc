"""What volumes of interest hold in each arm: intensity, noise, and how far it is from the reference arm."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.utils.safestring import mark_safe

from analysis import in_volumes as analysis
from analysis.report import box_figures, table_cells
from analysis.report.tables.volumes import SHOWN
from readerstudy.images.analyses import analysed_once, read_table
from readerstudy.images.measure_jobs import MEASURE, present_measures
from readerstudy.images.tables import table_csv
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import UNDER_WAY
from readerstudy.protocol.models import Arm, ReaderStudy

WIDTH = 640  # of a chart in half of the page


def reference_and_pairs(study: ReaderStudy) -> tuple[Arm | None, list[tuple[str, str]]]:
    """The reference arm, and beside it the pairs (arm, arm a model made from it) that were measured."""
    there = set(present_measures(study).order_by().values_list("series__arm", flat=True).distinct())
    arms = [arm for arm in study.arms.select_related("made_from") if arm.pk in there]
    reference = next((arm for arm in arms if arm.is_reference), None)
    others = {arm.pk for arm in arms if reference is None or arm.pk != reference.pk}
    made = [(arm.made_from, arm) for arm in arms if arm.made_from and arm.recipe is None]
    return reference, [(source.code, arm.code) for source, arm in made if {source.pk, arm.pk} <= others]


def results(study: ReaderStudy) -> dict | None:
    """The analysis of voi.csv; None before a volume was measured in the reference arm."""
    reference, pairs = reference_and_pairs(study)
    if reference is None:
        return None
    files = {"voi": table_csv(study, "voi"), "arms": json.dumps([reference.code, pairs]).encode()}

    def make(files: dict[str, bytes]) -> dict:
        with tempfile.TemporaryDirectory() as folder:
            table = read_table("voi", files["voi"], Path(folder))
        return analysis.analyse(table, reference=reference.code, pairs=pairs)

    return analysed_once(study, "voi", files, make)


def context(study: ReaderStudy) -> dict:
    """What the page shows: for each measure a box plot, a summary of each arm, and the tests."""
    found, arms = results(study), {arm.code: arm for arm in study.arms.all()}
    jobs = Job.objects.filter(study=study, function=MEASURE)
    measures = {row["measure"]: row for row in found["measures"]} if found else {}
    return {
        "results": found,
        "busy": len(set(jobs.filter(state__in=UNDER_WAY).values_list("parameters__case", flat=True))),
        "failed": jobs.filter(state=Job.State.FAILED).count(),
        "cards": [_card(measures[name], *said, arms) for name, said in SHOWN.items() if name in measures],
    }


def _card(row: Mapping, title: str, unit: str, digits: int, arms: Mapping[str, Arm]) -> dict:
    boxes = [
        {"arm": one["arm"], "values": [own["value"] for own in one["values"] if own["value"] is not None]}
        for one in row["arms"]
    ]
    colours = {code: arm.css for code, arm in arms.items()}
    return {
        "name": row["measure"],
        "title": title,
        "unit": unit,
        "figure": mark_safe(box_figures.box_plots(boxes, colours=colours, unit=unit, width=WIDTH)),  # noqa: S308  made of numbers
        "arms": [
            {
                "arm": arms[one["arm"]],
                "n": one["n"],
                "mean": table_cells.mean_sd({"estimate": one["mean"], "reason": one["reason"]}, one["sd"], digits),
                "quartiles": table_cells.quartiles(one, digits),
            }
            for one in row["arms"]
        ],
        "paired": [
            {
                "a": arms[one["a"]],
                "b": arms[one["b"]],
                "cells": [
                    table_cells.estimate_with_interval(one["difference"], digits, sign=True),
                    table_cells.p_of_test(one["paired_t"]),
                    table_cells.p_of_test(one["wilcoxon"]),
                    table_cells.p_of_test(one["by_subject"] or {"reason": "volumes count as independent"}),
                ],
            }
            for one in row["paired"]
        ],
    }
