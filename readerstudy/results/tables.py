"""The tables of what was read, row by row, in the columns of their Table Schemas; and those of viewing and images.

Rows name readers, subjects, series and presentations by code; no user name and no token is in them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from django.db.models import QuerySet

from readerstudy.archive.downloads import Row
from readerstudy.images import tables as images
from readerstudy.material.models import Series
from readerstudy.protocol.models import Criterion, ReaderStudy
from readerstudy.reading.models import Finding, Guess, Presentation, Rating, Side, Statement
from readerstudy.viewing import tables as viewing

CHUNK = 500


def presentation_code(reader: str, position: int) -> str:
    """What one reader saw at one position of the schedule: R1-0012."""
    return f"{reader}-{position:04d}"


SHOWN = ("reader", "case__subject__site", "comparison__first", "comparison__second", "repeat_of")


def _presentations(
    study: ReaderStudy, states: Iterable[str], also: tuple[str, ...] = (), **answers: QuerySet
) -> Iterator[tuple[Presentation, dict[str, list]]]:
    """Presentations in these states by reader and position, each with the rows of every queryset in `answers`.

    The querysets give rows with `presentation_id`, in their own order; one query each per CHUNK. also: what else comes
    with a presentation.
    """
    found = Presentation.objects.filter(study=study, state__in=states).select_related(*SHOWN, *also)
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


Scanners = dict[int, tuple[str, float | None]]


def _scanners(series: Iterable[Series]) -> Scanners:
    """Scanner and field strength of each case, from its reference arm, else from the first arm that is there."""
    scanners: Scanners = {}
    for one in sorted(
        series, key=lambda s: (s.arm.acquisition != "reference", s.arm.reconstruction != "standard", s.pk)
    ):
        said = one.parameters
        name = " ".join(part for part in (said.get("manufacturer"), said.get("model")) if part)
        scanners.setdefault(one.case_id, (name, said.get("field_strength")))
    return scanners


RATINGS = Rating.objects.order_by("revision").values_list(
    *("presentation_id", "criterion_id", "score", "status", "revision", "rated_at"), named=True
)


def ratings(study: ReaderStudy, *, every_revision: bool = False) -> Iterator[Row]:
    """One row per confirmed presentation and criterion, with the revision that holds.

    A criterion that is not asked for the region is not_applicable, an asked one without an answer missing.
    `every_revision` gives all revisions, of presentations in progress too; void ones never appear.
    """
    scanners = _scanners(study.series.filter(active=True).select_related("arm"))
    states = [Presentation.State.CONFIRMED] + ([Presentation.State.IN_PROGRESS] if every_revision else [])
    criteria = list(study.criteria.all())
    for presentation, given in _presentations(study, states, ratings=RATINGS):
        yield from _ratings_of(presentation, given["ratings"], criteria, scanners, every_revision=every_revision)


def _ratings_of(
    presentation: Presentation,
    given: list,
    criteria: list[Criterion],
    scanners: Scanners,
    *,
    every_revision: bool = False,
) -> Iterator[Row]:
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
        revisions = [rating for rating in given if rating.criterion_id == criterion.pk]
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


STATEMENTS = (
    Statement.objects.exclude(subject=Statement.Subject.COMMENT)
    .order_by("revision")
    .values_list("presentation_id", "subject", "value", named=True)
)
FINDINGS = Finding.objects.filter(withdrawn_at=None).order_by("pk")


def integrity(study: ReaderStudy) -> Iterator[Row]:
    """One row per panel of every confirmed presentation."""
    confirmed = [Presentation.State.CONFIRMED]
    for presentation, given in _presentations(study, confirmed, statements=STATEMENTS, findings=FINDINGS):
        yield from _integrity_of(presentation, given["statements"], given["findings"])


def _integrity_of(presentation: Presentation, statements: list, found: list[Finding]) -> Iterator[Row]:
    said = {statement.subject: statement.value for statement in statements}
    sides = [finding.side for finding in found]
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
    for presentation, given in _presentations(study, [Presentation.State.CONFIRMED], findings=FINDINGS):
        yield from _findings_of(presentation, given["findings"])


def _findings_of(presentation: Presentation, found: list[Finding]) -> Iterator[Row]:
    for finding in found:
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
        yield _guess_on(guess.presentation, guess)


def _guess_on(presentation: Presentation, guess: Guess) -> Row:
    return {**_shared_columns(presentation), "guessed": guess.side, "first_side": presentation.first_side}


def ratings_if_few(study: ReaderStudy, most: int) -> list | None:
    """Every answer to a criterion, as in `RATINGS`, if there are at most so many."""
    found = list(RATINGS.filter(presentation__study=study).order_by()[: most + 1])
    return sorted(found, key=lambda rating: rating.revision) if len(found) <= most else None


def together(study: ReaderStudy, given_ratings: list) -> dict[str, list[Row]]:
    """The tables of what was read, and of the series, of a small study: the same rows, each row of the database read
    once. given_ratings: from `ratings_if_few`."""
    by_presentation: dict[int, list] = defaultdict(list)
    for rating in given_ratings:
        by_presentation[rating.presentation_id].append(rating)
    series = list(images.all_said(study.series.filter(active=True)))
    criteria, scanners = list(study.criteria.all()), _scanners(series)
    rows: dict[str, list[Row]] = {name: [] for name in ("ratings", "integrity", "findings", "guesses")}
    there = [state for state in Presentation.State.values if state != Presentation.State.VOID]
    answers = {"statements": STATEMENTS, "findings": FINDINGS}
    for presentation, given in _presentations(study, there, also=("guess",), **answers):
        if presentation.state == Presentation.State.CONFIRMED:
            rows["ratings"] += _ratings_of(presentation, by_presentation[presentation.pk], criteria, scanners)
            rows["integrity"] += _integrity_of(presentation, given["statements"], given["findings"])
            rows["findings"] += _findings_of(presentation, given["findings"])
        if guess := getattr(presentation, "guess", None):
            rows["guesses"].append(_guess_on(presentation, guess))
    return {**rows, "series": [images.series_row(one) for one in series if one.case.is_in_use]}


ROWS = {
    "ratings": ratings,
    "integrity": integrity,
    "findings": findings,
    "guesses": guesses,
    **viewing.ROWS,
    **images.ROWS,
}
