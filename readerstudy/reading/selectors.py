"""What a reader may see: the own list, one pair at a time, never an arm."""

from django.db.models import Max, QuerySet

from readerstudy.accounts.models import Membership, Role
from readerstudy.protocol.models import Criterion, ReaderStudy
from readerstudy.reading.models import Finding, PreparedPair, Presentation, Rating, Side, Statement

CONFIRMED, VOID = Presentation.State.CONFIRMED, Presentation.State.VOID


def own_list(member: Membership) -> QuerySet[Presentation]:
    return Presentation.objects.filter(reader=member).exclude(state=VOID)


def current(member: Membership) -> Presentation | None:
    """The first presentation of the list that is not confirmed; None when all are."""
    return (
        own_list(member)
        .exclude(state=CONFIRMED)
        .select_related("study", "reader", "case__subject", "comparison")
        .order_by("position")
        .first()
    )


def neighbours(presentation: Presentation) -> tuple[str | None, str | None]:
    """Tokens of the presentation before and after in the own list."""
    mine = own_list(presentation.reader)
    before = mine.filter(position__lt=presentation.position).order_by("-position").values_list("token", flat=True)
    after = mine.filter(position__gt=presentation.position).order_by("position").values_list("token", flat=True)
    return before.first(), after.first()


def progress(member: Membership) -> dict:
    """Pairs confirmed and in all, median seconds per pair, minutes left at that pace (both None before the first)."""
    mine = own_list(member)
    total, done = mine.count(), mine.filter(state=CONFIRMED)
    confirmed = done.count()
    times = sorted(seconds for seconds in done.values_list("seconds", flat=True) if seconds)
    pace = times[len(times) // 2] if times else None
    return {
        "confirmed": confirmed, "total": total, "left": total - confirmed, "pace": pace,
        "minutes_left": round(pace * (total - confirmed) / 60) if pace else None,
    }  # fmt: skip


def reading_progress(study: ReaderStudy) -> list[dict]:
    """One row per reader: member, counts and the time of the last confirmed pair. No answer in it."""
    readers = study.memberships.filter(role=Role.READER).select_related("user").order_by("code")
    readers = readers.annotate(last=Max("presentations__confirmed_at"))
    return [{"member": member, "last": member.last, **progress(member)} for member in readers]


def asked_criteria(presentation: Presentation) -> list[Criterion]:
    return [c for c in presentation.study.criteria.all() if c.asked_for(presentation.case.region)]


def prepared(presentation: Presentation) -> PreparedPair | None:
    return PreparedPair.objects.filter(case=presentation.case_id, comparison=presentation.comparison_id).first()


def frames_sha256(presentation: Presentation, pair: PreparedPair) -> str:
    """The stored frames in the order in which this reader sees the two arms."""
    return pair.first_left_sha256 if presentation.first_side == Side.LEFT else pair.first_right_sha256


def latest_ratings(presentation: Presentation) -> dict[int, Rating]:
    return {r.criterion_id: r for r in Rating.objects.filter(presentation=presentation).order_by("revision")}


def latest_statements(presentation: Presentation) -> dict[str, str]:
    return {s.subject: s.value for s in Statement.objects.filter(presentation=presentation).order_by("revision")}


def answers(presentation: Presentation) -> dict:
    """Everything that was answered on this pair, as the reading room takes it."""
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
        "findings": list(
            Finding.objects.filter(presentation=presentation, withdrawn_at=None).values(
                "id", "kind", "side", "structure", "remark", "i", "j", "k"
            )
        ),
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
        "ask_integrity": study.ask_integrity,
        "ask_diagnostic": study.ask_diagnostic,
        "finding_kinds": [{"id": value, "name": label} for value, label in Finding.Kind.choices],
        "title": study.reader_title,
    }


def body(member: Membership, presentation: Presentation | None) -> dict:
    """The JSON of one presentation, or of the end of the list."""
    counts = progress(member)
    if presentation is None:
        return {"finished": True, "confirmed": counts["confirmed"], "total": counts["total"]}
    pair = prepared(presentation)
    before, after = neighbours(presentation)
    return {
        "token": presentation.token,
        "state": presentation.state,
        "position": presentation.position,
        "total": counts["total"],
        "confirmed": counts["confirmed"],
        "part": presentation.part,
        "parts": 1,
        "kind": "training" if presentation.kind == Presentation.Kind.TRAINING else "reading",
        "criteria": [c.pk for c in asked_criteria(presentation)],
        "geometry": pair.geometry if pair else None,
        "order": pair.order if pair else [],
        "frames": len(pair.order) if pair else 0,
        "answers": answers(presentation),
        "seconds": presentation.seconds,
        "previous": before if presentation.study.allow_back else None,
        "next": after,
    }
