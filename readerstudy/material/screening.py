"""The screening log: how many subjects were looked at and not included, by reason. Nothing else of them is kept."""

import csv
import io
import re
from collections.abc import Sequence

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.audit.studies import study_for_update
from readerstudy.material.models import ScreeningLog
from readerstudy.protocol.models import ReaderStudy
from readerstudy.states import State

SEALS = [("screening log", None)]
MOST, LONGEST, LARGEST = 100, 120, 1_000_000  # reasons, characters of one, subjects of one
# A separator may belong to the number, as in 12,500 or 12 500: then nobody but the writer knows where it ends.
TYPED = re.compile(r"(\d{1,9})(?:\s*[,;:×](?!\d)\s*|\s+(?!\d{3}\b))(\S.*)")
Exclusions = list[dict]  # {"reason", "subjects"}, in the order in which they were said


def exclusions_of(study: ReaderStudy) -> Exclusions:
    """How many subjects were not included, by reason; none until somebody says them."""
    found = ScreeningLog.objects.filter(study=study).first()
    return list(found.exclusions) if found else []


def typed(text: str) -> Exclusions:
    """What was typed, a reason a line: `7 claustrophobia`. InputError for another line."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        read = TYPED.fullmatch(line)
        if read is None:
            raise InputError(
                "Each line is a number, without separators of thousands, and a reason: as “7 claustrophobia”, or as "
                f"“7: 3 T” where a reason begins with a digit; not “{line[:40]}”."
            )
        found.append({"reason": read[2], "subjects": int(read[1])})
    return found


def shown(exclusions: Exclusions) -> str:
    """What `typed` reads, for somebody to change."""
    return "\n".join(f"{one['subjects']}: {one['reason']}" for one in exclusions)


def rows_of_csv(content: bytes) -> Exclusions:
    """What a CSV with the column `reason` says: a subject a row, or as many as the column `subjects` says.

    Separated by comma, semicolon or tab. A row without a reason is a subject that was included. Every other column is
    left where it is. InputError for any other file.
    """
    try:
        text = content.decode("utf-8-sig")
        head = text.partition("\n")[0]
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
        names = set(rows.fieldnames or ())
        told = [((row.get("reason") or "").strip(), (row.get("subjects") or "1").strip()) for row in rows]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("This is no CSV in UTF-8.") from error
    if "reason" not in names:
        raise InputError("The first line names columns: reason, and subjects where a row stands for several.")
    if wrong := [count for reason, count in told if reason and not (count.isdecimal() and len(count) < 10)]:
        raise InputError(f"{wrong[0][:20]} is no number of subjects.")
    return [{"reason": reason, "subjects": int(count)} for reason, count in told if reason]


@transaction.atomic
def set_exclusions(*, study: ReaderStudy, exclusions: Sequence[dict], actor: User) -> None:
    """Have this be the screening log; the same reason twice is added up. InputError for too many or too long reasons,
    and once the study is locked."""
    counts: dict[str, int] = {}
    for one in exclusions:
        reason = " ".join(one["reason"].split())
        if len(reason) > LONGEST or not reason.isprintable():
            raise InputError(f"A reason has at most {LONGEST} printable characters.")
        counts[reason] = counts.get(reason, 0) + one["subjects"]
    if len(counts) > MOST:
        raise InputError(f"A screening log has at most {MOST} reasons.")
    if any(not 0 < count < LARGEST for count in counts.values()):
        raise InputError(f"Each reason has 1 to {LARGEST - 1:,} subjects.")
    if study_for_update(study).state == State.LOCKED:
        raise InputError("A locked study cannot change.")
    found = [{"reason": reason, "subjects": count} for reason, count in counts.items()]
    ensure_sealed(study=study, seals=SEALS)
    if found != exclusions_of(study):
        ScreeningLog.objects.update_or_create(study=study, defaults={"exclusions": found})
        record(
            study=study, action=Action.SCREENING_LOG_CHANGED, actor=actor, subjects=sum(counts.values()), seals=SEALS
        )
