"""What is to be drawn in every case of a study: a list of names, presets of it, and how far it is."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.audit.studies import study_for_update
from readerstudy.material.models import Case, SiteList
from readerstudy.material.selectors import in_use
from readerstudy.material.volumes_of_interest import NAME, NAME_SAID, active_volumes
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import ensure_not_frozen
from readerstudy.protocol.study_templates import StudyTemplate

MOST = 40
SEALS = [("site list", None)]


@cache
def presets() -> list[dict]:
    """{"key", "title", "names"} of each list that is at hand."""
    found: list[dict] = json.loads(Path(__file__).with_name("site_presets.json").read_text())
    return found


def names_of(study: ReaderStudy) -> list[str]:
    """The sites of a study in their order; none until somebody says them."""
    found = SiteList.objects.filter(study=study).first()
    return list(found.names) if found else []


@transaction.atomic
def set_names(*, study: ReaderStudy, names: list[str], actor: User) -> None:
    """Have these sites drawn in every case. InputError for a name that is none, or is there twice."""
    names = [" ".join(name.split()) for name in names if name.strip()]
    if len(names) > MOST:
        raise InputError(f"A list of sites has at most {MOST} names.")
    if not all(NAME.fullmatch(name) for name in names):
        raise InputError(NAME_SAID)
    if len({name.lower() for name in names}) < len(names):
        raise InputError("Each site stands once in the list.")
    study_for_update(study)
    ensure_not_frozen(study)
    ensure_sealed(study=study, seals=SEALS)
    if names != names_of(study):
        SiteList.objects.update_or_create(study=study, defaults={"names": names})
        record(study=study, action=Action.SITE_LIST_CHANGED, actor=actor, sites=names, seals=SEALS)


def sites_of_template(study: ReaderStudy, template: StudyTemplate, actor: User, **_: object) -> None:
    """Have the sites drawn that a template names, in a study that was made of it."""
    for preset in presets():
        if preset["key"] == template.sites:
            set_names(study=study, names=preset["names"], actor=actor)


@dataclass(frozen=True)
class Progress:
    """Of one case: how many sites of the list are there, which are not, and how many volumes beside them are."""

    case: Case
    drawn: int
    missing: list[str]
    others: int


def progress(study: ReaderStudy) -> list[Progress]:
    """How far the drawing is in each case that is used."""
    names = names_of(study)
    of_case: dict[int, set[str]] = {}
    for volume in active_volumes(study=study):
        of_case.setdefault(volume.case_id, set()).add(volume.name)
    cases = Case.objects.filter(in_use(), study=study).select_related("subject")
    rows = []
    for case in cases:
        there = of_case.get(case.pk, set())
        missing = [name for name in names if name not in there]
        rows.append(Progress(case, len(names) - len(missing), missing, len(there - set(names))))
    return rows
