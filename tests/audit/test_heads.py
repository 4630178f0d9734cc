"""The files of heads: a line that was cut short costs no other, and a folder that cannot be read is said so."""

import pytest

from readerstudy.audit import heads
from readerstudy.audit.services import RecordError, record
from readerstudy.audit.verify import lost_studies, problems
from tests import factories
from tests.once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once(committed=True)
def study():
    return factories.make_study(subjects=1)


@pytest.mark.parametrize("half", ["1", "11 abcdef"])
def test_a_line_cut_short_does_not_spoil_the_next(study, half, django_capture_on_commit_callbacks):
    with heads.path_of(study.slug).open("a") as file:
        file.write(half)
    with django_capture_on_commit_callbacks(execute=True):
        line = record(study=study, action="results exported", file="x")
    assert heads.latest(study.slug).number == line.number
    assert list(problems(study)) == []


def test_heads_that_cannot_be_read_stop_the_log_in_words(study, settings, tmp_path):
    settings.HEADS_DIR = tmp_path / "file"
    settings.HEADS_DIR.write_text("no folder")
    with pytest.raises(RecordError, match="cannot be read: Not a directory"):
        record(study=study, action="results exported", file="x")
    assert heads.alarms(study.slug) == []
    assert any("cannot be read" in problem for problem in problems(study))
    assert list(lost_studies()) == []
