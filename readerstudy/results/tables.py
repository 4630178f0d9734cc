"""The tables of what was read, row by row, in the columns of their Table Schemas; and those of viewing and images.

Rows name readers, subjects, series and presentations by code; no user name and no token is in them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from django.db.models import QuerySet

from readerstudy.archive.downloads import Row
from readerstudy.images import tables as images
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Finding, Guess, Presentation, Rating, Side, Statement
from readerstudy.viewing import tables as viewing

CHUNK = 500


def presentation_code(reader: str, position: int) -> str:
    """What one reader saw at one position of the schedule: R1-0012."""
    return f"{reader}-{position:04d}"


SHOWN = ("reader", "case__subject__site", "comparison__first", "comparison__second", "repeat_of")


def _presentations(
    study: ReaderStudy, states: Iterable[str], **answers: QuerySet
) -> Iterator[tuple[Presentation, dict[str, list]]]:
    """Presentations in these states by reader and position, each with the rows of every queryset in `answers`.

    The querysets give named tuples with `presentation_id`, in their own order; one query each per CHUNK.
    """
    found = Presentation.objects.filter(study=study, state__in=states).select_related(*SHOWN)
    ordered = found.order_by("reader__code", "position").iterator(chunk_size=CHUNK)
    while batch := list(islice(ordered, CHUNK)):
        given: dict[str, dict[int, list]] = {name: defaultdict(list) for name in answers}
        for name, rows in answers.items():
            for row in rows.filter(presentation__in=[presentation.pk for presentation in batch]):
                given[name][row.presentation_id].append(row)
        for presentation in batch:
            presentation.study = study
            yield presentation, {name: rows[presentation.pk] for name, rows in given.items()}


def _shared_columns(presentation: Presentation) -> Row:
    """The columns that ratings, integrity and findings share."""
    return {
        "study": presentation.study.slug,
        "subject": presentation.case.subject.code,
        "case": presentation.case.code,
        "reader": presentation.reader.code,
        "presentation": presentation_code(presentation.reader.code, presentation.position),
        "comparison": presentation.comparison.code,
    }


def _arm_on(presentation: Presentation, side: str) -> str:
    comparison = presentation.comparison
    return (comparison.first if side == presentation.first_side else comparison.second).code


def _scanners(study: ReaderStudy) -> dict[int, tuple[str, float | None]]:
    """Scanner and field strength of each case, from its reference arm, else from the first arm that is there."""
    scanners: dict[int, tuple[str, float | None]] = {}
    series = study.series.filter(active=True).select_related("arm")
    for one in sorted(
        series, key=lambda s: (s.arm.acquisition != "reference", s.arm.reconstruction != "standard", s.pk)
    ):
        said = one.parameters
        name = " ".join(part for part in (said.get("manufacturer"), said.get("model")) if part)
        scanners.setdefault(one.case_id, (name, said.get("field_strength")))
    return scanners


def ratings(study: ReaderStudy, *, every_revision: bool = False) -> Iterator[Row]:
    """One row per confirmed presentation and criterion, with the revision that holds.

    A criterion that is not asked for the region is not_applicable, an asked one without an answer missing.
    `every_revision` gives all revisions, of presentations in progress too; void ones never appear.
    """
    criteria, scanners = list(study.criteria.all()), _scanners(study)
    states = [Presentation.State.CONFIRMED] + ([Presentation.State.IN_PROGRESS] if every_revision else [])
    fields = ["presentation_id", "criterion_id", "score", "status", "revision", "rated_at"]
    answers = Rating.objects.order_by("revision").values_list(*fields, named=True)
    for presentation, given in _presentations(study, states, ratings=answers):
        case = presentation.case
        scanner, field_strength = scanners.get(case.pk, ("", None))
        confirmed = presentation.state == Presentation.State.CONFIRMED
        repeated = presentation.repeat_of
        shared = {
            **_shared_columns(presentation),
            "site": case.subject.site.code,
            "region": case.region,
            "plane": case.plane,
            "weighting": case.weighting,
            "scanner": scanner,
            "field_strength": field_strength,
            "position": presentation.position,
            "part": presentation.part,
            "kind": presentation.kind,
            "repeat_of": presentation_code(presentation.reader.code, repeated.position) if repeated else None,
            "first": presentation.comparison.first.code,
            "second": presentation.comparison.second.code,
            "first_side": presentation.first_side,
            "seconds": presentation.seconds,
            "confirmed_at": presentation.confirmed_at,
        }
        for criterion in criteria:
            revisions = [rating for rating in given["ratings"] if rating.criterion_id == criterion.pk]
            for rating in revisions if every_revision else revisions[-1:]:
                yield {
                    **shared,
                    "criterion": criterion.code,
                    "score": rating.score,
                    "status": rating.status,
                    "revision": rating.revision,
                    "rated_at": rating.rated_at,
                }
            if not revisions and confirmed:
                asked = criterion.asked_for(case.region)
                status = Rating.Status.MISSING if asked else Rating.Status.NOT_APPLICABLE
                empty = {"score": None, "revision": None, "rated_at": None}
                yield {**shared, "criterion": criterion.code, "status": status.value, **empty}


def consistent(side: str, said: str | None, sides: Iterable[str]) -> bool | None:
    """Whether nothing was reported on this panel. None: not answered, or found without saying on which side."""
    sides = set(sides)
    if sides & {side, Finding.On.BOTH}:
        return False
    if Finding.On.UNDETERMINED in sides or said not in ("none", "findings") or (said == "findings" and not sides):
        return None
    return True


def diagnostic(side: str, said: str | None) -> bool | None:
    """Whether this panel was judged of diagnostic quality; None if not answered."""
    return None if not said else said in ("both", side)


def integrity(study: ReaderStudy) -> Iterator[Row]:
    """One row per panel of every confirmed presentation."""
    answers = Statement.objects.exclude(subject=Statement.Subject.COMMENT).order_by("revision")
    statements = answers.values_list("presentation_id", "subject", "value", named=True)
    found = Finding.objects.filter(withdrawn_at=None).values_list("presentation_id", "side", named=True)
    confirmed = [Presentation.State.CONFIRMED]
    for presentation, given in _presentations(study, confirmed, statements=statements, findings=found):
        said = {statement.subject: statement.value for statement in given["statements"]}
        sides = [finding.side for finding in given["findings"]]
        for side in (Side.LEFT.value, Side.RIGHT.value):
            yield {
                **_shared_columns(presentation),
                "kind": presentation.kind,
                "side": side,
                "arm": _arm_on(presentation, side),
                "consistent": consistent(side, said.get("integrity"), sides),
                "diagnostic": diagnostic(side, said.get("diagnostic")),
            }


def findings(study: ReaderStudy) -> Iterator[Row]:
    """One row per finding that was not withdrawn; a finding on both sides has one row per side."""
    live = Finding.objects.filter(
        presentation__study=study, presentation__state=Presentation.State.CONFIRMED, withdrawn_at=None
    ).select_related("presentation__study", *(f"presentation__{name}" for name in SHOWN))
    live = live.order_by("presentation__reader__code", "presentation__position", "pk")
    for finding in live.iterator(chunk_size=CHUNK):
        presentation = finding.presentation
        for side in ("left", "right") if finding.side == Finding.On.BOTH else (finding.side,):
            yield {
                **_shared_columns(presentation),
                "side": side,
                "arm": None if side == Finding.On.UNDETERMINED else _arm_on(presentation, side),
                "kind": finding.kind,
                "structure": finding.structure,
                "remark": finding.remark,
                "i": finding.i,
                "j": finding.j,
                "k": finding.k,
            }


def guesses(study: ReaderStudy) -> Iterator[Row]:
    """One row per pair about which a reader was asked, after the end of the list, which image was which."""
    asked = Guess.objects.filter(presentation__study=study).exclude(presentation__state=Presentation.State.VOID)
    asked = asked.select_related("presentation__study", *(f"presentation__{name}" for name in SHOWN))
    for guess in asked.order_by("presentation__reader__code", "presentation__position").iterator(chunk_size=CHUNK):
        first_side = guess.presentation.first_side
        yield {**_shared_columns(guess.presentation), "guessed": guess.side, "first_side": first_side}


ROWS = {
    "ratings": ratings,
    "integrity": integrity,
    "findings": findings,
    "guesses": guesses,
    **viewing.ROWS,
    **images.ROWS,
}
