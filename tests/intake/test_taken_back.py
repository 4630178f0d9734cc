"""What is taken back is weighed again, and keeps what was said of it: its site, and that it may lack files."""

import pytest

from readerstudy.intake import undoing
from readerstudy.intake.certainty import settle
from readerstudy.intake.models import Candidate
from readerstudy.material.services import set_site
from tests import factories
from tests.confirmed import make_confirmed_study, series_of
from tests.once import made_once
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return make_confirmed_study()


def test_what_was_taken_back_is_not_certain_until_somebody_looks(study):
    one = undoing.back_to_confirm(series=series_of(study, "S01", "FAST"), actor=None)
    settle(study)
    one.refresh_from_db()
    assert (one.certain, one.objections) == (False, ["Taken back: look, then confirm."])


def test_a_rival_is_certain_again_once_the_place_is_free(study):
    fast = series_of(study, "S01", "FAST")
    rival = Candidate.objects.get(series=fast)
    rival.pk, rival.series, rival.state, rival.sha256 = None, None, "proposed", "f" * 64
    rival.save()
    settle(study)
    rival.refresh_from_db()
    assert rival.objections == ["Another series stands in this place."]
    undoing.remove_case(case=fast.case, keep=False, actor=None)
    rival.refresh_from_db()
    assert (rival.certain, rival.objections) == (True, [])


def test_a_series_that_lacks_files_moves_as_it_was_placed(study):
    fast = series_of(study, "S01", "FAST")
    cautions = [{"code": "unreadable_files", "text": "2 of 6 files of this series could not be used: damaged."}]
    Candidate.objects.filter(series=fast).update(cautions=cautions)
    there = {"region": "lumbar", "plane": "sagittal", "weighting": "T1", "arm": fast.arm}
    moved = undoing.move_series(series=fast, actor=None, subject_code="S01", **there)
    assert (moved.case.weighting, moved.cautions) == ("T1", cautions)


def test_a_series_moves_within_its_subject_and_keeps_the_site(study, client):
    bern = study.sites.create(code="Bern")
    factories.log_as_is(study)
    set_site(subject=study.subjects.get(code="S01"), site=bern, actor=None)
    client.force_login(study.memberships.get(role="admin").user)
    for arm in ("SOC", "FAST"):
        series = series_of(study, "S01", arm)
        address = f"/studies/{study.slug}/material/series/{series.pk}/move/"
        page = html(client.get(address))
        assert f'<option value="{bern.pk}" selected>Bern</option>' in page
        data = {"subject_code": "S01", "region": "lumbar", "plane": "sagittal", "weighting": "T1"}
        answer = client.post(address, data | {"arm": series.arm_id, "site": bern.pk, "keep": "1"})
        assert answer.status_code == 302, html(answer)
    assert study.subjects.get(code="S01").site == bern
