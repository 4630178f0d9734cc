"""Whether a proposal may be confirmed without a look: only if nothing speaks against it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

from django.utils.text import capfirst

from readerstudy.intake.models import Candidate
from readerstudy.intake.placing import part_word
from readerstudy.protocol.models import ReaderStudy

PLACE = ("subject", "region", "plane", "weighting", "arm")
Place = tuple[str, str, str, str, int | None]  # the number of the arm


def objections(
    candidate: Candidate, *, claims: Mapping[Place, int], taken: Collection[Place], several_sites: bool
) -> list[str]:
    """What speaks against confirming this series unseen, a sentence each; none: it is certain.

    claims: how many waiting series claim a place; taken: places where a series stands; several_sites: whether the study
    has more than one.
    """
    place = place_of(candidate)
    found = [candidate.conflict] if candidate.conflict else []
    found += [caution["text"] for caution in candidate.cautions]
    if candidate.doubt:
        found.append(f"{capfirst(candidate.doubt)}.")
    missing = [name for name, value in zip(PLACE, place, strict=True) if not value]
    missing += ["site"] if several_sites and candidate.site_id is None else []
    if missing:
        found.append(f"Choose {', '.join(missing)}.")
    if candidate.slices == 1 and not candidate.cautions:
        found.append("It has one slice.")
    if candidate.part:
        found.append(f"A part of a series, {candidate.part}: {_like_with_like(candidate)}.")
    if not missing and place in taken:
        found.append("Another series stands in this place.")
    elif not missing and claims.get(place, 0) > 1:
        found.append("Another series claims the same place.")
    return found


def _like_with_like(candidate: Candidate) -> str:
    if part_word(candidate.part) is None:
        return "say in its weighting which, so that its partner is the same"
    return "see that its partner is the same"


def place_of(candidate: Candidate) -> Place:
    """The cell of the material that a series claims."""
    return (candidate.subject_code, candidate.region, candidate.plane, candidate.weighting, candidate.arm_id)


def settle(study: ReaderStudy, **_: object) -> None:
    """Weigh all waiting series of a study again: what one of them claims speaks against another.

    A series of a subject whose site is known takes that site.
    """
    waiting = list(study.candidates.filter(state=Candidate.State.PROPOSED).defer("affine", "instances", "parameters"))
    claims = Counter(map(place_of, waiting))
    columns = ("case__subject__code", "case__region", "case__plane", "case__weighting", "arm")
    taken = set(study.series.filter(active=True).values_list(*columns))
    known = dict(study.subjects.values_list("code", "site"))
    several_sites = study.sites.count() > 1
    named: dict[str, set[int]] = defaultdict(set)
    for candidate in waiting:
        if candidate.site_id:
            named[candidate.subject_code].add(candidate.site_id)
    changed = []
    for candidate in waiting:
        code, before = candidate.subject_code, (candidate.site_id, candidate.objections, candidate.certain)
        candidate.site_id = known.get(code, candidate.site_id)
        against = objections(candidate, claims=claims, taken=taken, several_sites=several_sites)
        if code not in known and len(named[code]) > 1:
            against.append("Another series of this subject names another site.")
        candidate.objections, candidate.certain = against, not against
        if before != (candidate.site_id, candidate.objections, candidate.certain):
            changed.append(candidate)
    Candidate.objects.bulk_update(changed, ["site", "objections", "certain"], batch_size=500)
