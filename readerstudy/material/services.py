"""Place series, and ask for everything that follows from them."""

from collections.abc import Sequence

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.seals import Seal
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from readerstudy.material.alignments import ALIGNED, placing, to_register
from readerstudy.material.models import Alignment, Case, Instance, Plane, Region, Series, Subject
from readerstudy.material.selectors import current_models, is_outdated
from readerstudy.protocol.models import Arm, ReaderStudy, State
from readerstudy.results.radiomics import ask_for_features

ENHANCE, REGISTER = "material.enhance", "material.register"
LONGEST_FEEDBACK = 2000  # characters
COMPARE, PREPARE = "results.compare", "reading.prepare"


def case_code(subject: str, region: str, plane: str, weighting: str) -> str:
    return f"{subject}-{region}-{plane[:3]}-{weighting}"


def ensure_unscheduled(*, study: ReaderStudy, code: str) -> None:
    """InputError if readers see this case: opening, or an amendment, froze its series."""
    if study.presentations.filter(case__code=code).exists():
        raise InputError(f"{code} is scheduled: its series are frozen.")


@transaction.atomic
def place_series(
    *,
    study: ReaderStudy,
    subject_code: str,
    region: str,
    plane: str,
    weighting: str,
    arm: Arm,
    instances: Sequence,
    subject_key: str = "",
    actor: User | None = None,
    replace: bool = False,
    **facts,
) -> Series:
    """Make a de-identified series the active one of its case and arm.

    `instances` is [(sha256, bytes)] or [(sha256, bytes, keyed SOP Instance UID)] in slice order; `facts` are the
    fields of Series (format, sha256, slices, rows, columns, affine, spacing, parameters, made_from, model_*,
    processing_seconds).
    InputError if a code is missing, or a series stands there already and `replace` is not set.
    """
    if not subject_code or region not in Region.values or plane not in Plane.values or not weighting:
        raise InputError("Subject, region, plane and weighting are needed to place a series.")
    if Subject.objects.filter(study=study, code=subject_code, withdrawn_at__isnull=False).exists():
        raise InputError(f"{subject_code} was withdrawn from this study: nothing of it may come in again.")
    code = case_code(subject_code, region, plane, weighting)
    ensure_sealed(study=study, seals=[("subjects", subject_code), ("cases", code)])
    subject, new_subject = Subject.objects.get_or_create(
        study=study,
        code=subject_code,
        defaults={
            "site": study.sites.first(),
            "key": subject_key,
            "age": facts["parameters"].get("age"),
            "sex": facts["parameters"].get("sex") or "",
        },
    )
    case, new_case = Case.objects.get_or_create(
        study=study,
        code=code,
        defaults={"subject": subject, "region": region, "plane": plane, "weighting": weighting},
    )
    seals = [("subjects", subject_code)] * new_subject + [("cases", code)] * new_case
    series = add_series(case=case, arm=arm, instances=instances, actor=actor, replace=replace, seals=seals, **facts)
    transaction.on_commit(lambda: advance(study, case=series.case))
    return series


@transaction.atomic
def add_series(
    *,
    case: Case,
    arm: Arm,
    instances: Sequence,
    replace: bool,
    actor: User | None = None,
    seals: Sequence[Seal] = (),
    **facts,
) -> Series:
    """Add a version of a series to a case; the same pixels again return the one that is there, with its newest model.
    seals: of rows that were made for it.

    InputError if the case is scheduled, or a series stands there already and `replace` is not set.
    """
    present = Series.objects.filter(case=case, arm=arm, active=True).first()
    same = present is not None and present.sha256 == facts["sha256"]
    if present and same and (facts.get("made_from") is None or present.model_sha256 == facts["model_sha256"]):
        return present
    ensure_unscheduled(study=case.study, code=case.code)
    seals = [*seals, *([("series", str(present.pk))] if present else [])]
    ensure_sealed(study=case.study, seals=seals[-1:] if present else [])
    if present and same:  # another model that makes the same of it, as where there is no noise
        for name in ("made_from", "model_name", "model_version", "model_sha256", "processing_seconds"):
            setattr(present, name, facts.get(name, getattr(present, name)))
        present.save()
        record(
            study=case.study,
            action=Action.SERIES_MADE_AGAIN,
            actor=actor,
            case=case.code,
            arm=arm.code,
            sha256=present.sha256,
            model=present.model_name,
            seals=seals,
        )
        return present
    if present and not replace:
        raise InputError(f"{case.code} has a series in {arm.code} already. Replace it on purpose, or choose another.")
    last = Series.objects.filter(case=case, arm=arm).order_by("-version").first()
    if present:
        Series.objects.filter(pk=present.pk).update(active=False)
    series = Series.objects.create(
        study_id=case.study_id, case=case, arm=arm, version=last.version + 1 if last else 1, **facts
    )
    Instance.objects.bulk_create(
        Instance(series=series, position=position, sha256=sha256, size=size, uid="".join(uid))
        for position, (sha256, size, *uid) in enumerate(instances)
    )
    record(
        study=case.study,
        action=Action.SERIES_PLACED,
        actor=actor,
        case=case.code,
        arm=arm.code,
        sha256=series.sha256,
        version=series.version,
        seals=[*seals, ("series", str(series.pk))],
    )
    return series


def metric_pairs(arms: Sequence[Arm]) -> list[tuple[Arm, Arm]]:
    """Which arms are compared by image metrics: each made arm with its source (how much was altered), and the
    reference acquisition with every accelerated arm (limited by repositioning)."""
    pairs = [(arm.made_from, arm) for arm in arms if arm.made_from]
    references = [a for a in arms if (a.acquisition, a.reconstruction) == ("reference", "standard")]
    pairs += [(r, a) for r in references for a in arms if a.acquisition == "accelerated"]
    return list(dict.fromkeys(pairs))


def advance(study: ReaderStudy, *, case: Case | None = None, renew: bool = False) -> int:
    """Ask for what is missing and can be made now, of one case or all: DL outputs, alignments, image metrics,
    prepared pairs, radiomic features.

    renew: ask for outputs too that an earlier version of their model made; only in a draft. Returns the number of
    new jobs.
    """
    if renew and study.state != State.DRAFT:
        raise InputError("The study has been opened: its series are frozen.")
    models = current_models()
    arms = list(study.arms.select_related("made_from"))
    comparisons = list(study.comparisons.select_related("first", "second"))
    series: dict[int, dict[int, Series]] = {}
    present = study.series.filter(active=True, case__subject__withdrawn_at=None).select_related("arm", "made_from__arm")
    for one in present.filter(case=case) if case else present:
        series.setdefault(one.case_id, {})[one.arm_id] = one
    new = 0
    for case in study.cases.filter(pk__in=series):
        there = series[case.pk]
        new += sum(ask_for_output(study, case, arm, there, models, renew)[1] for arm in arms if arm.made_from)
        new += sum(_ask_for_alignment(study, case, *pair) for pair in to_register(arms, there))
        alignments = list(Alignment.objects.filter(fixed__case=case))
        new += sum(_ask_for_metrics(study, case, *pair, there, alignments) for pair in metric_pairs(arms))
        new += _ask_for_pairs(study, case, comparisons, there)
        new += ask_for_features(study, case, there)
    return new


def ask_for_output(
    study: ReaderStudy, case: Case, arm: Arm, there: dict[int, Series], models: dict[str, str], renew: bool
) -> tuple[Job | None, bool]:
    """The job that makes a series of this arm, if one is wanted, and whether it is new. there: active series by arm;
    models: as current_models gives them."""
    source, present = there.get(arm.made_from_id), there.get(arm.pk)
    if source is None or (present and present.made_from_id is None):
        return None, False  # nothing to make it from, or uploaded on purpose
    if present and present.made_from_id == source.pk and not (renew and is_outdated(present, models)):
        return None, False
    # A model that comes back after another one shall not find its first job done.
    instead_of = {"instead_of": present.pk} if present else {}
    model = {"model": arm.model_name, "model_sha256": models.get(arm.model_name, "")}
    return request_job(
        function=ENHANCE,
        study=study,
        label=f"{arm.code} of {case.code}",
        parameters={"case": case.pk, "arm": arm.pk, "source": source.pk, "model": arm.model_name},
        inputs={"case": case.pk, "arm": arm.pk, "source": source.sha256, **model, **instead_of},
    )


def _ask_for_alignment(study: ReaderStudy, case: Case, fixed: Series, moving: Series) -> bool:
    return request_job(
        function=REGISTER,
        study=study,
        label=f"{moving.arm.code} to {fixed.arm.code} of {case.code}",
        parameters={"case": case.pk, "fixed": fixed.pk, "moving": moving.pk},
        inputs={"fixed": fixed.pk, "moving": moving.pk},
    )[1]


def _ask_for_metrics(
    study: ReaderStudy, case: Case, reference: Arm, test: Arm, there: dict[int, Series], alignments: list[Alignment]
) -> int:
    """Two series as acquired; two acquisitions also after registration."""
    a, b = there.get(reference.pk), there.get(test.pk)
    if a is None or b is None:
        return 0
    label, series = f"{reference.code} vs {test.code} of {case.code}", {"reference": a.pk, "test": b.pk}
    new = request_job(
        function=COMPARE, study=study, label=label, parameters={"case": case.pk, **series}, inputs=series
    )[1]
    placed = placing(a, b, alignments)
    if placed.how == ALIGNED:
        aligned = series | {"matrix": placed.matrix}
        new += request_job(
            function=COMPARE,
            study=study,
            label=f"{label}, registered",
            parameters={"case": case.pk, **aligned},
            inputs=aligned,
        )[1]
    return int(new)


def _ask_for_pairs(study: ReaderStudy, case: Case, comparisons: list, there: dict[int, Series]) -> bool:
    shown = [there.get(arm) for arm in sorted({arm for c in comparisons for arm in (c.first_id, c.second_id)})]
    if not shown or not all(shown):
        return False
    return request_job(
        function=PREPARE,
        study=study,
        label=f"pairs of {case.code}",
        parameters={"case": case.pk},
        inputs={
            "series": [one.pk for one in shown if one],
            "comparisons": [(c.first_id, c.second_id) for c in comparisons],
        },
    )[1]


@transaction.atomic
def set_training(*, case: Case, training: bool, actor: User | None) -> None:
    """Use a case for training (shown first, not analysed) or for reading; only in a draft."""
    if case.study.state != State.DRAFT:
        raise InputError("The study has been opened: its cases are frozen.")
    ensure_sealed(study=case.study, seals=(seals := [("cases", case.code)]))
    Case.objects.filter(pk=case.pk).update(training=training)
    record(study=case.study, action=Action.CASE_MOVED, actor=actor, case=case.code, training=training, seals=seals)


@transaction.atomic
def set_feedback(*, case: Case, text: str, actor: User | None) -> None:
    """What readers are told after a practice pair of this case; only in a draft."""
    if case.study.state != State.DRAFT:
        raise InputError("The study has been opened: its cases are frozen.")
    ensure_sealed(study=case.study, seals=(seals := [("cases", case.code)]))
    Case.objects.filter(pk=case.pk).update(feedback=text.strip()[:LONGEST_FEEDBACK])
    record(study=case.study, action=Action.FEEDBACK_CHANGED, actor=actor, case=case.code, seals=seals)
