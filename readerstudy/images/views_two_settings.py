"""Images, Radiomics: the settings that hold beside earlier ones, feature by feature."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analysis.errors import InputError
from analysis.formats import significant
from analysis.report import table_cells
from processing.radiomics.ibsi import counterparts
from readerstudy.audit.services import ensure_sections_sealed
from readerstudy.images import radiomics, two_settings
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import Arm, ReaderStudy


@never_cache
@study_page("see_material")
@require_safe
def settings_beside(request: StudyRequest, study: ReaderStudy, earlier: int) -> HttpResponse:
    """What the change from one to the other did to values, and to which features are stable. It holds no ratings."""
    ensure_sections_sealed(study, "protocol", "series", "volumes", "feature settings", "features")
    first = next((one for one in radiomics.earlier_settings(study) if one.pk == earlier), None)
    if first is None:
        raise Http404
    second = radiomics.active_settings(study)
    context: dict = {"tab": "image_metrics", "study": study, "first": first, "second": second}
    words = [dict(radiomics.in_words(one)) for one in (first, second)]
    context["differing"] = [
        (what, *(one.get(what, "none") for one in words))
        for what in dict.fromkeys([*words[0], *words[1]])
        if words[0].get(what) != words[1].get(what)
    ]
    try:
        results = two_settings.compare(study, first)
    except InputError as error:
        return render(request, "images/two_settings.html", {**context, "error": str(error)})
    arms, ibsi = {arm.code: arm for arm in study.arms.all()}, {one.feature: one.ibsi_name for one in counterparts()}
    return render(
        request,
        "images/two_settings.html",
        {
            **context,
            "results": results,
            "arms": [{**row, "arm": arms[row["arm"]]} for row in results["arms"]],
            "rows": [
                {
                    **row,
                    "first": significant(row["first"]),
                    "second": significant(row["second"]),
                    "difference": _percent(row["relative_difference"]),
                    "ibsi": ibsi.get(row["feature"].removeprefix("original_"), ""),
                    "ccc": table_cells.estimate_with_interval(row["ccc"]),
                    "arms": [_of_arm(one, arms) for one in row["arms"]],
                }
                for row in results["features"]
            ],
        },
    )


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:+.0f} %".replace("-", "−")


def _of_arm(one: dict, arms: dict[str, Arm]) -> dict:
    stable = one["first"]["stable"], one["second"]["stable"]
    return {
        "arm": arms[one["arm"]],
        "ccc": [significant(one[key]["ccc"]) for key in ("first", "second")],
        "became": "" if None in stable or stable[0] == stable[1] else "stable" if stable[1] else "unstable",
    }
