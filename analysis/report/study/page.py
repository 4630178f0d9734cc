"""The whole report of a reader study as one page for a browser or a printer."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import Any

import pandas as pd

from analysis.formats import capitalised
from analysis.report import charter, render, table_cells
from analysis.report.contents import SECTIONS
from analysis.report.document import colours
from analysis.report.study import checklist as checklists
from analysis.report.study import cohort, flow, image_quality, models, paragraphs, radiomics
from analysis.report.study.notes import NotedTable, noted
from analysis.report.study.paragraphs import Sentence
from analysis.report.study.references import Reference, all_references
from analysis.report.table import Figure, Names, Results, Table
from analysis.report.tables import agreement, preference
from analysis.report.tables.manuscript import manuscript
from analysis.report.tables.primary_hypothesis import hypothesis

PACKAGES = ("numpy", "scipy", "pandas")  # whose numbers these are


@dataclass(frozen=True)
class Picture:
    """Images of one case side by side: ``data``, a PNG in base64; ``alt``, what it shows; ``caption``."""

    data: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Section:
    """One numbered section: paragraphs, figures, tables, pictures; ``part`` names a part of the template that it has
    besides."""

    key: str
    title: str
    paragraphs: Sequence[Sequence[Sentence]] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[NotedTable] = ()
    caption: str = ""
    part: str = ""
    pictures: Sequence[Picture] = ()
    checklist: checklists.Checklist | None = None


@dataclass(frozen=True)
class Sources:
    """What a report is made of beside the results of ``analysis.reading.analyse``.

    cases: those meant to be read and those read; protocol: as protocol.json has it; series: the table, of the cases
    that were read; scan_times, images: results of ``analysis.scan_times``, of these series, and
    ``analysis.image_metrics``; stability, volumes: of ``analysis.stability`` and ``analysis.in_volumes``; pictures:
    what readers reported, images side by side, and ``pictures_note`` which those are; plan: of
    ``analysis.sample_size.plan``, as the charter took it; files: SHA-256 of what was read; unblindings: rows of ``at``,
    ``what``, ``reason``, ``impact``, None where the site is not asked.
    """

    cases: flow.StudyCases
    protocol: Mapping[str, Any] = field(default_factory=dict)
    series: pd.DataFrame | None = None
    scan_times: Mapping[str, Any] | None = None
    images: Mapping[str, Any] | None = None
    stability: Mapping[str, Any] | None = None
    volumes: Mapping[str, Any] | None = None
    pictures: Sequence[Picture] = ()
    pictures_note: str = ""
    plan: Mapping[str, Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    unblindings: Sequence[Mapping[str, str]] | None = None


def page(results: Results, sources: Sources, *, paper: str = "A4", title: str = "") -> str:
    """The report as a page that needs nothing but itself."""
    protocol = sources.protocol
    names = {str(one["id"]): str(one.get("name") or one["id"]) for one in protocol.get("criteria") or ()}
    title = title or str(protocol.get("title") or protocol.get("study") or "Reader study")
    found = sections(results, sources, names)
    keys = [one.key for one in found]
    said = [sentence for one in found for paragraph in one.paragraphs for sentence in paragraph]
    keyed = list(dict.fromkeys(key for sentence in said for key in sentence.sources))
    return render.dossier(
        "report.html",
        title=title,
        kind="Report",
        head=f"Report · {title}",
        paper=paper,
        sections=found,
        warnings=[*paragraphs.synthetic(protocol), *results["warnings"]],
        hypothesis=hypothesis(results, names),
        stages=flow.stages(results, protocol, sources.series, sources.cases),
        numbers={key: place for place, key in enumerate(keys, 1)},
        titles={one.key: one.title for one in found},
        conventions=results["conventions"],
        references=[all_references()[key] for key in keyed],
        citations={key: place for place, key in enumerate(keyed, 1)},
    )


def cited(results: Results, sources: Sources) -> list[Reference]:
    """The sources that the report of these results names, for BibTeX."""
    found = sections(results, sources, {})
    said = (sentence for one in found for paragraph in one.paragraphs for sentence in paragraph)
    return [all_references()[key] for key in dict.fromkeys(key for one in said for key in one.sources)]


def sections(results: Results, sources: Sources, names: Names) -> list[Section]:
    """All sections, in order; those without anything to say are left out."""
    protocol = sources.protocol
    palette = colours(arm for cell in results["comparisons"] for arm in (cell["first"], cell["second"]))
    simulated = " ".join(paragraphs.not_acquired(results, protocol))
    found = [
        Section("summary", "Summary", [[one] for one in paragraphs.findings(results, names, protocol)], part="summary"),
        Section("methods", "Methods", [paragraphs.methods(results, protocol, names, sources.plan)]),
        Section("flow", "Flow of the study", part="flow"),
    ]
    if protocol.get("criteria"):
        whole = charter.whole(protocol)
        asked = next((one for one in charter.parts(whole) if one.key == "criteria"), None)
        if asked:
            said = [[Sentence(words)] for words in asked.sentences]
            found.append(Section("criteria", "Criteria", said, tables=[noted(one) for one in asked.tables]))
    if sources.scan_times:
        tables = cohort.tables(sources.scan_times)
        found.append(Section("cohort", "Cohort, scanners, scan times", tables=_noted(tables, simulated)))
    networks = models.table(protocol, sources.series)
    if networks:
        found.append(Section("models", "Models", tables=_noted([networks], simulated)))
    rows = preference.preferences(results, names, palette)
    first = replace(
        preference.one_per_row(rows, results), row_ids=[paragraphs.row_of(place) for place in range(len(rows))]
    )
    found.append(
        Section(
            "preference",
            "Preference",
            figures=preference.net_preferences(results, names, palette),
            caption=preference.net_preference_caption(results),
            tables=_noted([first], simulated),
        )
    )
    for_paper = _noted(_for_paper(results, rows, names), simulated)
    found.append(Section("manuscript", "Tables for a paper", tables=for_paper))
    for key, section in SECTIONS.items():
        tables = section.tables(results, names, palette)
        if key == "agreement":
            tables = [agreement.by_cell(results, names), *tables]
        made = Section(key, section.title, tables=_noted(tables, simulated if key == "tests" else ""))
        if key == "integrity" and sources.pictures_note:
            note = [[Sentence(sources.pictures_note)]]
            made = replace(made, paragraphs=note, pictures=sources.pictures)
        found.append(made)
    if sources.images:
        measured = _noted([image_quality.table(sources.images)], simulated)
        found.append(Section("images", "Image metrics", tables=measured))
    if sources.stability or sources.volumes:
        found.append(
            Section(
                "radiomics",
                "Radiomics",
                paragraphs=[radiomics.methods(sources.stability, sources.volumes)],
                figures=radiomics.figures(sources.stability, palette),
                caption=radiomics.caption(sources.stability),
                tables=_noted(radiomics.tables(sources.stability, sources.volumes), simulated),
            )
        )
    found.append(Section("changes", "Amendments and unblindings", tables=_noted(_changes(sources), "")))
    provenance = Section(
        "provenance", "Where the numbers come from", tables=_noted([_files(sources), versions()], ""), part="how"
    )
    keys = [*(one.key for one in found), "provenance"]
    told = {item for one in found for paragraph in one.paragraphs for said in paragraph for item in said.answers}
    lists = [("Checklist: GRRAS", checklists.grras(keys, told), "kottner2011")]
    if networks:
        lists.append(("Checklist: CLAIM", checklists.claim(keys, told), "tejani2024"))
    for title, items, source in lists:
        where = [[Sentence(checklists.WORDS, sources=(source,))]]
        found.append(Section(items.key, title, where, part="checklist", checklist=items))
    found.append(provenance)
    found.append(Section("references", "References", part="references"))
    return found


def _noted(tables: Sequence[Table], simulated: str) -> list[NotedTable]:
    """Tables for paper, each with that its images are simulated where they are."""
    return [noted(replace(one, note=" ".join(filter(None, (simulated, capitalised(one.note)))))) for one in tables]


def _for_paper(results: Results, rows: Sequence[preference.Preference], names: Names) -> list[Table]:
    """The tables of a manuscript, a row per comparison and criterion, so that any number of them fits the page."""
    published, clustered, agreed = manuscript(results, rows, names)
    columns = {
        published.key: ("mean_sd", "p", "counts"),
        clustered.key: ("net", "net_interval", "p_clustered", "p_holm"),
    }
    tables = [
        Table(
            table.key,
            table.title,
            table.note,
            ["Comparison", "Criterion", *(preference.HEADS[name] for name in columns[table.key])],
            [
                [
                    *table_cells.words(f"{row.first} vs {row.second}", row.criterion),
                    *(getattr(row, name) for name in columns[table.key]),
                ]
                for row in rows
            ],
            words=2,
        )
        for table in (published, clustered)
    ]
    return [*tables, replace(agreed, style="list")]


def _changes(sources: Sources) -> list[Table]:
    amendments = sources.protocol.get("amendments") or ()
    tables = [
        Table(
            "amendments",
            "Amendments",
            heads=["No.", "Date", "Kind", "What", "Reason"],
            rows=table_cells.amendments(amendments),
            words=5,
            reason="" if amendments else "the protocol names none",
        )
    ]
    if sources.unblindings is not None:
        heads = ["At", "What", "Reason", "Impact"]
        rows = [table_cells.words(*(one[name.lower()] for name in heads)) for one in sources.unblindings]
        reason = "" if rows else "nobody was unblinded before the study was closed"
        tables.append(Table("unblindings", "Unblindings", heads=heads, rows=rows, words=4, reason=reason))
    return tables


def versions() -> Table:
    """What computed the numbers."""
    rows = [table_cells.words("Python", platform.python_version())]
    rows += [table_cells.words(name, metadata.version(name)) for name in PACKAGES]
    return Table("versions", "Software", heads=["", "Version"], rows=rows, words=2)


def _files(sources: Sources) -> Table:
    protocol = sources.protocol
    rows = [table_cells.words(name, sha256) for name, sha256 in sources.files.items()]
    rows += [
        table_cells.words(words, str(protocol[name]))
        for name, words in (("sha256", "protocol, as frozen"), ("seed", "seed of the schedule"))
        if protocol.get(name) is not None
    ]
    reason = "" if rows else "the files were not named"
    return Table("sources", "Files", heads=["File", "SHA-256"], rows=rows, words=2, reason=reason)
