"""The page of sample size: the numbers of the command, and words for what cannot be."""

import re

import pytest

from analysis import sample_size
from readerstudy.protocol.models import PrimaryTest
from tests.pages import html

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(study, admin):
    def get(**query) -> str:
        answer = admin.get(f"/studies/{study.slug}/protocol/sample-size/", query)
        assert answer.status_code == 200
        return html(answer)

    return get


QUERY = {
    "subjects": 40,
    "cases": 60,
    "readers": 3,
    "distribution": "5 15 40 30 10",
    "test": "cluster_permutation",
    "subject_correlation": 0.2,
    "case_correlation": 0.4,
    "reader_sd": 0,
    "alpha": 0.05,
    "target": 0.8,
}


@pytest.mark.slow
def test_the_page_says_what_the_analysis_computes(page):
    design = sample_size.Design(subjects=40, cases=60, readers=3, distribution=sample_size.shares([5, 15, 40, 30, 10]))
    power = sample_size.power(design, studies=1000)["power"]
    shown = page(**QUERY)
    assert f"{100 * power:.0f} % power" in shown
    fewest = sample_size.smallest(design, target=0.8, studies=1000)["found"]["subjects"]
    assert re.search(rf"80 % needs <b>{fewest} subjects</b>", shown)
    assert shown.count("<svg") == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"distribution": "1 2 3"}, "five"),
        ({"distribution": "a b c d e"}, "five numbers"),
        ({"cases": 5}, "at least one case of each"),
        ({"subject_correlation": 0.6}, "subject correlation ≤ case correlation"),
        ({"test": "equivalence", "margin": ""}, "positive margin"),
        ({"cases": 5000, "readers": 50}, "python -m analysis plan"),
        ({"subjects": 10**9}, "less than or equal to 2000"),
    ],
)
def test_what_cannot_be_planned_is_said(page, change, says):
    assert says in page(**{**QUERY, **change})


def test_it_begins_with_the_test_that_the_protocol_declares(page, study):
    for test in PrimaryTest.values:
        study.primary_test = test
        study.save()
        shown = page()
        assert re.search(rf'<option value="{test}" selected', shown)
        assert sample_size.TESTS[test][1:] in shown


def test_it_begins_with_the_study_itself(page, study):
    shown = page()
    assert f'name="subjects" value="{study.subjects.count()}"' in shown
    assert "power" in shown


def test_readers_do_not_know_of_it(study, reader):
    assert reader.get(f"/studies/{study.slug}/protocol/sample-size/").status_code == 404
