"""What a report of a reader study holds, in order: the printed one and the pages of the site."""

from collections.abc import Callable
from dataclasses import dataclass

from analysis.report.table import Colours, Names, Results, Table
from analysis.report.tables import (
    agreement,
    components,
    family,
    integrity,
    margins,
    missing,
    p_values,
    ranking,
    readers,
    sensitivity,
    subgroups,
)


@dataclass(frozen=True)
class ReportSection:
    """Some tables under one title."""

    title: str
    tables: Callable[[Results, Names, Colours], list[Table]]


def _tests(results: Results, names: Names, colours: Colours) -> list[Table]:
    return [
        p_values.every_test(results, names),
        margins.margins(results, names),
        family.family(results, names),
        *sensitivity.random_readers(results, names),
        ranking.ranking(results, names, colours),
    ]


def _sensitivity(results: Results, names: Names, colours: Colours) -> list[Table]:
    return [
        sensitivity.regression(results, names),
        sensitivity.mixed(results, names),
        missing.missing(results, names),
        missing.pattern(results, names),
        sensitivity.displays(results, names),
    ]


def _agreement(results: Results, names: Names, colours: Colours) -> list[Table]:
    return [
        agreement.pairs_of_readers(results),
        agreement.all_readers(results, names),
        agreement.repeats(results),
        components.components(results, names),
    ]


def _readers(results: Results, names: Names, colours: Colours) -> list[Table]:
    return [
        readers.side_bias(results),
        readers.reading_time(results),
        readers.drift(results),
        readers.screening(results),
        components.readers_apart(results),
        sensitivity.checks(results),
        readers.means(results, names),
    ]


def _integrity(results: Results, names: Names, colours: Colours) -> list[Table]:
    return [integrity.integrity(results, colours), integrity.blinding(results)]


def _subgroups(results: Results, names: Names, colours: Colours) -> list[Table]:
    return subgroups.subgroups(results, names)


SECTIONS = {
    "tests": ReportSection("Tests", _tests),
    "sensitivity": ReportSection("Sensitivity", _sensitivity),
    "agreement": ReportSection("Agreement", _agreement),
    "readers": ReportSection("Readers", _readers),
    "integrity": ReportSection("Integrity and blinding", _integrity),
    "subgroups": ReportSection("Subgroups", _subgroups),
}
