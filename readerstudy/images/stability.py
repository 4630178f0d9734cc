"""Which radiomic features keep their value in every arm, and which a network restores: computed once and kept."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.db.models import Count, Max, Q, Sum

from analysis import stability as analysis
from analysis import tables as checked
from analysis.errors import InputError
from readerstudy.archive.downloads import Row, csv_lines
from readerstudy.images import analyses
from readerstudy.images.models import STABILITY, Feature
from readerstudy.images.radiomics import active_settings, present_features
from readerstudy.images.stability_criteria import criteria_of
from readerstudy.images.tables import FEATURE_COLUMNS, table_csv
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from readerstudy.protocol.models import Arm, ReaderStudy

KIND = "stability"
AT_ONCE = 20_000  # values that the page analyses itself; more is a job's work


def compared_arms(study: ReaderStudy) -> tuple[Arm | None, list[Arm], list[tuple[str, str]]]:
    """The reference arm, the arms with features, and beside the reference the pairs (arm, arm a model made from it).

    The reference is the standard reconstruction of the reference acquisition; None if it has no features.
    """
    there = set(present_features(study).order_by().values_list("series__arm", flat=True).distinct())
    arms = [arm for arm in study.arms.select_related("made_from") if arm.pk in there]
    first = [arm for arm in arms if arm.is_reference]
    reference = first[0] if first else None
    others = {arm.pk for arm in arms} - {reference.pk if reference else None}
    made = [(arm.made_from, arm) for arm in arms if arm.made_from and arm.recipe is None]
    return reference, arms, [(source.code, arm.code) for source, arm in made if {source.pk, arm.pk} <= others]


def fingerprint(study: ReaderStudy, reference: Arm, restores: list[tuple[str, str]]) -> tuple[str, int]:
    """What the analysis depends on, as one hash, and the number of values: features are replaced, never changed."""
    seen = present_features(study).aggregate(count=Count("pk"), last=Max("pk"), total=Sum("pk"))
    numbers = [int(value or 0) for value in seen.values()]  # PostgreSQL sums to decimals
    said = [
        analyses.analysis_version(),
        active_settings(study).sha256,
        reference.code,
        restores,
        criteria_of(study),
        *numbers,
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest(), seen["count"]


def analysis_or_job(study: ReaderStudy) -> tuple[dict | None, Job | None]:
    """The analysis, or the job that makes it; neither without features of the reference and of another arm.

    Small tables are analysed at once. Raises InputError where the table cannot be analysed.
    """
    reference, arms, restores = compared_arms(study)
    if reference is None or len(arms) < 2:
        return None, None
    key, count = fingerprint(study, reference, restores)
    if (kept := analyses.stored_analysis(analyses.name_of(study, KIND, key))) is not None:
        return kept, None
    if count <= AT_ONCE:
        return analyse(study, key), None
    again = Job.objects.filter(study=study, function=STABILITY, parameters__key=key, state=Job.State.DONE).count()
    job, _ = request_job(
        function=STABILITY,
        study=study,
        label="Stability between arms",
        parameters={"key": key},
        inputs={"key": key, "kept files lost": again},
    )
    return None, job


def analyse(study: ReaderStudy, key: str) -> dict:
    """Analyse the features as `python -m analysis stability` does, and keep it under `key`."""
    reference, _, restores = compared_arms(study)
    if reference is None:
        raise InputError("There are no features of the reference arm any more.")
    features = _frame(table_csv(study, "features"))
    made = analysis.analyse(features, reference=reference.code, restores=restores, criteria=criteria_of(study))
    analyses.store_analysis(analyses.name_of(study, KIND, key), made)
    return made


def plots(study: ReaderStudy, results: dict, feature: str) -> list[dict]:
    """Panels of the Bland–Altman plot of one feature: only its own rows are read."""
    frame = features_named(study, {feature})
    return [] if frame.empty else analysis.pairs(frame, reference=results["reference"], feature=feature)


def features_named(study: ReaderStudy, names: set[str]):
    """The features table of these alone, as the analysis reads it; a filtered image stands before the name."""
    kinds = Feature.objects.filter(study=study).order_by().values_list("image_type", "feature").distinct()
    chosen = Q(pk=None)
    for image_type, name in kinds:
        if (name if image_type == "original" else f"{image_type}_{name}") in names:
            chosen |= Q(image_type=image_type, feature=name)
    return features_frame(present_features(study).filter(chosen))


def features_frame(found):
    """These features as the analysis reads their table."""
    own = found.values_list(*FEATURE_COLUMNS.values())
    lines = csv_lines(list(FEATURE_COLUMNS), (dict(zip(FEATURE_COLUMNS, row, strict=True)) for row in own))
    return _frame("".join(lines).encode())


def _frame(content: bytes):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.csv"
        path.write_bytes(content)
        return checked.read_features(path)


COLUMNS = [
    "arm",
    "class",
    "feature",
    "paired_t_p",
    "p_holm",
    "p_bh",
    "by_subject_p",
    "wilcoxon_p",
    "pearson",
    "ccc",
    "ccc_low",
    "ccc_high",
    "icc2",
    "icc2_low",
    "icc2_high",
    "bias",
    "lower_limit",
    "upper_limit",
    "stable_paired_t",
    "stable_ccc",
    "stable_icc",
    "stable_paired_t_by_subject",
    "stable_ccc_by_subject",
    "stable_icc_by_subject",
    "counted",
    "cv",
    "qcd",
    "n",
    "reason",
]


def rows(results: dict) -> Iterator[Row]:
    """One row per arm and feature, in COLUMNS."""
    spread = {row["feature"]: row for row in results["dispersion"]}
    for arm in results["arms"]:
        for one in arm["features"]:
            limits, icc = one["bland_altman"], one["icc"]["ICC2"]
            ends = {name: (own["ci"] or (None, None)) for name, own in (("ccc", one["ccc"]), ("icc2", icc))}
            yield {
                "arm": arm["arm"],
                "class": one["class"],
                "feature": one["feature"],
                "paired_t_p": one["paired_t"]["p"],
                "p_holm": one["p_holm"],
                "p_bh": one["p_bh"],
                "by_subject_p": (one["by_subject"] or {}).get("p"),
                "wilcoxon_p": one["wilcoxon"]["p"],
                "pearson": one["pearson"]["estimate"],
                "ccc": one["ccc"]["estimate"],
                "icc2": icc["estimate"],
                **{f"{name}_{end}": own[at] for name, own in ends.items() for at, end in enumerate(("low", "high"))},
                "bias": limits["bias"]["estimate"],
                "lower_limit": (limits["lower"] or {}).get("estimate"),
                "upper_limit": (limits["upper"] or {}).get("estimate"),
                **{f"stable_{name}": own for name, own in one["stable"].items()},
                **{f"stable_{name}_by_subject": own for name, own in (one["stable_by_subject"] or {}).items()},
                "counted": one["counted"],
                "cv": spread[one["feature"]]["cv"]["estimate"],
                "qcd": spread[one["feature"]]["qcd"]["estimate"],
                "n": one["ccc"]["n"],
                "reason": one["ccc"]["reason"],
            }
