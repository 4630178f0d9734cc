"""Where a reader reported a finding the report shows the arms side by side, if asked to, and says what they are."""

import base64
import io

import pytest
from PIL import Image

from analysis import reading
from analysis.report.study import flow, page
from readerstudy.protocol.services import create_study
from readerstudy.reading.preparing import prepare, replace_prepared
from readerstudy.results import finding_pictures
from tests import factories
from tests.analysis.test_result_tables import ratings
from tests.once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@made_once()
def study():
    study = create_study(title="Found", user=factories.make_user(staff=True), model_name="m")
    study.comparisons.exclude(first__code="SOC", second__code="FAST").delete()
    factories.two_acquisitions(study)
    case = study.cases.get()
    made = prepare(case, lambda share, doing: None)
    replace_prepared(case, made.pairs, made.check)
    return study


def found(**more) -> dict[str, str]:
    row = {"subject": "S01", "reader": "R1", "comparison": "SOC vs FAST", "arm": "FAST", "kind": "loss"}
    return {**row, "structure": "facet joint", "i": "8", "j": "20", "k": "4", **more}


def test_both_arms_stand_side_by_side_with_an_arrow_where_it_was_reported(study):
    code = study.cases.get().code
    (one,), note = finding_pictures.pictures(study, [found(case=code), found(case=code, reader="R2")])
    assert note.startswith("Images where readers reported a finding, 1 of 1 places.")
    assert "Reader R1 on SOC vs FAST: loss in FAST, facet joint; Reader R2" in one.caption
    assert "slice 5 of 6" in one.caption
    assert one.alt.startswith(f"Slice 5 of case {code} in SOC, FAST: ")
    shown = Image.open(io.BytesIO(base64.b64decode(one.data)))
    (unmarked,), _ = finding_pictures.pictures(study, [found(case=code, i="", j="")])
    without = Image.open(io.BytesIO(base64.b64decode(unmarked.data)))
    assert shown.size == without.size
    assert shown.tobytes() != without.tobytes()
    assert "No place was marked." in unmarked.caption


def test_what_is_gone_is_not_shown_and_that_is_said(study):
    study.subjects.update(withdrawn_at="2026-01-01T00:00Z")
    made, note = finding_pictures.pictures(study, [found(case=study.cases.get().code)])
    assert made == []
    assert "1 cannot be shown" in note
    assert finding_pictures.pictures(study, []) == (
        [],
        "No finding was reported on a main pair: there is no image to show.",
    )


def test_a_page_has_pictures_only_if_asked_for(study):
    results, cases = reading.analyse(ratings()), flow.cases_of(ratings(), None)
    made, note = finding_pictures.pictures(study, [found(case=study.cases.get().code)])
    assert "data:image/png" not in page.page(results, page.Sources(cases))
    with_them = page.page(results, page.Sources(cases, pictures=made, pictures_note=note))
    assert with_them.count('<img src="data:image/png;base64,') == 1
    assert f'alt="{made[0].alt}"' in with_them
