"""After the end of the list: which image does the reader believe was which? For the blinding index."""

import random
from collections import defaultdict
from itertools import zip_longest

from readerstudy.accounts.models import Membership
from readerstudy.protocol.models import Arm
from readerstudy.reading.models import Guess, Presentation

WORDS = {
    ("reference", "standard"): "the standard scan",
    ("accelerated", "standard"): "the faster scan",
    ("reference", "dl"): "the standard scan with deep learning",
    ("accelerated", "dl"): "the faster scan with deep learning",
}


def sample(member: Membership) -> list[Presentation]:
    """The confirmed main pairs that are asked about: as many as the protocol says, drawn by the study's seed, the
    comparisons in turn."""
    mine = Presentation.objects.filter(reader=member, state="confirmed", kind="main").order_by("position")
    by_comparison = defaultdict(list)
    for one in mine.select_related("study", "reader", "case__subject", "comparison__first", "comparison__second"):
        by_comparison[one.comparison_id].append(one)
    chance = random.Random(f"{member.study.seed}:{member.code}:guesses")  # noqa: S311  reproducible on purpose
    shuffled = [chance.sample(found, len(found)) for _, found in sorted(by_comparison.items())]
    turns = [one for turn in zip_longest(*shuffled) for one in turn if one is not None]
    return turns[: member.study.guesses]


def pair_to_ask_about(member: Membership) -> Presentation | None:
    """The pair that is asked about now; None before the end of the list, and when all are answered."""
    mine = Presentation.objects.filter(reader=member)
    if not member.study.guesses or mine.exclude(state__in=["confirmed", "void"]).exists():
        return None
    answered = set(Guess.objects.filter(presentation__reader=member).values_list("presentation", flat=True))
    return next((one for one in sample(member) if one.pk not in answered), None)


def question(presentation: Presentation) -> dict:
    """What is asked: the same words on whichever side the arms stand."""
    first, second = _words(presentation.comparison.first), _words(presentation.comparison.second)
    done = Guess.objects.filter(presentation__reader=presentation.reader).count()
    return {
        "question": f"One image is {first}, the other {second}. Which one is {first}?",
        "number": done + 1,
        "of": len(sample(presentation.reader)),
    }


def _words(arm: Arm) -> str:
    return WORDS.get((arm.acquisition, arm.reconstruction), arm.code)
