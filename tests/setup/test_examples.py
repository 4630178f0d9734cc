"""The examples in docs/examples are those that the code makes now, word by word; a change in one is seen."""

import pytest

from tests import examples, simulated_study

MAKE = "docs/examples is not what is made now: run `make examples`, and look at what changed."


def test_the_simulated_study_has_the_charter_and_report_that_are_shown(tmp_path):
    examples.simulated(tmp_path)
    for name in ("charter.html", "report.html"):
        assert _said(tmp_path / name) == _said(examples.FOLDER / "simulated" / name), MAKE


def test_every_example_is_one_that_is_made_and_says_that_nobody_was_scanned():
    assert {path.name for path in examples.FOLDER.iterdir()} == {"simulated"}
    assert "nothing here is evidence about patients" in " ".join(_said(examples.FOLDER / "simulated" / "report.html"))


def test_its_readers_saw_the_pairs_of_a_subject_as_far_apart_as_its_protocol_says():
    ratings = simulated_study.tables()["ratings"]
    shown = ratings.drop_duplicates(["reader", "position"]).sort_values("position")
    assert shown.groupby(["reader", "subject"])["position"].diff().min() >= simulated_study.DISTANCE


def test_another_word_is_seen_and_another_version_of_numpy_is_not():
    page = '<style>a</style><p>a <b>b</b></p><table class="table" id="versions"><tr><td>1.2</td></tr></table>'
    assert examples.text(page) == ["a", "b"] == examples.text(page.replace("1.2", "1.3"))
    assert examples.text(page.replace("<b>b", "<b>c")) == ["a", "c"]


def _said(path) -> list[str]:
    if not path.is_file():
        pytest.fail(MAKE)
    return examples.text(path.read_text(encoding="utf-8"))
