"""That nothing in a file which leaves a study tells who somebody is: not the people of the study, not a patient.

Known are the accounts of the study: names, user names and addresses. Of patients the site keeps no identity; what looks
like one all the same is found by its form: an address, a UID of DICOM, a name as DICOM writes names.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

from django.db.models import Q

from analysis.report.result_codebook import BEGINNINGS, ENDS
from analysis.tables import TABLES, schema
from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.protocol.models import ReaderStudy

FORMS = {
    "an address": re.compile(r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}"),
    "a UID of DICOM": re.compile(
        r"(?<![\w.])(?:[012](?:\.(?:0|[1-9]\d*)){6,}|2\.25\.[1-9]\d{9,38})(?!\w|\.\w)"  # 2.25: made of a UUID
    ),
    "a name as DICOM writes it": re.compile(r"\b[^\W\d_]{2,}\^[^\W\d_]"),
}
HINTS = {"an address": "@", "a UID of DICOM": ".", "a name as DICOM writes it": "^"}  # without which there is none
SHORTEST = 3  # letters of a name; shorter ones are codes
WORD = re.compile(r"[\w.-]+")
PART = re.compile(r"[.-]")


class Guard:
    """Lets the pieces of files pass that identify nobody."""

    def __init__(self, study: ReaderStudy) -> None:
        self.names = names_of(study)

    def passed(self, file: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces, each of whole lines. InputError, naming file and line, before one leaves that tells of somebody.

        What it tells is not repeated: the sentence goes into logs.
        """
        lines = 0
        for piece in pieces:
            text = piece.decode()
            if found := self._found(text):
                what, place = found
                line = lines + text.count("\n", 0, place) + 1
                raise InputError(f"{file}, line {line}, holds {what}: the zip would tell who somebody is.")
            lines += text.count("\n")
            yield piece

    def _found(self, text: str) -> tuple[str, int] | None:
        folded = text.casefold()
        for name, what in self.names.items():
            # Most texts hold no part of a name: a plain search is fast, borders are looked at where it hits.
            if name in folded and (hit := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", folded)):
                return what, hit.start()
        for what, form in FORMS.items():
            if HINTS[what] in text and (hit := form.search(text)):
                return what, hit.start()
        return None


def names_of(study: ReaderStudy) -> dict[str, str]:
    """Names of the people of a study, members and those in its log, in small letters -> what each is.

    Left out is what tells nothing: codes of readers, words that stand in every file, such as a user name `admin`, and
    those that name the study, its arms, criteria and sites.
    """
    people = User.objects.filter(Q(memberships__study=study) | Q(pk__in=study.events.values("actor"))).distinct()
    codes = {code.casefold() for code in study.memberships.values_list("code", flat=True)}
    found: dict[str, str] = {}
    for person in people:
        found[person.username] = "a user name"
        found[person.email] = "an address"
        found[f"{person.first_name} {person.last_name}".strip()] = "a name"
        found[f"{person.last_name} {person.first_name}".strip()] = "a name"
        found[f"{person.last_name}, {person.first_name}"] = "a name"
    folded = {name.casefold(): what for name, what in found.items()}
    plain = codes | _words() | _words_of(study)
    return {name: what for name, what in folded.items() if len(name) >= SHORTEST and name not in plain}


@cache
def _words() -> frozenset[str]:
    """What the schemas of all tables and the codebook of results say, and the roles: words of the product."""
    texts = ["admin analyst reader", *chain(*BEGINNINGS.items(), *ENDS.items())]
    for table in TABLES:
        about = schema(table)
        texts += [about["description"], *(f"{field['name']} {field['description']}" for field in about["fields"])]
        texts += [" ".join(field.get("constraints", {}).get("enum", ())) for field in about["fields"]]
    return _single(texts)


def _words_of(study: ReaderStudy) -> frozenset[str]:
    """What the study, its arms, criteria and sites are called, which everybody who has its tables sees."""
    rows = (
        study.arms.values_list("code"),
        study.criteria.values_list("code", "name", "asks", "better"),
        study.sites.values_list("code", "name"),
    )
    return _single([study.slug, study.title, *chain(*chain(*rows))])


def _single(texts: Iterable[str]) -> frozenset[str]:
    """The words of texts in small letters, those with a dot or hyphen whole and in parts."""
    words = {word.strip(".-") for word in WORD.findall(" ".join(texts).casefold())}
    return frozenset(words.union(*(PART.split(word) for word in words)))
