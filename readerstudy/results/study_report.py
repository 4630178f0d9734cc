"""The report of a closed study: the page of `python -m analysis report`, with what only the site knows."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db.models import Q

from analysis import scan_times
from analysis.errors import InputError
from analysis.report.study import flow, page
from readerstudy.images.analyses import read_table
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import charter, unblinding
from readerstudy.reading.models import Presentation
from readerstudy.results import finding_pictures
from readerstudy.results.exports import protocol_json, table_csv
from readerstudy.results.services import Results

Radiomics = Mapping[str, Any]  # of `services.radiomics_or_job`


def html(study: ReaderStudy, made: Results, radiomics: Radiomics, *, paper: str, pictures: bool = False) -> str:
    """The report as a page for this paper; ``pictures``: with the images of what readers found."""
    assert made.reading is not None
    sources = _sources(study, made, radiomics)
    if pictures:
        shown, note = finding_pictures.pictures(study, made.findings)
        sources = replace(sources, pictures=shown, pictures_note=note)
    return page.page(made.reading, sources, paper=paper, title=study.title)


def bibtex(study: ReaderStudy, made: Results, radiomics: Radiomics) -> str:
    """The sources of its methods."""
    assert made.reading is not None
    return "".join(f"{one.bibtex}\n" for one in page.cited(made.reading, _sources(study, made, radiomics)))


def _sources(study: ReaderStudy, made: Results, radiomics: Radiomics) -> page.Sources:
    cases = _cases(study)
    with tempfile.TemporaryDirectory() as folder:
        series = read_table("series", table_csv(study, "series"), Path(folder))
    try:
        times = None if series is None else scan_times.analyse(series := flow.of_read_cases(series, cases))
    except InputError:  # no series was acquired
        times = None
    return page.Sources(
        cases=cases,
        protocol=json.loads(protocol_json(study)),
        series=series,
        scan_times=times,
        images=made.images,
        stability=radiomics.get("results-stability"),
        volumes=radiomics.get("results-volumes"),
        plan=version.content.get("plan") if (version := charter.last_kept(study)) else None,
        files=_hashes(study, made),
        unblindings=_unblindings(study),
    )


def _cases(study: ReaderStudy) -> flow.StudyCases:
    """All cases but those for training; of withdrawn subjects those that readers were to see.

    Who was for training alone is told by code, whether withdrawn later or not.
    """
    own = study.cases.filter(training=False)
    meant = own.filter(Q(subject__withdrawn_at=None) | Q(presentations__kind=Presentation.Kind.MAIN))
    shown = study.presentations.filter(kind=Presentation.Kind.MAIN, state=Presentation.State.CONFIRMED)
    trained = study.subjects.filter(cases__training=True).exclude(pk__in=own.values("subject"))
    return flow.StudyCases(
        set(meant.values_list("subject__code", "code")),
        set(shown.values_list("case__subject__code", "case__code")),
        set(trained.values_list("code", flat=True)),
    )


def _hashes(study: ReaderStudy, made: Results) -> dict[str, str]:
    version = charter.last_kept(study)
    return {
        "all files that were analysed": made.sha256,
        "schedule": study.schedule_sha256,
        **({f"charter, version {version.number}": version.sha256} if version else {}),
        **({"everything, as locked": study.lock_sha256} if study.lock_sha256 else {}),
    }


def _unblindings(study: ReaderStudy) -> list[dict[str, str]]:
    return [
        {
            "at": f"{event.at:%Y-%m-%d %H:%M}",
            "what": str(event.data["what"]),
            "reason": str(event.data["reason"]),
            "impact": str(assessed.data["assessment"]) if assessed else "not assessed",
        }
        for event, assessed in unblinding.with_assessments(study)
    ]
