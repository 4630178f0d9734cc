"""Read the names of an upload's volume files again, by another pattern. What is kept of them is masked."""

from collections import Counter
from dataclasses import dataclass

from django.db import transaction

from processing.deidentify.engine import pseudonym
from processing.errors import InputError
from processing.ingest.arm_hints import MAY_BE_ONE
from processing.ingest.file_names import BIDS, NNUNET, read_names
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.intake.certainty import settle
from readerstudy.intake.models import Candidate, Upload
from readerstudy.intake.placing import Subjects
from readerstudy.intake.pseudonyms import pseudonym_key
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import ensure_takes_material

USUAL = (
    "{subject}_{region}_{weighting}_{arm}",
    "{subject}_{arm}",
    "{subject}/{skip}_{arm}",
    "{arm}/{subject}",
    BIDS,
    NNUNET,
)
LOOKED_AT = 200  # names of an upload, to say how they are read
SEVERAL = {"code": "several_patients", "text": MAY_BE_ONE}


@dataclass(frozen=True)
class NamedUpload:
    """An upload of which volume files wait: how many, how their names are read, and one of them masked."""

    number: int
    files: int
    pattern: str
    example: str


def named_uploads(study: ReaderStudy) -> list[NamedUpload]:
    """Uploads of which volume files wait to be confirmed, the newest first."""
    waiting = study.candidates.filter(state=Candidate.State.PROPOSED).exclude(masked_name="")
    names: dict[int, list[str]] = {}
    for number, name in waiting.order_by("-upload", "pk").values_list("upload", "masked_name"):
        names.setdefault(number, []).append(name)
    patterns = dict(Upload.objects.filter(pk__in=names).values_list("pk", "pattern"))
    arms = list(study.arms.values_list("code", flat=True))
    return [
        NamedUpload(number, len(own), patterns[number] or _usual(own, arms), own[0]) for number, own in names.items()
    ]


def _usual(names: list[str], arms: list[str]) -> str:
    return Counter(reading.pattern for reading in read_names(names[:LOOKED_AT], arms=arms)).most_common(1)[0][0]


@transaction.atomic
def read_again(*, upload: Upload, pattern: str, actor: User | None) -> int:
    """Propose subject, region, weighting and arm of an upload's waiting volume files as the pattern reads their names.

    An empty pattern leaves it to the names. Returns how many were read; InputError if it is no pattern, or none waits.
    """
    study = upload.study
    ensure_takes_material(study)
    waiting = upload.candidates.filter(state=Candidate.State.PROPOSED).exclude(masked_name="")
    candidates = list(waiting.order_by("pk"))
    if not candidates:
        raise InputError("No volume file of this upload waits to be confirmed.")
    arms = {arm.code: arm for arm in study.arms.all()}
    readings = read_names([one.masked_name for one in candidates], pattern=pattern, arms=arms)
    waiting.update(subject_code="", subject_key="")
    key, subjects = pseudonym_key(study), Subjects(study)
    for candidate, reading in zip(candidates, readings, strict=True):
        candidate.subject_key = pseudonym(key, f"nifti {reading.subject}")
        candidate.subject_code = subjects.code(candidate.subject_key)
        candidate.arm = arms.get(reading.arm or "")
        candidate.region = reading.region or candidate.region
        candidate.weighting = reading.weighting or candidate.weighting
        candidate.doubt, candidate.why = reading.doubt, "by the file name"
        others = [one for one in candidate.cautions if one["code"] != SEVERAL["code"]]
        candidate.cautions = [*others, SEVERAL] if reading.several else others
    fields = ["subject_key", "subject_code", "arm", "region", "weighting", "doubt", "why", "cautions"]
    Candidate.objects.bulk_update(candidates, fields, batch_size=500)
    Upload.objects.filter(pk=upload.pk).update(pattern=pattern)
    settle(study)
    record(
        study=study,
        action=Action.FILE_NAMES_READ,
        actor=actor,
        upload=upload.pk,
        files=len(candidates),
        pattern=pattern,
    )
    return len(candidates)
