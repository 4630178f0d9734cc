"""read.R: every table of a study as a data frame of R, with factors, times and the words of the codebook."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analysis.cells import natural
from analysis.tables import schema
from readerstudy.accounts.models import Role
from readerstudy.images.in_volumes import reference_and_pairs
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.selectors import arms_of, comparisons_of

ARMS = ("arm", "first", "second", "reference", "test")  # columns that name one
KINDS = {"string": "text", "number": "number", "integer": "number", "boolean": "truth", "datetime": "time"}
HEAD = """# Every table of this folder as a data frame: source("read.R") in R, with this folder as working directory.
#
# Codes are factors with their levels in the order of the protocol, times are POSIXct in UTC, an empty cell is NA.
# attr(ratings$score, "label") says what a column means, criteria what the criteria are called.

.read <- function(file, kinds, levels, labels) {
  columns <- utils::read.csv(file, colClasses = "character", na.strings = "", check.names = FALSE, encoding = "UTF-8",
                             comment.char = "")
  for (name in names(columns)) {
    # An apostrophe keeps spreadsheets from taking a text for a formula; it is no part of the text.
    text <- sub("^'(?=[\\\\s\\\\h]*[=+@\\t\\r\\n＝＋－＠'-])", "", columns[[name]], perl = TRUE)
    column <- switch(if (name %in% names(kinds)) kinds[[name]] else "text",
      number = as.numeric(text),
      truth = text == "true",
      time = as.POSIXct(text, format = "%Y-%m-%dT%H:%M:%OSZ", tz = "UTC"),
      if (name %in% names(levels)) factor(text, union(levels[[name]], sort(unique(text)))) else text
    )
    if (name %in% names(labels)) attr(column, "label") <- labels[[name]]
    columns[[name]] <- column
  }
  columns
}

"""


def read_r(study: ReaderStudy, tables: Sequence[str], results: Mapping[str, Any]) -> str:
    """The script that reads these tables of a study; factors have the order of its protocol.

    It says too what was compared: the comparisons, the analyses that results holds, the reference arm of each, and the
    pairs of arms that were tested in volumes of interest.
    """
    arms, criteria = [arm.code for arm in arms_of(study)], list(study.criteria.all())
    readers = study.memberships.filter(role=Role.READER).values_list("code", flat=True)
    orders = {
        **dict.fromkeys(ARMS, arms),
        "comparison": [one.code for one in comparisons_of(study)],
        "criterion": [one.code for one in criteria],
        "reader": sorted(readers, key=natural),
    }
    parts = [HEAD, f"criteria <- {_vector({one.code: one.name for one in criteria})}\n"]
    for table in tables:
        fields = schema(table)["fields"]
        levels = {field["name"]: orders.get(field["name"]) or _enum(field) for field in fields}
        parts.append(
            f"\n{table} <- .read(\n  {_text(f'{study.slug}-{table}.csv')},\n"
            f"  kinds = {_vector({field['name']: KINDS.get(field['type'], 'text') for field in fields})},\n"
            f"  levels = {_list({name: values for name, values in levels.items() if values})},\n"
            f"  labels = {_vector({field['name']: field['description'] for field in fields})}\n)\n"
        )
    return "".join([*parts, _compared(study, results)])


def _compared(study: ReaderStudy, results: Mapping[str, Any]) -> str:
    asked = comparisons_of(study)
    references = {name: made["reference"] for name, made in results.items() if made.get("reference")}
    pairs = reference_and_pairs(study)[1] if "results-volumes" in results else []
    return (
        "\n# What was compared: by the protocol, in which analyses, with which arm.\n"
        f"comparisons <- data.frame(\n  first = {_texts(one.first.code for one in asked)},\n"
        f"  second = {_texts(one.second.code for one in asked)}\n)\n"
        f"analyses <- {_texts(results)}\nreference <- {_vector(references)}\n"
        f"volume_pairs <- data.frame(\n  a = {_texts(made for _, made in pairs)},\n"
        f"  b = {_texts(source for source, _ in pairs)}\n)\n"
    )


def _enum(field: Mapping) -> Sequence[str]:
    return field.get("constraints", {}).get("enum", ()) if field["type"] == "string" else ()


def _text(text: str) -> str:
    """A text as R writes it, in ASCII: R reads scripts in the encoding of its machine."""
    return f'"{"".join(map(_character, text))}"'


def _character(one: str) -> str:
    return one if one.isascii() and one.isprintable() and one not in '"\\' else f"\\U{{{ord(one):x}}}"


def _texts(texts: Iterable[str]) -> str:
    inside = ", ".join(map(_text, texts))
    return f"c({inside})" if inside else "character()"


def _vector(named: Mapping[str, str]) -> str:
    if not named:
        return "character()"
    inside = ",\n    ".join(f"{_text(name)} = {_text(value)}" for name, value in named.items())
    return f"c(\n    {inside}\n  )"


def _list(named: Mapping[str, Sequence[str]]) -> str:
    inside = ",\n    ".join(f"{_text(name)} = c({', '.join(map(_text, values))})" for name, values in named.items())
    return f"list(\n    {inside}\n  )" if named else "list()"
