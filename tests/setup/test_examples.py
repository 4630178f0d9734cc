"""The examples in docs/examples are those that the code makes now, word by word; a change in one is seen."""

import zipfile

import pytest

from tests import examples, simulated_study

EXAMPLES = ("simulated", "demonstration")
MAKE = "docs/examples is not what is made now: run `make examples`, and look at what changed."


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_has_the_charter_and_report_that_are_shown(tmp_path, name):
    getattr(examples, name)(tmp_path)
    for page in ("charter.html", "report.html"):
        assert _said(tmp_path / page) == _said(examples.FOLDER / name / page), MAKE


def test_every_example_is_one_that_is_made_and_says_that_nobody_was_scanned():
    assert {path.name for path in examples.FOLDER.iterdir()} == set(EXAMPLES)
    for name in EXAMPLES:
        said = " ".join(_said(examples.FOLDER / name / "report.html"))
        assert "nothing here is evidence about patients" in said.lower()


def test_the_tables_of_the_demonstration_are_taken_from_its_zip(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("README.txt", *(f"any-study-{name}" for name in examples.TAKEN)):
            archive.writestr(f"any-study/{name}", name)
    monkeypatch.setattr(examples, "DEMONSTRATION", tmp_path / "demonstration")
    examples.take(tmp_path / "all.zip")
    taken = {path.name: path.read_text(encoding="utf-8") for path in examples.DEMONSTRATION.iterdir()}
    assert taken == {name: f"any-study-{name}" for name in examples.TAKEN}
    assert {path.name for path in (examples.FOLDER / "demonstration").iterdir()} >= set(taken)


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
