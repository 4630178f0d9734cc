"""Make and change a protocol; move a study from state to state."""

import secrets
from collections import Counter
from collections.abc import Collection
from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from processing.errors import InputError
from readerstudy.accounts.models import Membership, Role, User
from readerstudy.audit import heads
from readerstudy.audit.actions import FIRST, Action
from readerstudy.audit.lock_manifest import manifest, manifest_sha256
from readerstudy.audit.models import Tombstone
from readerstudy.audit.registry import WHOLE
from readerstudy.audit.seals import every_unit
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.protocol import defaults
from readerstudy.protocol.models import Arm, Comparison, Criterion, ReaderStudy, Site
from readerstudy.protocol.selectors import pairs_by_slices
from readerstudy.protocol.signals import locking, moved, protocol_changed, removing_part, study_made
from readerstudy.protocol.study_templates import BASH, DEFAULT_MODEL, StudyTemplate
from readerstudy.states import State

PROTOCOL = [("protocol", WHOLE)]


def free_slug(title: str) -> str:
    base = slugify(title)[:50] or "study"
    taken = {*ReaderStudy.objects.filter(slug__startswith=base).values_list("slug", flat=True), *heads.slugs_taken()}
    taken |= set(Tombstone.objects.values_list("slug", flat=True))
    return next(slug for slug in [base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))] if slug not in taken)


@transaction.atomic
def create_study(
    *,
    title: str,
    user: User,
    reader_title: str = "",
    description: str = "",
    regions: Collection[str] = (),
    model_name: str,
    synthetic: bool = False,
    template: StudyTemplate = BASH,
) -> ReaderStudy:
    """A draft with the arms of the template; `user` becomes its admin. `model_name` makes the DL arms that name no
    other. Where readers compare, also criteria that fit the regions.

    The addresses are then made from the title for readers: the study's own title may name arms.
    """
    reader_title = "" if template.images_only else reader_title or "Paired MRI reading"
    study = ReaderStudy.objects.create(
        slug=free_slug(reader_title or title),
        images_only=template.images_only,
        title=title,
        reader_title=reader_title,
        description=description,
        seed=secrets.randbelow(2**48),
        synthetic=synthetic,
    )
    Site.objects.create(study=study, code="Site 1")
    Membership.objects.create(study=study, user=user, role=Role.ADMIN)
    arms: dict[str, Arm] = {}
    for place, one in enumerate(template.arms):
        arms[one.code] = Arm.objects.create(
            study=study,
            code=one.code,
            acquisition=one.acquisition,
            reconstruction=one.reconstruction,
            place=place,
            made_from=arms[one.made_from] if one.made_from else None,
            model_name=model_name if one.model == DEFAULT_MODEL else one.model,
            recipe=one.step.recipe if one.step else None,
        )
    _give_shades(study)
    for place, (first, second, question) in enumerate(template.comparisons):
        Comparison.objects.create(study=study, first=arms[first], second=arms[second], question=question, place=place)
    if template.primary:
        for place, fields in enumerate(defaults.criteria_for(regions)):
            Criterion.objects.create(study=study, place=place, **fields)
        first, second, criterion = template.primary
        study.primary_comparison = study.comparisons.get(first=arms[first], second=arms[second])
        study.primary_criterion = study.criteria.get(code=criterion)
        study.save()
    record(study=study, action=FIRST, actor=user, title=title, seals=[*PROTOCOL, ("memberships", None)])
    study_made.send(sender=ReaderStudy, study=study, template=template, actor=user)
    return study


def ensure_draft(study: ReaderStudy) -> None:
    if ReaderStudy.objects.get(pk=study.pk).state != State.DRAFT:
        raise InputError("The study has been opened: its protocol is frozen.")


def ensure_takes_material(study: ReaderStudy) -> None:
    """InputError once the study is closed. While it is open new cases may come in, for an amendment; not where images
    alone are compared."""
    held = ReaderStudy.objects.get(pk=study.pk)
    if held.state not in (State.DRAFT, State.OPEN, State.PAUSED):
        raise InputError("The study is closed: it takes no more series.")
    ensure_not_frozen(held)


def ensure_not_frozen(study: ReaderStudy) -> None:
    """InputError once a study of images alone is opened: that freezes its material, volumes and settings."""
    held = ReaderStudy.objects.get(pk=study.pk)
    if held.images_only and held.state != State.DRAFT:
        raise InputError("The study has been opened: its series, volumes of interest and settings are frozen.")


@transaction.atomic
def save_protocol(*, study: ReaderStudy, actor: User, instances: list) -> None:
    """Keep changed parts of a draft's protocol (validated model instances) and log what they are now."""
    ensure_draft(study)
    ensure_sealed(study=study, seals=PROTOCOL)
    for instance in instances:
        instance.save()
    _give_shades(study)
    _ensure_no_circle(study)
    _ensure_same_slices(study)
    parts = [str(instance) for instance in instances]
    record(study=study, action=Action.PROTOCOL_CHANGED, actor=actor, parts=parts, seals=PROTOCOL)


def _give_shades(study: ReaderStudy) -> None:
    """Number the arms of each kind in their order, so that no two share a colour."""
    before: Counter[tuple[str, str]] = Counter()
    for arm in study.arms.all():
        kind = arm.acquisition, arm.reconstruction
        if arm.shade != before[kind]:
            Arm.objects.filter(pk=arm.pk).update(shade=before[kind])
        before[kind] += 1


def _ensure_no_circle(study: ReaderStudy) -> None:
    """InputError if an arm comes, in the end, from one that is made from itself."""
    arms = {arm.pk: arm for arm in study.arms.all()}
    for arm in arms.values():
        chain = [arm]
        while chain[-1].made_from_id and chain[-1] not in chain[:-1]:
            chain.append(arms[chain[-1].made_from_id])
        if chain[-1] in chain[:-1]:
            codes = " from ".join(one.code for one in chain)
            raise InputError(f"{codes}: one of them must be uploaded, or made from another arm.")


def _ensure_same_slices(study: ReaderStudy) -> None:
    """InputError if arms are compared whose slices are of another thickness, so that they cannot be paired."""
    for one in study.comparisons.select_related("first__made_from", "second__made_from"):
        if not pairs_by_slices(one):
            raise InputError(
                f"{one.first.code} vs {one.second.code}: the slices of one are thicker, so that they cannot be paired. "
                "Compare arms with the same slices, or one that a model for thin slices makes."
            )


@transaction.atomic
def remove_part(*, study: ReaderStudy, actor: User, part: Arm | Comparison | Criterion | Site) -> None:
    """Take an arm, a comparison, a criterion or a site out of a draft. InputError if something else needs it."""
    ensure_draft(study)
    if isinstance(part, Site) and study.sites.count() == 1:
        raise InputError("A study has at least one site. Rename this one.")
    if isinstance(part, Arm):
        if study.comparisons.filter(first=part).exists() or study.comparisons.filter(second=part).exists():
            raise InputError(f"{part.code} is compared. Remove its comparisons first.")
        if part.makes.exists():
            raise InputError(f"{part.code} has series or makes another arm. Remove those first.")
    told = removing_part.send(sender=type(part), study=study, part=part)
    name, seals = str(part), list(PROTOCOL)
    ensure_sealed(study=study, seals=seals)
    seals += [unit for _, units in told for unit in units or ()]  # type: ignore[misc]  # stubs: str
    part.delete()
    _give_shades(study)
    record(study=study, action=Action.PROTOCOL_CHANGED, actor=actor, removed=name, seals=seals)


@transaction.atomic
def save_settings(*, study: ReaderStudy, actor: User, **changes) -> ReaderStudy:
    """Change fields of a draft: titles, questions, schedule, hypothesis, margins."""
    ensure_draft(study)
    if not changes:
        return study
    ensure_sealed(study=study, seals=PROTOCOL)
    for name, value in changes.items():
        setattr(study, name, value)
    study.save(update_fields=list(changes))
    said = {name: str(value) for name, value in changes.items()}
    record(study=study, action=Action.SETTINGS_CHANGED, actor=actor, changes=said, seals=PROTOCOL)
    return study


def change_parts(*, study: ReaderStudy, actor: User, changed: list, removed: list) -> None:
    """Keep changed and new parts of a draft and take others out, all or nothing; then ask for what follows."""
    try:
        with transaction.atomic():
            for part in removed:
                remove_part(study=study, actor=actor, part=part)
            if changed:
                save_protocol(study=study, actor=actor, instances=changed)
            transaction.on_commit(lambda: protocol_changed.send(sender=ReaderStudy, study=study))
    except IntegrityError as error:
        raise InputError("Two rows are the same. Each needs a name, or a pair of arms, of its own.") from error


@transaction.atomic
def keep_until(*, study: ReaderStudy, day: date | None, actor: User | None) -> None:
    """Set the day until which the study is kept, in every state; None for none. Nothing is removed by itself."""
    ensure_sealed(study=study, seals=PROTOCOL)
    ReaderStudy.objects.filter(pk=study.pk).update(keep_until=day)
    said = day.isoformat() if day else ""
    record(study=study, action=Action.RETENTION_CHANGED, actor=actor, until=said, seals=PROTOCOL)


MOVED = {
    State.OPEN: Action.STUDY_OPEN,
    State.PAUSED: Action.STUDY_PAUSED,
    State.CLOSED: Action.STUDY_CLOSED,
    State.LOCKED: Action.STUDY_LOCKED,
}
MOVES = {
    State.PAUSED: ({State.OPEN}, None),
    State.OPEN: ({State.PAUSED}, None),
    State.CLOSED: ({State.OPEN, State.PAUSED}, "closed_at"),
    State.LOCKED: ({State.CLOSED}, "locked_at"),
}


@transaction.atomic
def move(*, study: ReaderStudy, to: str, actor: User | None) -> ReaderStudy:
    """Pause, resume, close or lock. Opening is reading.services.open_study: it makes the schedule."""
    sources, stamp = MOVES[State(to)]
    sealed = every_unit() if to == State.LOCKED else [*PROTOCOL, ("schedule", None), ("memberships", None)]
    ensure_sealed(study=study, seals=sealed)
    if study.images_only and to in (State.PAUSED, State.OPEN):
        raise InputError("Nobody reads in this study: there is no reading to pause.")
    if to == State.LOCKED and study.state in sources:
        locking.send(sender=ReaderStudy, study=study)
    changes = {"state": to, **({stamp: timezone.now()} if stamp else {})}
    if not ReaderStudy.objects.filter(pk=study.pk, state__in=sources).update(**changes):
        raise InputError(f"This study cannot become {to} from its present state.")
    study.refresh_from_db()
    said = _lock(study) if to == State.LOCKED else {}
    record(study=study, action=MOVED[State(to)], actor=actor, seals=PROTOCOL, **said)
    transaction.on_commit(lambda: moved.send_robust(sender=ReaderStudy, study=study))  # it has moved, come what may
    return study


def _lock(study: ReaderStudy) -> dict:
    """Store the hash over all data; returns what the log keeps of it."""
    tables = manifest(study)
    study.lock_sha256 = manifest_sha256(tables)
    study.save(update_fields=["lock_sha256"])
    return {"sha256": study.lock_sha256, "tables": tables}
