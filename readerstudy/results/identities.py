"""That nothing in a file which leaves a study tells who somebody is: not the people of the study, not a patient.

Known are the accounts of the study: names, surnames alone, user names and addresses. Of patients the site keeps no
identity; what looks like one is found by its form: an address, a UID of DICOM, a name as DICOM writes names.

Not found: a patient's name in plain words, a first name alone, initials, another spelling, but for umlauts and accents
that were written out or left away (Müller, Mueller, Muller). A surname alone is looked
for with a capital letter or in capitals, if it has four letters or more and is no word of reports, of the study or of
the product; in the report on a study neither is one of those whose methods it cites.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from itertools import chain, islice

from django.db.models import Q, QuerySet

from analysis.report.result_codebook import BEGINNINGS, ENDS
from analysis.tables import TABLES, schema
from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.archive.downloads import Row
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
SHORTEST_SURNAME = 4  # letters of a surname that stands alone
ROWS = 500  # of a table, looked through together
WORD = re.compile(r"[\w.-]+")
WRITTEN_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "ß": "ss"}
    | {"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Aa", "Ø": "Oe", "Æ": "Ae"}
)
BARE = str.maketrans({"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "ß": "ss"})
# Surnames that begin remarks on images more often than they mean somebody.
OF_REPORTS = frozenset(
    WORD.findall(
        "back baker banks berry best black bone bright brown burns church clear coil cook "
        "cord cross dark disc down early field flair foot frame fuller grant gray green "
        "grey hand hard head heart high hill hunt lake lane large late light little "
        "long low main marks marrow mass moss neck noise page park parks perfect pike "
        "plain poole price rich ridge root sharp short side signal small smart spine spring "
        "stern stone strong swift upper wall water weeks well wells white wide wild winter "
        "wise wood woods young "
    )
)
PART = re.compile(r"[.-]")


TELLS = "it would tell who somebody is."
HEADINGS = ("h1", "h2", "h3")
WITHIN_WORDS = {"a", "abbr", "b", "code", "em", "i", "mark", "small", "span", "strong", "sub", "sup"}


class Guard:
    """Lets the pieces of files pass that identify nobody; `as_it_is` all of them, by somebody's decision."""

    def __init__(self, study: ReaderStudy, *, as_it_is: bool = False) -> None:
        plain = _plain(study)
        self.names = {} if as_it_is else names_of(study, plain)
        self.surnames = {} if as_it_is else surnames_of(study, plain)
        self.forms = {} if as_it_is else FORMS

    def passed(self, file: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces, each of whole lines. InputError, naming file and line, before one leaves that tells of somebody.

        What it tells is not repeated: the sentence goes into logs.
        """
        lines = 0
        for piece in pieces:
            text = piece.decode()
            self.ensure(file, text, lines)
            lines += text.count("\n")
            yield piece

    def ensure(self, file: str, text: str, lines: int = 0) -> None:
        """InputError if the text, which so many lines of the file come before, tells of somebody."""
        if found := self._found(text):
            what, before = found
            raise _telling(file, lines + before + 1, what)

    def passed_rows(self, sheet: str, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows of a sheet below its head; raises as `passed` does."""
        first, left = 2, iter(rows)
        while some := list(islice(left, ROWS)):
            texts = ["\t".join(cell for cell in row.values() if isinstance(cell, str)) for row in some]
            if self._found("\n".join(texts)):
                for line, text in enumerate(texts, first):
                    if found := self._found(text):
                        raise _telling(f"Sheet {sheet}", line, found[0])
            first += len(some)
            yield from some

    def ensure_page(self, file: str, page: str) -> None:
        """InputError, naming the section, if what is read or heard of a page of HTML tells of somebody."""
        seen = _Seen()
        seen.feed(page)
        own = _words_of_report()
        for heading, texts in seen.sections:
            if found := self._found("".join(texts), but=own):
                place = f", section {' '.join(heading)}," if heading else ""
                raise InputError(f"{file}{place} holds {found[0]}: {TELLS}")

    def _found(self, text: str, but: frozenset[str] = frozenset()) -> tuple[str, int] | None:
        """What tells of somebody, and how many lines come before; but: names in small letters that mean nobody here."""
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)  # an accent may stand by itself
        folded = text.casefold()
        for name, what in self.names.items():
            # Most texts hold no part of a name: a plain search is fast, borders are looked at where it hits.
            if name in but:
                continue
            if name in folded and (hit := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", folded)):
                return what, folded.count("\n", 0, hit.start())
        for name, written in self.surnames.items():
            if name not in but and name in folded and (hit := written.search(text)):
                return "a surname", text.count("\n", 0, hit.start())
        for what, form in self.forms.items():
            if HINTS[what] in text and (hit := form.search(text)):
                return what, text.count("\n", 0, hit.start())
        return None


class _Seen(HTMLParser):
    """The texts of a page by section, with those that are heard; without style sheets and what images are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[tuple[list[str], list[str]]] = [([], [])]  # words of the heading, texts
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HEADINGS:
            self.sections.append(([], []))
        self._part(tag)
        if tag in (*HEADINGS, "style", "script"):
            self._open.append(tag)
        for name, value in attrs:
            if name in ("alt", "title", "aria-label", "content") and value:
                self.sections[-1][1].append(f"\n{value}\n")

    def handle_endtag(self, tag: str) -> None:
        self._part(tag)
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        if "style" in self._open or "script" in self._open:
            return
        heading, texts = self.sections[-1]
        if any(tag in self._open for tag in HEADINGS):
            heading.extend(data.split())
        texts.append(data)

    def _part(self, tag: str) -> None:
        """What stands on both sides of this tag is no word, unless it only looks otherwise there."""
        if tag not in WITHIN_WORDS:
            self.sections[-1][1].append("\n")


def _telling(file: str, line: int, what: str) -> InputError:
    return InputError(f"{file}, line {line}, holds {what}: {TELLS}")


def _people(study: ReaderStudy) -> QuerySet[User]:
    """Members, and those in the log."""
    return User.objects.filter(Q(memberships__study=study) | Q(pk__in=study.events.values("actor"))).distinct()


def _plain(study: ReaderStudy) -> frozenset[str]:
    """What names nobody, in small letters."""
    codes = {code.casefold() for code in study.memberships.values_list("code", flat=True)}
    return frozenset(codes | _words() | _words_of(study))


def surnames_of(study: ReaderStudy, plain: frozenset[str] | None = None) -> dict[str, re.Pattern[str]]:
    """Surnames of the people of a study, in small letters -> how they are written where they mean somebody.

    plain: what names nobody, in small letters, if that is known already.
    """
    plain, found = (_plain(study) if plain is None else plain) | OF_REPORTS, {}
    for surname in _people(study).values_list("last_name", flat=True):
        for name in _spelled(surname):
            if len(name) >= SHORTEST_SURNAME and name.casefold() not in plain:
                ways = {name, name.capitalize(), name.title(), name.upper()}
                ways = ways - {name.casefold()} or ways  # a script without capitals
                found[name.casefold()] = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(ways)))})(?!\w)")
    return found


def _spelled(name: str) -> set[str]:
    """A name as it is, with umlauts written out, and without marks."""
    name = unicodedata.normalize("NFC", name)
    parted = unicodedata.normalize("NFD", name.translate(BARE))
    bare = "".join(one for one in parted if not unicodedata.combining(one))
    return {name, name.translate(WRITTEN_OUT), unicodedata.normalize("NFC", bare)}


def names_of(study: ReaderStudy, plain: frozenset[str] | None = None) -> dict[str, str]:
    """Names of the people of a study, members and those in its log, in small letters -> what each is.

    Left out is what tells nothing: codes of readers, words that stand in every file, such as a user name `admin`, and
    those that name the study, its arms, criteria and sites; plain: all that, if it is known already.
    """
    found: dict[str, str] = {}
    for person in _people(study):
        found[person.username] = "a user name"
        found[person.email] = "an address"
        if person.first_name:  # else it is a surname alone
            found[f"{person.first_name} {person.last_name}".strip()] = "a name"
            found[f"{person.last_name} {person.first_name}".strip()] = "a name"
            found[f"{person.last_name}, {person.first_name}"] = "a name"
    folded = {way.casefold(): what for name, what in found.items() for way in _spelled(name)}
    plain = _plain(study) if plain is None else plain
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


@cache
def _words_of_report() -> frozenset[str]:
    """What the report says of every study, with whom it cites."""
    texts, folders = [], [files("analysis.report")]
    while folders:
        for one in folders.pop().iterdir():
            if one.is_dir():
                folders.append(one)
            elif one.name.endswith((".py", ".html", ".bib")):
                texts.append(one.read_text(encoding="utf-8"))
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
