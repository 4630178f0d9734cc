"""The screening log: typed or from a CSV, counts by reason alone, sealed, in protocol.json and so in the flow."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from processing.errors import InputError
from readerstudy.accounts.models import Role
from readerstudy.audit.verify import problems
from readerstudy.material.models import ScreeningLog
from readerstudy.material.screening import exclusions_of, rows_of_csv, set_exclusions, shown, typed
from readerstudy.protocol.services import move
from readerstudy.results.exports import protocol_json
from tests import factories
from tests.pages import html

KEPT = [{"reason": "claustrophobia", "subjects": 7}, {"reason": "metal implant", "subjects": 2}]


@pytest.fixture
def study():
    return factories.make_study(subjects=1)


def admin(study):
    return study.memberships.get(role=Role.ADMIN).user


@pytest.fixture
def client(study) -> Client:
    client = Client()
    client.force_login(admin(study))
    return client


@pytest.mark.django_db
def test_it_is_typed_shown_logged_and_exported(study, client):
    page = f"/studies/{study.slug}/material/subjects/"
    assert "screening" not in json.loads(protocol_json(study))
    client.post(f"{page}screening/", {"log": "7 claustrophobia\n\n 2: metal  implant"})
    assert exclusions_of(study) == KEPT
    assert "<td>metal implant</td>" in html(client.get(page))
    assert json.loads(protocol_json(study))["screening"] == KEPT
    assert "9 screened subjects were not included" in html(client.get(f"/studies/{study.slug}/log/"))
    client.post(f"{page}screening/", {"log": "seven claustrophobia"})
    client.post(f"{page}screening/", {"log": "0 claustrophobia"})
    assert exclusions_of(study) == KEPT
    assert list(problems(study)) == []
    client.post(f"{page}screening/", {"log": ""})
    assert exclusions_of(study) == []


@pytest.mark.django_db
def test_a_csv_gives_reasons_and_counts_and_nothing_else_of_anybody(study, client):
    sheet = b"number;name;reason\n1;Jane Doe;claustrophobia\n2;John Doe;\n3;Ann Other;claustrophobia\n"
    table = SimpleUploadedFile("log.csv", sheet)
    client.post(f"/studies/{study.slug}/material/subjects/screening/table/", {"table": table})
    assert exclusions_of(study) == [{"reason": "claustrophobia", "subjects": 2}]
    assert "Doe" not in json.dumps([event.data for event in study.events.all()])


def test_rows_that_stand_for_several_and_wrong_ones():
    assert rows_of_csv(b"reason,subjects\nclaustrophobia,7\nmetal implant,2\n") == KEPT
    assert typed("7 claustrophobia\n2 metal implant") == KEPT
    for wrong in (b"why,subjects\nx,1\n", b"reason,subjects\nx,many\n", b"\xff\xfe\x00"):
        with pytest.raises(InputError):
            rows_of_csv(wrong)


@pytest.mark.parametrize(
    ("line", "subjects", "reason"),
    [
        ("7 xenograft", 7, "xenograft"),
        ("3 x-ray only", 3, "x-ray only"),
        ("3 x ray only", 3, "x ray only"),
        ("7, claustrophobia", 7, "claustrophobia"),
        ("7,claustrophobia", 7, "claustrophobia"),
        ("7 × claustrophobia", 7, "claustrophobia"),
        ("7 : claustrophobia", 7, "claustrophobia"),
        ("7: 300 kg", 7, "300 kg"),
        ("7 3 T not possible", 7, "3 T not possible"),
    ],
)
def test_a_number_is_parted_from_its_reason(line, subjects, reason):
    assert typed(line) == [{"reason": reason, "subjects": subjects}]


@pytest.mark.parametrize("line", ["12,500 refused", "12 500 refused", "12.500 refused", "7:300 kg"])
def test_a_number_that_may_go_on_behind_a_separator_is_refused(line):
    with pytest.raises(InputError, match="as “7: 3 T”"):
        typed(line)


REASONS = st.text(max_size=20).map(lambda text: " ".join(text.split())).filter(lambda text: text and text.isprintable())
ODD = st.sampled_from(["x-ray only", "x ray", ": x", "500 refused", ",1", "× 2", "; metal"])


@given(st.lists(st.builds(dict, reason=REASONS | ODD, subjects=st.integers(1, 999_999))))
def test_what_is_shown_for_change_is_typed_back_as_it_was(log):
    assert typed(shown(log)) == log


@pytest.mark.django_db
def test_a_log_kept_as_it_was_shown_is_the_same(study, client):
    kept = [{"reason": "x-ray only", "subjects": 3}, {"reason": "500 mg contrast", "subjects": 12}]
    set_exclusions(study=study, exclusions=kept, actor=admin(study))
    page = client.get(f"/studies/{study.slug}/material/subjects/")
    client.post(f"/studies/{study.slug}/material/subjects/screening/", {"log": page.context["log"]})
    assert f"\n{page.context['log']}</textarea>" in page.content.decode()
    assert exclusions_of(study) == kept


@pytest.mark.django_db
def test_what_was_changed_past_the_site_is_not_shown(study, client):
    set_exclusions(study=study, exclusions=KEPT, actor=admin(study))
    ScreeningLog.objects.filter(study=study).update(exclusions=KEPT[:1])
    assert client.get(f"/studies/{study.slug}/material/subjects/").status_code == 409


@pytest.mark.django_db
def test_it_is_sealed_bounded_and_fixed_once_the_study_is_locked(study):
    set_exclusions(study=study, exclusions=KEPT, actor=admin(study))
    for wrong in ([{"reason": "x" * 121, "subjects": 1}], [{"reason": str(n), "subjects": 1} for n in range(101)]):
        with pytest.raises(InputError):
            set_exclusions(study=study, exclusions=wrong, actor=admin(study))
    ScreeningLog.objects.filter(study=study).update(exclusions=KEPT[:1])
    assert any("Screening log" in problem for problem in problems(study))
    ScreeningLog.objects.filter(study=study).update(exclusions=KEPT)
    study = move(study=factories.open_(study), to="closed", actor=None)
    set_exclusions(study=study, exclusions=KEPT[:1], actor=admin(study))
    study = move(study=study, to="locked", actor=None)
    with pytest.raises(InputError, match="locked"):
        set_exclusions(study=study, exclusions=[], actor=admin(study))
