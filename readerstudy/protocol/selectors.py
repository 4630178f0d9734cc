"""Read a protocol: as a document with its hash, and what is missing before a study can be opened."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet, prefetch_related_objects

from readerstudy.accounts.models import Role, User
from readerstudy.audit.canonical import canonical
from readerstudy.protocol import enhancers, recipes
from readerstudy.protocol.models import Amendment, Arm, Claim, Comparison, PrimaryTest, ReaderStudy


def studies_of(user: User) -> QuerySet[ReaderStudy]:
    return ReaderStudy.objects.filter(memberships__user=user)


def arms_of(study: ReaderStudy) -> list[Arm]:
    """The arms of a protocol in its order, each with the one that it is made from, and so on to the uploaded one."""
    arms = list(study.arms.all())
    by_number = {arm.pk: arm for arm in arms}
    for arm in arms:
        if arm.made_from_id in by_number:
            arm.made_from = by_number[arm.made_from_id]
    return arms


def comparisons_of(study: ReaderStudy) -> list[Comparison]:
    """The comparisons of a protocol in its order, each with its two arms."""
    comparisons, arms = list(study.comparisons.all()), {arm.pk: arm for arm in arms_of(study)}
    for one in comparisons:
        if {one.first_id, one.second_id} <= arms.keys():
            one.first, one.second = arms[one.first_id], arms[one.second_id]
    return comparisons


def have_protocol(study: ReaderStudy) -> None:
    """Fetch arms, comparisons, criteria and the primary hypothesis once, for a page that says them often."""
    prefetch_related_objects([study], "arms", "comparisons", "criteria")
    comparisons = {one.pk: one for one in comparisons_of(study)}
    if study.primary_comparison_id in comparisons:
        study.primary_comparison = comparisons[study.primary_comparison_id]
    criteria = {one.pk: one for one in study.criteria.all()}
    if study.primary_criterion_id in criteria:
        study.primary_criterion = criteria[study.primary_criterion_id]


def protocol_document(study: ReaderStudy) -> dict:
    """The protocol as `protocol.json` of the exports: arms, comparisons, criteria, hypothesis, margins, seed.

    Its hash is that of the opening, of the members before it; what was said later stands after it: amendments, and the
    primary test of a study that was opened before protocols named theirs.
    """
    comparisons, criteria = comparisons_of(study), list(study.criteria.all())
    comparison = next((one for one in comparisons if one.pk == study.primary_comparison_id), None)
    criterion = next((one for one in criteria if one.pk == study.primary_criterion_id), None)
    amendments = list(study.amendments.all())
    readers = set(study.memberships.filter(role=Role.READER).values_list("code", flat=True))
    added = {code for one in amendments if one.kind == "reader_added" for code in one.data["inputs"]["readers"]}
    document = {
        "study": study.slug,
        "title": study.title,
        **({"images_only": True} if study.images_only else {}),
        "arms": [
            {
                "id": arm.code,
                "acquisition": arm.acquisition,
                "reconstruction": arm.reconstruction,
                "made_from": arm.made_from.code if arm.made_from else None,
                "model": arm.model_name or None,
                **(arm.recipe or {}),
            }
            for arm in arms_of(study)
        ],
        "comparisons": [{"first": c.first.code, "second": c.second.code, "question": c.question} for c in comparisons],
        "criteria": [
            {"id": c.code} | {name: getattr(c, name) for name in ("name", "asks", "better", "anchors", "regions")}
            for c in criteria
        ],
        "categories": [1, 2, 3, 4, 5],
        "primary_test": study.primary_test,
        "primary": {"first": comparison.first.code, "second": comparison.second.code, "criterion": criterion.code}
        if comparison and criterion
        else None,
        "family": None,  # all cells
        "margins": [
            {"kind": kind, "on": on, "margin": float(margin)}
            for kind in Claim(study.claim).kinds
            for on, margin in (("mean", study.margin_mean), ("net_preference", study.margin_net))
            if margin is not None
        ],
        "readers": "random" if study.random_readers else "fixed",
        "reader_codes": sorted(readers - added),
        "schedule": {
            "min_distance": study.min_distance,
            "repeat_share": float(study.repeat_share),
            "parts": study.parts,
            "washout_days": study.washout_days,
            "break_minutes": study.break_minutes,
            **({} if study.practice_pairs is None else {"practice_pairs": study.practice_pairs}),
        },
        "questions": {
            "integrity": study.ask_integrity,
            "diagnostic": study.ask_diagnostic,
            "cannot_judge": study.allow_cannot_judge,
            "back": study.allow_back,
            "guesses": study.guesses,
            # Said where it is waived: it was the rule before a protocol could say it, and their hashes stand.
            **({} if study.require_all_slices else {"all_slices": False}),
            **({"values": True} if study.show_values else {}),
        },
        "seed": study.seed,
    }
    later: dict[str, object] = {"amendments": [_amendment(one) for one in amendments]} if amendments else {}
    unnamed = {name: value for name, value in document.items() if name != "primary_test"}
    if study.protocol_sha256 and study.protocol_sha256 == _sha256(unnamed):
        document, later = unnamed, {"primary_test": PrimaryTest.CLUSTER_SIGN_FLIP.value, **later}
    return {**document, "sha256": _sha256(document), **later}


def since_opening(study: ReaderStudy, sha256: str) -> Iterator[str]:
    """How the protocol differs from that of the opening, for `audit.verify`. sha256: of the document then."""
    if protocol_document(study)["sha256"] != sha256:
        yield "The protocol is not the one that the study was opened with."


def _sha256(document: dict) -> str:
    return hashlib.sha256(canonical(document)).hexdigest()


def _amendment(one: Amendment) -> dict:
    """What the exports say of a change after opening."""
    changed = one.data.get("inputs", {})
    what = {
        Amendment.Kind.READER_ADDED: changed.get("readers"),
        Amendment.Kind.CASE_ADDED: [case for case, *_ in changed.get("cases", [])],
        Amendment.Kind.SUBJECT_WITHDRAWN: [one.data.get("subject")],
    }[Amendment.Kind(one.kind)]
    said = {"number": one.number, "kind": one.kind, "what": what, "reason": one.reason}
    return said | {"at": one.at.isoformat(), "schedule": one.schedule_sha256}


def model_names() -> list[str]:
    """Names of the models that can make an arm of another's images, shipped ones first; reads no weights, no torch."""
    return [name for name in enhancers.folders() if not enhancers.works_on_kspace(name)]


def slices_in_one(arm: Arm) -> int:
    """How many slices of the uploaded arm that this one comes from are one of its own; a model for thin slices takes
    that back."""
    if arm.made_from is None:
        return 1
    before = slices_in_one(arm.made_from)
    if arm.recipe:
        return before * recipes.step(arm.recipe).kind.settings.get("thick", 1)
    return 1 if before > 1 and enhancers.makes_thin_slices(arm.model_name) else before


def models_not_here(study: ReaderStudy) -> list[Arm]:
    """The arms whose model is not on this site."""
    here = model_names()
    return [arm for arm in study.arms.exclude(model_name="") if arm.model_name not in here]


def pairs_by_slices(comparison: Comparison) -> bool:
    """Whether the slices of both arms are of one thickness, so that each has its partner."""
    return slices_in_one(comparison.first) == slices_in_one(comparison.second)


@dataclass(frozen=True)
class Move:
    """A step to another state: its button, who may press it, and whether the title must be typed."""

    to: str
    button: str
    action: str
    final: bool


FREEZE = Move("open", "Freeze the study", "open_study", True)
OPEN = Move("open", "Open the study", "open_study", True)
RESUME = Move("open", "Resume reading", "resume_study", False)
PAUSE = Move("paused", "Pause reading", "pause_study", False)
CLOSE = Move("closed", "Close the study", "close_study", True)
LOCK = Move("locked", "Lock the study", "lock_study", True)


def moves_from(study: ReaderStudy) -> list[Move]:
    """Steps that can be taken from the study's present state."""
    if study.images_only:
        return {"draft": [FREEZE], "open": [CLOSE], "closed": [LOCK]}.get(study.state, [])
    steps = {"draft": [OPEN], "open": [PAUSE, CLOSE], "paused": [RESUME, CLOSE], "closed": [LOCK]}
    return steps.get(study.state, [])
