"""The charter of a study: what an ethics board reads, in numbered versions.

A version is kept when somebody writes or asks for it before opening, at opening, and with each amendment. What makes a
page of it is `analysis.report.charter`.
"""

import hashlib

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.canonical import canonical
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.material.selectors import in_use, simulated_arms, simulation_note
from readerstudy.protocol import briefing
from readerstudy.protocol.models import Charter, ReaderStudy
from readerstudy.protocol.selectors import protocol_document
from readerstudy.reading.schedule_summary import schedule_summary
from readerstudy.states import State


def last_kept(study: ReaderStudy) -> Charter | None:
    return study.charters.order_by("-number").first()


def content(study: ReaderStudy) -> dict:
    """The charter as the study is now, with the words and the sample size of the version that was kept last."""
    last = last_kept(study)
    before = last.content if last else {}
    told = None if study.images_only else briefing.in_force(study)
    simulated = " ".join(filter(None, ("The images are synthetic." if study.synthetic else "", simulation_note(study))))
    return {
        "protocol": protocol_document(study),
        "words": before.get("words") or {"objective": study.description},
        "made": {arm: f"simulated: {how}" for arm, how in simulated_arms(study).items()}
        | {arm.code: arm.maker for arm in study.arms.exclude(recipe=None)},
        "material": _material(study),
        "plan": before.get("plan"),
        **({} if study.images_only else {"schedule": _schedule(study)}),
        **({"briefing": {"number": told.number, "sha256": told.sha256}} if told else {}),
        **({"simulated": simulated} if simulated else {}),
    }


def _material(study: ReaderStudy) -> dict:
    """Subjects and cases that are in use, those in the schedule once there is one."""
    cases = study.cases.filter(in_use(), subject__withdrawn_at=None)
    if study.state != State.DRAFT and not study.images_only:
        cases = cases.filter(presentations__isnull=False).distinct()
    analysed = cases.filter(training=False)
    of_site = Count("subjects", filter=Q(subjects__cases__in=analysed), distinct=True)
    return {
        "subjects": analysed.values("subject").distinct().count(),
        "cases": analysed.count(),
        "training_cases": cases.filter(training=True).count(),
        "sites": [
            {"id": site.code, "name": site.name, "subjects": site.count}
            for site in study.sites.annotate(count=of_site).order_by("code")
        ],
    }


def _schedule(study: ReaderStudy) -> dict:
    found = schedule_summary(study)
    uneven = ("fewest", "most") if found["fewest"] < found["most"] else ()
    return {name: found[name] for name in ("pairs", "each", *uneven, "training", "repeats", "distance", "sha256")}


def shown(version: Charter) -> dict:
    """A version as its page and its file say it."""
    said = {
        "number": version.number,
        "state": version.get_kind_display(),
        "at": f"{version.at:%Y-%m-%d %H:%M} UTC",
        "reason": version.reason,
        "sha256": version.sha256,
    }
    return {**version.content, "version": said}


def before(version: Charter) -> Charter | None:
    """The version before this one."""
    return version.study.charters.filter(number__lt=version.number).order_by("-number").first()


@transaction.atomic
def write(*, study: ReaderStudy, actor: User, words: dict[str, str] | None = None, plan: dict | None = None) -> Charter:
    """Keep another version of a draft, with other words or another sample size. InputError if it is opened, or says
    this already."""
    from analysis.report.charter import WORDS

    study = ReaderStudy.objects.select_for_update().get(pk=study.pk)
    if study.state != State.DRAFT:
        raise InputError("The study has been opened: its charter changes with an amendment only.")
    found = content(study)
    if words is not None:
        found["words"] = {name: words.get(name, "") for name in WORDS}
    if plan is not None:
        found["plan"] = plan
    if (last := last_kept(study)) and last.sha256 == _sha256(found):
        raise InputError(f"Version {last.number} says this already.")
    return _keep(study, found, Charter.Kind.DRAFT, actor, "")


def keep(*, study: ReaderStudy, kind: str, actor: User | None, reason: str = "") -> Charter:
    """Keep the charter as the study is now. In the transaction that opens or amends it."""
    return _keep(study, content(study), kind, actor, reason)


def _sha256(found: dict) -> str:
    return hashlib.sha256(canonical(found)).hexdigest()


def _keep(study: ReaderStudy, found: dict, kind: str, actor: User | None, reason: str) -> Charter:
    ensure_sealed(study=study, seals=[("charters", None)])
    last = last_kept(study)
    version = Charter.objects.create(
        study=study,
        number=last.number + 1 if last else 1,
        kind=kind,
        content=found,
        sha256=_sha256(found),
        reason=reason,
        actor=actor,
        at=timezone.now(),
    )
    record(
        study=study,
        action=Action.CHARTER_KEPT,
        actor=actor,
        number=version.number,
        kind=version.get_kind_display(),
        sha256=version.sha256,
        seals=[("charters", str(version.number))],
    )
    return version
