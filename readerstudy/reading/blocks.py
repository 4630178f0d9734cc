"""Amendments to a schedule: numbered blocks, each with a balance of its own, behind everything scheduled before.

A block is made by the rule of the opening from what its amendment keeps (`data`), so that it can be made again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from django.db.models import Max

from readerstudy.accounts.models import Membership
from readerstudy.material.models import Case
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import answers
from readerstudy.reading.models import Presentation
from readerstudy.reading.planning import made_from, schedule_inputs
from readerstudy.reading.schedule import Entry, Schedule


def block_seed(seed: int, number: int) -> int:
    """The seed of an amendment, from the study's: 48 bits of SHA-256."""
    return int.from_bytes(hashlib.sha256(f"{seed}:amendment {number}".encode()).digest()[:6])


def block_data(
    study: ReaderStudy, *, number: int, readers: Sequence[Membership], cases: Sequence[Case], parts: int
) -> dict:
    """What a block is made from: cases to be read by these readers, in so many parts (the study's, or 1: its last)."""
    last = dict(study.presentations.values_list("reader__code").annotate(Max("position")))
    return {
        "seed": block_seed(study.seed, number),
        "inputs": {
            **schedule_inputs(study),
            "readers": sorted(reader.code for reader in readers),
            "parts": parts,
            "cases": sorted([case.code, case.subject.code, case.training] for case in cases),
        },
        "after": {reader.code: last.get(reader.code, 0) for reader in readers},
        "first_part": study.parts - parts + 1,
    }


def block_schedule(data: dict) -> Schedule:
    """The presentations of a block where they stand in their readers' lists."""
    made, after = made_from(data["seed"], data["inputs"]), data["after"]
    entries = tuple(
        replace(
            entry,
            position=entry.position + after[entry.reader],
            repeat_of=entry.repeat_of and entry.repeat_of + after[entry.reader],
            part=entry.part + data["first_part"] - 1,
        )
        for entry in made.entries
    )
    return replace(made, entries=entries)


def store(study: ReaderStudy, entries: Sequence[Entry], *, block: int) -> int:
    """Make the presentations of a schedule; returns how many."""
    readers = {member.code: member for member in study.memberships.filter(role="reader")}
    cases = {case.code: case for case in study.cases.all()}
    comparisons = {c.code: c for c in study.comparisons.select_related("first", "second")}
    rows: dict[tuple[str, int], Presentation] = {}
    for kinds in (("training", "main"), ("repeat",)):
        batch = [
            Presentation(
                study=study,
                reader=readers[e.reader],
                position=e.position,
                part=e.part,
                block=block,
                kind=e.kind,
                case=cases[e.case],
                comparison=comparisons[e.comparison],
                first_side=e.first_side,
                repeat_of=rows[e.reader, e.repeat_of] if e.repeat_of else None,
            )
            for e in entries
            if e.kind in kinds
        ]
        for row in Presentation.objects.bulk_create(batch):
            rows[row.reader.code, row.position] = row
    answers.start_chains(rows.values())
    return len(rows)
