"""A reader stands by the answers of a finished part: proved once more, with a meaning, a time and a hash."""

import hashlib

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import Membership
from readerstudy.accounts.proofs import Proof
from readerstudy.audit.actions import Action
from readerstudy.audit.canonical import canonical
from readerstudy.audit.services import record
from readerstudy.reading.answer_hashes import answers_sha256
from readerstudy.reading.models import Presentation, Signature

MEANING = "These are my own readings, made without knowledge of the acquisitions."


def to_sign(member: Membership) -> list[int]:
    """Numbers of the parts that are read to the end and not signed, or to which pairs came after they were signed."""
    mine = Presentation.objects.filter(reader=member).exclude(state="void").order_by()
    left = Count("pk", filter=~Q(state="confirmed"))
    parts = mine.values("part").annotate(left=left, last=Max("confirmed_at")).values_list("part", "left", "last")
    signatures = Signature.objects.filter(reader=member).order_by().values_list("part")
    signed = dict(signatures.annotate(Max("signed_at")))
    return sorted(part for part, left, last in parts if not left and (part not in signed or signed[part] < last))


def is_signed(presentation: Presentation) -> bool:
    signed = Signature.objects.filter(reader=presentation.reader_id, part=presentation.part)
    return signed.filter(signed_at__gte=presentation.confirmed_at).exists()


def part_sha256(member: Membership, part: int) -> str:
    """SHA-256 over every confirmed pair of a part, in the order of the schedule; what became void later too."""
    mine = Presentation.objects.filter(reader=member, part=part, confirmed_at__isnull=False).order_by("position")
    mine = mine.select_related("reader", "case", "comparison__first", "comparison__second")
    return hashlib.sha256(canonical([answers_sha256(one) for one in mine])).hexdigest()


@transaction.atomic
def sign(*, member: Membership, proof: Proof) -> list[Signature]:
    """Sign every finished part. InputError if the proof is another person's or nothing is to be signed."""
    if proof.user != member.user:
        raise InputError("Somebody else has signed in. Nothing was signed.")
    parts = to_sign(member)
    if not parts:
        raise InputError("There is nothing to sign.")
    now, made = timezone.now(), []
    for part in parts:
        sha256 = part_sha256(member, part)
        one = Signature.objects.create(reader=member, part=part, meaning=MEANING, sha256=sha256, signed_at=now)
        record(
            study=member.study,
            action=Action.READING_SIGNED,
            actor=member.user,
            reader=member.code,
            part=part,
            meaning=MEANING,
            sha256=sha256,
            proved_by=proof.how,
            seals=[("signatures", str(one.pk))],
        )
        made.append(one)
    return made
