"""Images, Radiomics, Stability: which features keep their value in every arm."""

import json
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from analysis import robust
from analysis.errors import InputError
from analysis.report import stability_figures, table_cells
from analysis.report.table import TableCell
from analysis.stability import CRITERIA, PRESETS
from processing.errors import InputError as ImageError
from readerstudy.archive.downloads import csv_lines, send_json, stream_csv
from readerstudy.audit.services import ensure_sections_sealed
from readerstudy.images import stability as selectors
from readerstudy.images import stability_criteria
from readerstudy.images.radiomics import active_settings
from readerstudy.images.stability_charts import charts
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.figure_files import with_figure_files
from readerstudy.reading.whole_record import note_export

WORDS = {"ccc": "CCC", "icc": "ICC(A,1)", "paired_t": "paired t p"}
# What the robust features are taken away as.
ROBUST = {"list": "list", "pyradiomics": "settings of pyradiomics", "preset": "settings of this page"}


@never_cache
@study_page("see_material")
@require_safe
@with_figure_files
def stability(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Columns per feature, what acceleration breaks and DL restores, Bland–Altman, tables. It holds no ratings."""
    ensure_sections_sealed(study, "protocol", "series", "volumes", "feature settings", "features")
    context: dict = {"tab": "image_metrics", "study": study}
    try:
        results, job = selectors.analysis_or_job(study)
    except InputError as error:
        return render(request, "images/stability.html", {**context, "error": str(error)})
    context |= {"results": results, "job": job}
    if results is not None:
        context |= _analysis_context(request, study, results)
    return render(request, "images/stability.html", context)


def _analysis_context(request: StudyRequest, study: ReaderStudy, results: dict) -> dict:
    criterion = request.GET.get("criterion", "")
    criterion = criterion if criterion in CRITERIA else "ccc"
    arms = {arm.code: arm for arm in study.arms.all()}
    colours = {code: arm.css for code, arm in arms.items()}
    names = [row["feature"] for row in results["dispersion"]]
    feature = request.GET.get("feature", "")
    feature = feature if feature in names else _least_stable_feature(results) or names[0]
    classes = list(dict.fromkeys(row["class"] for row in results["dispersion"]))
    only = request.GET.get("class", "")
    panels = selectors.plots(study, results, feature)
    restores = [row for row in results["restores"] if row["criterion"] == criterion]
    limit = results["criteria"][criterion]
    picture = stability_figures.columns(results, criterion=criterion, threshold=limit, colours=colours, width=1440)
    return {
        "criterion": criterion,
        "thresholds": [(name, words, results["criteria"][name]) for name, words in stability_criteria.WORDS.items()],
        "criteria": {name: f"{words} ≥ {results['criteria'][name]:.2f}" for name, words in WORDS.items()},
        "groups": [
            {
                "by": {"roi": "place", "sequence": "sequence"}[group["by"]],
                "name": group["group"],
                "volumes": group["n_rois"],
                "arms": [
                    {
                        "arm": arms[row["arm"]],
                        "features": row["n_features"],
                        "unstable": table_cells.unstable(row, row["n_features"]),
                    }
                    for row in group["arms"]
                ],
            }
            for group in results["groups"]
        ],
        "robust": len(robust.robust_features(results, criterion=criterion)) if criterion in robust.AGREEMENT else 0,
        "robust_forms": {
            form: words
            for form, words in ROBUST.items()
            if form != "pyradiomics" or not active_settings(study).settings["setting"].get("n4")
        },
        "threshold": limit,
        "names": names,
        "chosen": urlencode({"criterion": criterion, "feature": feature}),
        "feature": feature,
        "classes": classes,
        "only": only if only in classes else "",
        "reference": arms[results["reference"]],
        "fewest": min(arm["n_rois"] for arm in results["arms"]),
        "columns": mark_safe(picture),  # noqa: S308  figures escape what they draw
        "some_judged": table_cells.SOME_JUDGED,
        "restores": [
            {
                **row,
                "cells": _counts(row),
                "by_class": [{"class": own["class"], "cells": _counts(own)} for own in row["by_class"]],
                "arms": [arms[row["fast"]], arms[row["dl"]]],
                "figure": mark_safe(  # noqa: S308
                    stability_figures.restored(row, reference=results["reference"], colours=colours)
                ),
            }
            for row in restores
        ],
        "plot": mark_safe(  # noqa: S308
            stability_figures.bland_altman(
                panels, reference=results["reference"], colours=colours, width=max(960 / max(len(panels), 2), 320)
            )
        ),
        "panels": [{"arm": arms[row["arm"]], **_limits(row)} for row in panels],
        "counts": [
            {
                "arm": arms[row["arm"]],
                "row": row,
                "features": table_cells.counted_features(row),
                "unstable": table_cells.unstable(row, table_cells.counted_features(row)),
                "by_subject": table_cells.unstable_by_subject(row),
            }
            for row in results["arms"]
        ],
        "summary": [
            {
                "name": row["measure"].upper(),
                "median": TableCell("", row["reason"])
                if row["median"] is None
                else table_cells.quartiles({**row, "reason": row["reason"]}, 3),
                "share": row["share_acceptable"],
                "limit": row["acceptable"],
                "n": row["n"],
            }
            for row in results["summary"]
        ],
        "rows": [
            {"arm": arms[arm["arm"]], "name": one["feature"], "stable": one["stable"], "cells": _cells(one)}
            for arm in results["arms"]
            for one in arm["features"]
            if not only or one["class"] == only
        ]
        if only in classes
        else [],
        "conventions": results["conventions"],
        "charts": charts(results, criterion=criterion, colours=colours, panels=panels),
    }


def _counts(row: dict) -> list[TableCell]:
    return [table_cells.count_judged(row, key) for key in ("lost", "restored", "newly_unstable", "kept")]


def _least_stable_feature(results: dict) -> str:
    """The feature with the lowest CCC in any arm."""
    found = [
        (one["ccc"]["estimate"], one["feature"])
        for arm in results["arms"]
        for one in arm["features"]
        if one["ccc"]["estimate"] is not None
    ]
    return min(found)[1] if found else ""


def _limits(panel: dict) -> dict:
    return {key: table_cells.estimate_with_interval(panel[key], 3, sign=True) for key in ("bias", "lower", "upper")}


def _cells(one: dict) -> list[TableCell]:
    adjusted = (
        table_cells.adjusted_p(one[key], one["paired_t"], outside="equal by construction, in no count")
        for key in ("p_holm", "p_bh")
    )
    return [
        table_cells.p_of_test(one["paired_t"]),
        *adjusted,
        table_cells.p_of_test(one["by_subject"] or {"reason": "volumes count as independent"}),
        table_cells.p_of_test(one["wilcoxon"]),
        table_cells.estimate_with_interval(one["pearson"]),
        table_cells.estimate_with_interval(one["ccc"]),
        table_cells.estimate_with_interval(one["icc"]["ICC2"]),
    ]


@study_page("add_masks")
@require_POST
def change_criteria(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Thresholds of the page's fields, or those of a paper. Analyses that were taken away keep theirs."""
    preset = PRESETS.get(request.POST.get("preset", ""))
    given = {name: str(value) for name, value in preset.items()} if preset else request.POST
    try:
        stability_criteria.change_criteria(study=study, given=given, actor=request.user)
        messages.success(request, "These thresholds hold now.")
    except ImageError as error:
        messages.error(request, str(error))
    return redirect("stability", study.slug)


def _results(study: ReaderStudy) -> dict:
    try:
        results, _ = selectors.analysis_or_job(study)
    except InputError:
        results = None
    if results is None:
        raise Http404
    return results


@never_cache
@study_page("see_material")
@require_safe
def stability_csv(request: StudyRequest, study: ReaderStudy) -> StreamingHttpResponse:
    """One row per arm and feature."""
    results = _results(study)
    name = f"{study.slug}-stability.csv"
    note_export(study=study, user=request.user, file=name)
    return stream_csv(csv_lines(selectors.COLUMNS, selectors.rows(results)), name)


@never_cache
@study_page("see_material")
@require_safe
def robust_features(request: StudyRequest, study: ReaderStudy, form: str) -> HttpResponse:
    """Features that agree in every arm by ?criterion: a list, settings of pyradiomics, or settings of this page."""
    if form not in ROBUST:
        raise Http404
    try:
        names = robust.robust_features(_results(study), criterion=request.GET.get("criterion", "ccc"))
        content = "\n".join([*names, ""])
        if form != "list":
            content = robust.as_settings(names, active_settings(study).settings, plain=form == "pyradiomics")
    except InputError:
        raise Http404 from None
    name = f"{study.slug}-robust-{form}.{'txt' if form == 'list' else 'yaml'}"
    note_export(study=study, user=request.user, file=name)
    response = HttpResponse(content, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@never_cache
@study_page("see_material")
@require_safe
def stability_json(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """The results as `python -m analysis stability` writes them."""
    results = _results(study)
    name = f"{study.slug}-stability.json"
    note_export(study=study, user=request.user, file=name)
    return send_json(json.dumps(results, ensure_ascii=False, indent=1), name)
