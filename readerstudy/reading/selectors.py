"""What a reader may see: the own list, one pair at a time, never an arm."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, Max, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from readerstudy.accounts.models import Membership, Role
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.protocol.models import Criterion, ReaderStudy
from readerstudy.reading import guesses, signatures
from readerstudy.reading.models import Finding, Guess, PreparedPair, Presentation, Rating, Side, Statement, Write
from readerstudy.reading.windows import WINDOWS

AHEAD = 3  # pairs that are fetched before their turn: what can be read without a connection
SKIP_REASONS = [
    "The images do not load",
    "The images look broken",
    "The two images show different anatomy",
    "Something else",
]
CONFIRMED, VOID = Presentation.State.CONFIRMED, Presentation.State.VOID


def own_list(member: Membership) -> QuerySet[Presentation]:
    return Presentation.objects.filter(reader=member).exclude(state=VOID)


def own(member: Membership, found: QuerySet[Presentation]) -> Presentation | None:
    """The first of some own presentations, with its case; reader and study are those that are known already."""
    one = found.select_related("case").first()
    if one is not None:
        one.reader, one.study = member, member.study
    return one


def queue(member: Membership) -> QuerySet[Presentation]:
    """What is left of the list in the order of reading: by part, what was skipped at the end of its part."""
    left = own_list(member).exclude(state=CONFIRMED)
    return left.order_by("part", F("skipped_at").asc(nulls_first=True), "position")


def current_pair(member: Membership) -> Presentation | None:
    """The pair whose turn it is; None when all are confirmed."""
    return own(member, queue(member))


def tokens_ahead(presentation: Presentation) -> list[str]:
    """Tokens of the pairs of the same part after this one, which the browser may fetch before their turn."""
    left = queue(presentation.reader).filter(part=presentation.part).values_list("token", flat=True)
    tokens = list(left[: 2 * AHEAD + 1])
    start = tokens.index(presentation.token) + 1 if presentation.token in tokens else 0
    return tokens[start : start + AHEAD]


def waits_until(presentation: Presentation) -> datetime | None:
    """When the washout before the part of this pair ends; None if the part may be read now."""
    if presentation.part == 1 or not presentation.study.washout_days:
        return None
    before = own_list(presentation.reader).filter(part__lt=presentation.part, state=CONFIRMED)
    last = before.aggregate(Max("confirmed_at"))["confirmed_at__max"]
    return washout_end(presentation.study.washout_days, last)


def washout_end(days: int, last: datetime | None) -> datetime | None:
    """When the washout after the last pair of the parts before ends; None if there is none, or it is over."""
    opens = last + timedelta(days=days) if last else None
    return opens if opens and opens > timezone.now() else None


def way_back(member: Membership) -> Presentation | None:
    """The pair to go back to: the last confirmed one, where the protocol allows it, until the list is finished (the
    questions behind it name arms) or signed."""
    if not member.study.allow_back:
        return None
    mine = {"presentation__reader": member}
    ends = (
        Exists(Write.objects.filter(**mine, what=Write.What.FINISH))
        | Exists(Guess.objects.filter(**mine))
        # The log too: what the database says of writes is not authenticated.
        | Exists(Event.objects.filter(study=member.study_id, actor=member.user_id, action=Action.LIST_FINISHED))
    )
    confirmed = own_list(member).filter(~ends, state=CONFIRMED)
    last = own(member, confirmed.order_by("-confirmed_at", "-position"))
    return None if last is None or signatures.is_signed(last) else last


def pair_asked_about(member: Membership) -> Presentation | None:
    """The pair that a question on blinding is about now; None while there is a way back: the question names arms."""
    found = guesses.pair_to_ask_about(member)
    return found if found is None or way_back(member) is None else None


def within_reach(member: Membership, presentation: Presentation) -> bool:
    """Whether the browser may fetch a pair of the own list now: this one, the next few, the last where one may go
    back, or the one that is asked about after the end."""
    now = current_pair(member)
    if now is not None and waits_until(now):
        return False
    if now is not None and (presentation.pk == now.pk or presentation.token in tokens_ahead(now)):
        return True
    others = (way_back(member), pair_asked_about(member) if now is None else None)
    return any(other is not None and other.pk == presentation.pk for other in others)


def counts(member: Membership) -> dict[str, int]:
    """Pairs confirmed and in all."""
    return own_list(member).aggregate(confirmed=Count("pk", filter=Q(state=CONFIRMED)), total=Count("pk"))


def progress(member: Membership) -> dict:
    """Pairs confirmed and in all, left, of training left; whether it was begun, when the last pair was confirmed;
    median seconds per pair, minutes left at that pace (None before the first)."""
    return progress_of([member])[member.pk]


def progress_of(members: Iterable[Membership]) -> dict[int, dict]:
    """The progress of several readers, by the key of the membership, in two queries."""
    keys = [member.pk for member in members]
    there, begun = ~Q(state=VOID), ~Q(state=Presentation.State.SCHEDULED)
    training = Q(kind=Presentation.Kind.TRAINING)
    counted = Presentation.objects.filter(reader__in=keys).order_by().values("reader")
    counted = counted.annotate(
        confirmed=Count("pk", filter=Q(state=CONFIRMED)),
        total=Count("pk", filter=there),
        training_left=Count("pk", filter=training & there & ~Q(state=CONFIRMED)),
        begun=Count("pk", filter=begun),
        last=Max("confirmed_at"),
    )
    numbers: dict[int, Any] = {one["reader"]: one for one in counted}
    paces, found = _paces(keys), {}
    nothing: dict[str, Any] = {"confirmed": 0, "total": 0, "training_left": 0, "begun": 0, "last": None}
    for key in keys:
        said: Mapping[str, Any] = numbers.get(key, nothing)
        left, pace = said["total"] - said["confirmed"], paces.get(key)
        found[key] = {
            "confirmed": said["confirmed"],
            "total": said["total"],
            "left": left,
            "training_left": said["training_left"],
            "started": said["begun"] > 0,
            "last": said["last"],
            "pace": pace,
            "minutes_left": round(pace * left / 60) if pace else None,
        }
    return found


def _paces(readers: list[int]) -> dict[int, float]:
    """Median seconds of the pairs that each reader confirmed; of an even number the larger of the middle two."""
    timed = Presentation.objects.filter(reader__in=readers, state=CONFIRMED, seconds__gt=0).order_by()
    timed = timed.annotate(
        place=Window(RowNumber(), partition_by=F("reader"), order_by="seconds"),
        of=Window(Count("pk"), partition_by=F("reader")),
    ).filter(place=F("of") / 2 + 1)
    return dict(timed.values_list("reader", "seconds"))


def reading_progress(study: ReaderStudy) -> list[dict]:
    """One row per reader: member, counts and the time of the last confirmed pair. No answer in it."""
    readers = study.memberships.filter(role=Role.READER).select_related("user").order_by("code")
    signing = readers.annotate(signed=Max("signatures__signed_at"))
    numbers = progress_of(signing)
    return [{"member": m, "signed": m.signed, **numbers[m.pk]} for m in signing]


def asked_criteria(presentation: Presentation) -> list[Criterion]:
    return [c for c in presentation.study.criteria.all() if c.asked_for(presentation.case.region)]


def prepared_pair(presentation: Presentation) -> PreparedPair | None:
    return PreparedPair.objects.filter(case=presentation.case_id, comparison=presentation.comparison_id).first()


def frames_sha256(presentation: Presentation, pair: PreparedPair) -> str:
    """The stored frames in the order in which this reader sees the two arms."""
    return pair.first_left_sha256 if presentation.first_side == Side.LEFT else pair.first_right_sha256


def latest_ratings(presentation: Presentation) -> dict[int, Rating]:
    return {r.criterion_id: r for r in Rating.objects.filter(presentation=presentation).order_by("revision")}


def latest_statements(presentation: Presentation) -> dict[str, str]:
    return {s.subject: s.value for s in Statement.objects.filter(presentation=presentation).order_by("revision")}


FINDING_FIELDS = ("kind", "side", "structure", "remark", "i", "j", "k")


def finding_number(finding: Finding) -> int:
    """1, 2, … within its pair. A number over all pairs would tell how many findings others reported."""
    return Finding.objects.filter(presentation=finding.presentation_id, pk__lte=finding.pk).count()


def numbered_finding(presentation: Presentation, number: int) -> Finding | None:
    """The finding of a pair with this number of `finding_number`."""
    found = presentation.findings.select_related("presentation__study", "presentation__reader__user").order_by("pk")
    return found[number - 1 : number].first() if 0 < number < 10_000 else None


NO_ANSWERS: dict = {"ratings": {}, "integrity": None, "diagnostic": None, "comment": "", "findings": []}


def answers(presentation: Presentation) -> dict:
    """Everything that was answered on this pair, as the reading room takes it."""
    if presentation.state == Presentation.State.SCHEDULED and presentation.skipped_at is None:
        return NO_ANSWERS  # it takes none before its turn
    said = latest_statements(presentation)
    return {
        "ratings": {
            str(criterion): {"score": r.score, "status": r.status, "revision": r.revision}
            for criterion, r in latest_ratings(presentation).items()
            if r.status != Rating.Status.MISSING
        },
        "integrity": said.get("integrity") or None,
        "diagnostic": said.get("diagnostic") or None,
        "comment": said.get("comment", ""),
        "findings": [
            {"id": number} | {name: getattr(finding, name) for name in FINDING_FIELDS}
            for number, finding in enumerate(presentation.findings.order_by("pk"), start=1)
            if finding.withdrawn_at is None
        ],
    }


def missing_answers(presentation: Presentation) -> list[str]:
    """What must still be answered before this pair can be confirmed, in words."""
    given = answers(presentation)
    missing = [c.name for c in asked_criteria(presentation) if str(c.pk) not in given["ratings"]]
    study = presentation.study
    if study.ask_integrity and not given["integrity"]:
        missing.append("Integrity")
    if given["integrity"] == "findings" and not given["findings"]:
        missing.append("The finding itself")
    if study.ask_diagnostic and not given["diagnostic"]:
        missing.append("Diagnostic quality")
    return missing


def missing_before(member: Membership) -> list[str]:
    """What is missing, in words, on the confirmed pair to which the reader may go back and which was changed since."""
    last = way_back(member)
    return [f"{name} (pair before)" for name in missing_answers(last)] if last else []


def unseen_slices(presentation: Presentation) -> dict[str, int]:
    """How many slices of each side must still be seen before this pair can be confirmed."""
    pair = prepared_pair(presentation) if presentation.study.require_all_slices else None
    slices = set(range(len(pair.order))) if pair else set()
    return {side: len(slices - {*presentation.seen.get(side, [])}) for side in Side.values}


def unseen_words(left_out: dict[str, int]) -> list[str]:
    return [f"{number} slice{'' if number == 1 else 's'} {side}" for side, number in left_out.items() if number]


def room_config(study: ReaderStudy) -> dict:
    """What the reading room needs to know of the protocol; nothing here depends on arms."""
    return {
        "criteria": [
            {
                "id": c.pk,
                "name": c.name,
                "asks": c.asks,
                "better": c.better,
                "anchors": c.anchors,
                "required": True,
            }
            for c in study.criteria.all()
        ],
        "allow_cannot_judge": study.allow_cannot_judge,
        "allow_back": study.allow_back,
        "require_all_slices": study.require_all_slices,
        "show_values": study.show_values,
        "ask_integrity": study.ask_integrity,
        "ask_diagnostic": study.ask_diagnostic,
        "skip_reasons": SKIP_REASONS,
        "break_minutes": study.break_minutes,
        "finding_kinds": [{"id": value, "name": label} for value, label in Finding.Kind.choices],
        "title": study.reader_title,
        "windows": WINDOWS,
    }


def skipped(study: ReaderStudy) -> list[Presentation]:
    """Pairs that a reader skipped for a technical problem and has not read since, the latest first."""
    found = Presentation.objects.filter(study=study, skipped_at__isnull=False).exclude(state__in=[CONFIRMED, VOID])
    return list(found.select_related("reader__user").order_by("-skipped_at"))


def room_json(member: Membership, presentation: Presentation | None) -> dict:
    """The JSON of one presentation, of a question on blinding, or of the end of the list."""
    ends = counts(member)
    if presentation is None:
        if found := guesses.pair_to_ask_about(member):
            if last := way_back(member):
                return {"last_look": True, "previous": last.token} | ends
            return {**_pair(found, ends), "guess": guesses.question(found), "previous": None, "next": []}
        return {"finished": True} | ends | {"to_sign": bool(signatures.to_sign(member))}
    if presentation.state == Presentation.State.SCHEDULED and (opens := waits_until(presentation)):
        return {"break": _washout(member, presentation, opens)}
    last = way_back(member)
    return {
        **_pair(presentation, ends),
        "previous": last.token if last and last.pk != presentation.pk else None,
        "next": tokens_ahead(presentation),
    }


def refused_pair_json(member: Membership, presentation: Presentation) -> dict:
    """What a browser is told of a pair when its write is refused: the pair as it is now, or, where the reader may not
    look at it any more, its state alone. A repeat would be no repeat for who can look up the first answers."""
    if within_reach(member, presentation):
        return room_json(member, presentation)
    return {name: getattr(presentation, name) for name in ("token", "position", "state")} | {"on": on_of(presentation)}


def on_of(row: Presentation | Write) -> dict:
    """State and revision that the next write must have been made on."""
    return {"state": row.state, "revision": row.revision}


def on_after(presentation: Presentation, key: UUID) -> dict:
    """The same, as this write left it; the first time and each time it is delivered again."""
    if presentation.written == key:
        return on_of(presentation)
    return on_of(Write.objects.filter(presentation=presentation, key=key).first() or presentation)


def is_accepted(member: Membership, key: UUID) -> bool:
    """Whether this reader's write of this key was accepted."""
    return Write.objects.filter(presentation__reader=member, key=key).exists()


def _washout(member: Membership, presentation: Presentation, opens: datetime) -> dict:
    """What the page says between two parts."""
    numbers, part = progress(member), presentation.part
    return {
        "part": part - 1,
        "parts": presentation.study.parts,
        "opens_at": opens.isoformat(),
        "washout_days": presentation.study.washout_days,
        "pairs": own_list(member).filter(part=part).count(),
        "median_seconds": numbers["pace"],
        "confirmed": numbers["confirmed"],
        "total": numbers["total"],
    }


def _pair(presentation: Presentation, numbers: dict[str, int]) -> dict:
    pair = prepared_pair(presentation)
    return {
        "token": presentation.token,
        "state": presentation.state,
        "on": on_of(presentation),
        "position": presentation.position,
        **numbers,
        "part": presentation.part,
        "parts": presentation.study.parts,
        "kind": "training" if presentation.kind == Presentation.Kind.TRAINING else "reading",
        "skipped": presentation.skipped_at is not None,
        "criteria": [c.pk for c in asked_criteria(presentation)],
        "geometry": pair.geometry if pair else None,
        "order": pair.order if pair else [],
        "frames": len(pair.order) if pair else 0,
        "answers": answers(presentation),
        "seen": {side: presentation.seen.get(side, []) for side in Side.values},
        "seconds": presentation.seconds,
    }
