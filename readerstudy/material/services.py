"""Place series, and ask for everything that follows from them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.seals import Seal
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.jobs.services import ask_for_missing
from readerstudy.material.models import Case, Instance, Plane, Series, Subject
from readerstudy.material.signals import changing_case, removing_series
from readerstudy.protocol.models import Arm, ReaderStudy, Region, Site
from readerstudy.protocol.services import ensure_not_frozen
from readerstudy.states import ENDED, State

LONGEST_FEEDBACK = 2000  # characters
LONGEST_REASON = 200


def case_code(subject: str, region: str, plane: str, weighting: str) -> str:
    return f"{subject}-{region}-{plane[:3]}-{weighting}"


def ensure_unscheduled(*, study: ReaderStudy, code: str) -> None:
    """InputError if readers see this case: opening, or an amendment, froze its series."""
    changing_case.send(sender=Case, study=study, code=code)


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
    site: Site | None = None,
    actor: User | None = None,
    replace: bool = False,
    **facts,
) -> Series:
    """Make a de-identified series the active one of its case and arm.

    `instances` is [(sha256, bytes)] or [(sha256, bytes, keyed SOP Instance UID)] in slice order; `facts` are the
    fields of Series (format, sha256, slices, rows, columns, affine, spacing, parameters, made_from, model_*,
    processing_seconds). site: of the subject; needed only if it is new and the study has several.
    InputError if a code is missing, or a series stands there already and `replace` is not set.
    """
    if not subject_code or region not in Region.values or plane not in Plane.values or not weighting:
        raise InputError("Subject, region, plane and weighting are needed to place a series.")
    if Subject.objects.filter(study=study, code=subject_code, withdrawn_at__isnull=False).exists():
        raise InputError(f"{subject_code} was withdrawn from this study: nothing of it may come in again.")
    code = case_code(subject_code, region, plane, weighting)
    ensure_sealed(study=study, seals=[("subjects", subject_code), ("cases", code)])
    site = _site_of(study, subject_code, site)
    subject, new_subject = Subject.objects.get_or_create(
        study=study,
        code=subject_code,
        defaults={
            "site": site,
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
    transaction.on_commit(lambda: ask_for_missing(study, case=series.case))
    return series


def _site_of(study: ReaderStudy, subject_code: str, site: Site | None) -> Site:
    """The one site of a subject, known or new. InputError if two are meant, or none is."""
    known = Subject.objects.filter(study=study, code=subject_code).select_related("site").first()
    if known and site not in (None, known.site):
        raise InputError(f"{subject_code} belongs to {known.site.code}; a subject has one site.")
    if known:
        return known.site
    sites = [site] if site else list(study.sites.all()[:2])
    if len(sites) != 1:
        raise InputError(f"Choose the site of {subject_code}: the study has several.")
    return sites[0]


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
    """Add a version of a series to a case; the same pixels again return the one that is there, with its newest origin.
    seals: of rows that were made for it.

    InputError if the case is scheduled, or a series stands there already and `replace` is not set.
    """
    present = Series.objects.filter(case=case, arm=arm, active=True).first()
    same = present is not None and present.sha256 == facts["sha256"]
    if present and same and (facts.get("made_from") is None or _is_of_same_origin(present, facts)):
        return present
    ensure_unscheduled(study=case.study, code=case.code)
    seals = [*seals, *([("series", str(present.pk))] if present else [])]
    ensure_sealed(study=case.study, seals=seals[-1:] if present else [])
    if present and same:  # of another origin, as where there is no noise for another model to take away
        for name in ("made_from", "model_name", "model_version", "model_sha256", "processing_seconds", "parameters"):
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


def _is_of_same_origin(series: Series, facts: Mapping[str, Any]) -> bool:
    """Whether these facts say the same source, model and simulation as a series that is there."""
    said = (facts["made_from"], facts["model_sha256"], facts["parameters"].get("simulated") or "")
    return (series.made_from, series.model_sha256, series.simulated) == said


@transaction.atomic
def set_site(*, subject: Subject, site: Site, actor: User | None) -> None:
    """Give a subject another site; only in a draft."""
    if subject.study.state != State.DRAFT:
        raise InputError("The study has been opened: its subjects are frozen.")
    ensure_sealed(study=subject.study, seals=(seals := [("subjects", subject.code)]))
    before = subject.site.code
    Subject.objects.filter(pk=subject.pk).update(site=site)
    said = {"subject": subject.code, "site": site.code, "earlier": before}
    record(study=subject.study, action=Action.SUBJECT_GIVEN_A_SITE, actor=actor, seals=seals, **said)


@transaction.atomic
def set_acquisition_seconds(*, series: Series, seconds: float | None, actor: User | None) -> None:
    """The scan time that a person knows better than the header; None takes it back to what the header said.

    InputError for a series that no scanner acquired, or a time that no scan takes.
    """
    from processing.deidentify import rules

    if series.simulated or series.made_from_id:
        raise InputError("This series was simulated or made from another: it has no scan time of its own.")
    longest = rules.largest("AcquisitionDuration")
    if seconds is not None and not 1 <= seconds <= longest:
        raise InputError(f"A scan takes from 1 to {longest:.0f} seconds.")
    seals = [("series", str(series.pk))]
    ensure_sealed(study=series.study, seals=seals)
    kept = dict(series.parameters)
    stated = kept.pop("stated", {name: kept.get(name) for name in ("acquisition_seconds", "acquisition_source")})
    if seconds is None:
        kept |= stated
    else:
        kept |= {"acquisition_seconds": seconds, "acquisition_source": "typed", "stated": stated}
    series.parameters = {name: value for name, value in kept.items() if value is not None}
    series.save(update_fields=["parameters"])
    record(
        study=series.study,
        action=Action.SCAN_TIME_TYPED,
        actor=actor,
        case=series.case.code,
        arm=series.arm.code,
        seconds=seconds,
        seals=seals,
    )


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


@transaction.atomic
def set_aside(*, case: Case, reason: str, actor: User | None) -> None:
    """Do without a case, for a reason: it leaves what is to be read and counted, and stays to be seen.

    InputError without a reason, or once readers see the case.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise InputError("Say why the case is set aside.")
    if len(reason) > LONGEST_REASON:
        raise InputError(f"A reason has {LONGEST_REASON} letters at most.")
    _change_use(case, reason)
    record(
        study=case.study,
        action=Action.CASE_SET_ASIDE,
        actor=actor,
        case=case.code,
        reason=reason,
        seals=[("cases", case.code)],
    )


@transaction.atomic
def take_up(*, case: Case, actor: User | None) -> None:
    """Use a case again that was set aside, and ask for what it lacks."""
    _change_use(case, "")
    seals = [("cases", case.code)]
    record(study=case.study, action=Action.CASE_TAKEN_UP_AGAIN, actor=actor, case=case.code, seals=seals)
    transaction.on_commit(lambda: ask_for_missing(case.study, case=case))


def _change_use(case: Case, reason: str) -> None:
    if ReaderStudy.objects.get(pk=case.study_id).state in ENDED:
        raise InputError("The study is closed: its cases stay as they are.")
    ensure_not_frozen(case.study)
    removing_series.send(sender=Case, study=case.study, series=[])
    ensure_unscheduled(study=case.study, code=case.code)
    ensure_sealed(study=case.study, seals=[("cases", case.code)])
    Case.objects.filter(pk=case.pk).update(set_aside=reason)


def ensure_without_series(study: ReaderStudy, part: object, **_: object) -> None:
    """InputError if this part of the protocol is an arm that has series, or a site that has subjects."""
    if isinstance(part, Site) and part.subjects.exists():
        raise InputError(f"{part.code} has subjects. Give them another site first.")
    if isinstance(part, Arm) and part.series.exists():
        raise InputError(f"{part.code} has series or makes another arm. Remove those first.")
