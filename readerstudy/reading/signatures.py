"""A reader stands by the answers of a finished part: with the password again, a meaning, a time and a hash."""

import hashlib

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import Membership
from readerstudy.audit.services import canonical, record
from readerstudy.reading.models import Presentation, Signature
from readerstudy.reading.seal import answers_sha256

MEANING = "These are my own readings, made without knowledge of the acquisitions."


def to_sign(member: Membership) -> list[int]:
    """Numbers of the parts that are read to the end and not signed."""
    mine = Presentation.objects.filter(reader=member).exclude(state="void").order_by()
    parts = mine.values("part").annotate(left=Count("pk", filter=~Q(state="confirmed"))).values_list("part", "left")
    signed = set(Signature.objects.filter(reader=member).values_list("part", flat=True))
    return sorted(part for part, left in parts if not left and part not in signed)


def is_signed(presentation: Presentation) -> bool:
    return Signature.objects.filter(reader=presentation.reader_id, part=presentation.part).exists()


def part_sha256(member: Membership, part: int) -> str:
    """SHA-256 over every confirmed pair of a part, in the order of the schedule."""
    mine = Presentation.objects.filter(reader=member, part=part, state="confirmed").order_by("position")
    mine = mine.select_related("reader", "case", "comparison__first", "comparison__second")
    return hashlib.sha256(canonical([answers_sha256(one) for one in mine])).hexdigest()


@transaction.atomic
def sign(*, member: Membership, password: str) -> list[Signature]:
    """Sign every finished part. InputError if the password is wrong or nothing is to be signed."""
    if not member.user.check_password(password):
        raise InputError("That is not your password. Nothing was signed.")
    parts = to_sign(member)
    if not parts:
        raise InputError("There is nothing to sign.")
    now, made = timezone.now(), []
    for part in parts:
        sha256 = part_sha256(member, part)
        one = Signature.objects.create(reader=member, part=part, meaning=MEANING, sha256=sha256, signed_at=now)
        record(
            study=member.study, action="reading signed", actor=member.user, reader=member.code, part=part,
            meaning=MEANING, sha256=sha256,
        )  # fmt: skip
        made.append(one)
    return made
