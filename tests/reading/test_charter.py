"""The charter of a study: kept in versions, frozen at opening, amended with the study."""

import json
import re

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from analysis.report import pdf
from processing.errors import InputError
from readerstudy.accounts.models import Role
from readerstudy.audit.verify import problems
from readerstudy.protocol.models import Charter
from readerstudy.reading import charter
from readerstudy.reading.amendments import withdraw_subject
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def draft():
    return factories.make_study(subjects=2, readers=1)


@made_once()
def study():
    return factories.open_(factories.make_study(subjects=2, readers=1))


def admin_of(study):
    return study.memberships.get(role=Role.ADMIN).user


def client_of(study) -> Client:
    client = Client()
    client.force_login(admin_of(study))
    return client


def address(study, name: str = "charter", *rest: str) -> str:
    return reverse(name, args=[study.slug, *rest])


def test_opening_freezes_the_charter_with_the_protocol_and_the_schedule(study):
    version = charter.last_kept(study)
    assert (version.number, version.kind) == (1, "opening")
    assert version.content["protocol"]["sha256"] == study.protocol_sha256
    assert version.content["schedule"]["sha256"] == study.schedule_sha256
    assert version.content["briefing"]["sha256"] == study.briefings.get().sha256
    assert version.content["material"] == {
        "subjects": 2,
        "cases": 2,
        "training_cases": 0,
        "sites": [{"id": site.code, "name": site.name, "subjects": 2} for site in study.sites.all()],
    }
    line = study.events.get(action="charter kept")
    assert line.data["sha256"] == version.sha256
    with pytest.raises(InputError, match="with an amendment only"):
        charter.write(study=study, actor=admin_of(study), words={"objective": "Another."})
    assert list(problems(study)) == []


def test_a_version_cannot_be_changed_and_a_planted_one_is_found(study):
    with transaction.atomic(), pytest.raises(DatabaseError):
        Charter.objects.filter(study=study).update(content={})
    Charter.objects.create(study=study, number=9, kind="draft", content={}, sha256="0" * 64, at=study.opened_at)
    assert any("Charter" in problem for problem in problems(study))


def test_an_amendment_is_another_version_that_says_what_changed(study):
    subject = study.subjects.order_by("code").first()
    withdraw_subject(study=study, subject=subject, reason="Consent ended.", actor=admin_of(study))
    version = charter.last_kept(study)
    assert (version.number, version.kind, version.reason) == (2, "amendment", "Consent ended.")
    assert version.content["material"]["subjects"] == 1
    page = html(client_of(study).get(address(study)))
    assert "Changes since version 1" in page
    assert re.search(r"material, subjects</td><td[^>]*>2</td><td[^>]*>1</td>", page)


def test_lists_of_other_lengths_and_uploaded_simulations_are_told():
    study = factories.open_(factories.make_study(subjects=2, readers=2))
    even = charter.content(study)
    assert "most" not in even["schedule"]
    assert even["made"] == {}
    study.presentations.filter(pk=study.presentations.first().pk).update(state="void", void_reason="left")
    for one in study.series.filter(arm__code="SOC"):
        study.series.filter(pk=one.pk).update(parameters={**one.parameters, "simulated": "phantom"})
    found = charter.content(study)
    assert found["schedule"]["most"] == found["schedule"]["fewest"] + 1
    assert found["made"] == {"SOC": "simulated: phantom"}


def test_a_draft_is_worded_in_versions_and_its_page_says_what_differs_since(draft):
    client = client_of(draft)
    assert "SOC" in html(client.get(address(draft)))
    client.post(address(draft, "edit_charter"), {"objective": "To see <b>whether</b> it serves.", "data": ""})
    kept = charter.last_kept(draft)
    assert (kept.number, kept.kind, kept.content["words"]["objective"]) == (
        1,
        "draft",
        "To see <b>whether</b> it serves.",
    )
    page = html(client.get(address(draft)))
    assert "To see &lt;b&gt;whether&lt;/b&gt; it serves." in page
    assert "nothing differs from version 1" in page
    client.post(address(draft, "edit_charter"), {"objective": "To see <b>whether</b> it serves."})
    assert draft.charters.count() == 1  # it said this already
    draft.criteria.filter(code=draft.criteria.first().code).update(asks="Something else")
    assert "Something else" in html(client.get(address(draft))).partition("Changes since version 1")[2]
    opened = factories.open_(draft)
    frozen = charter.last_kept(opened)
    assert (frozen.number, frozen.content["words"]["objective"][:6]) == (2, "To see")


def test_the_sample_size_is_taken_with_what_was_expected(draft):
    asked = {"subjects": 6, "cases": 6, "readers": 1, "distribution": "0 0 0 1 0", "test": "cluster_permutation"}
    asked |= {"subject_correlation": 0, "case_correlation": 0, "reader_sd": 0, "alpha": 0.05, "target": 0.8}
    client = client_of(draft)
    client.post(address(draft, "take_plan"), asked)
    assert charter.last_kept(draft).content["plan"]["power"]["power"] == 1
    assert "6 subjects, 6 cases and 1 reader have 100 % power" in re.sub(r"\s+", " ", html(client.get(address(draft))))
    client.post(address(draft, "take_plan"), asked | {"distribution": "no"})
    assert draft.charters.count() == 1


def test_its_files_are_one_charter(study, monkeypatch):
    client = client_of(study)
    made = client.get(address(study, "charter_file", "json"))
    content = json.loads(made.content)
    assert content["version"]["sha256"] == charter.last_kept(study).sha256
    page = client.get(address(study, "charter_file", "html") + "?version=1&paper=letter")
    assert page["Content-Disposition"] == f'attachment; filename="{study.slug}-charter-1.html"'
    assert "size: letter" in page.content.decode()
    printed = []
    monkeypatch.setattr(pdf, "pdf", lambda page: printed.append(page) or b"%PDF")
    assert client.get(address(study, "charter_file", "pdf")).content == b"%PDF"
    assert content["version"]["sha256"] in printed[0]
    for wrong in ("?version=2", "?version=x", "?paper=A5"):
        assert client.get(address(study, "charter_file", "pdf") + wrong).status_code == 404


def test_where_no_pdf_can_be_made_the_page_says_what_is_missing(study, monkeypatch):
    monkeypatch.setattr(pdf, "weasyprint", lambda: None)
    monkeypatch.setattr(pdf, "BROWSERS", ())
    answer = client_of(study).get(address(study, "charter_file", "pdf"), follow=True)
    assert "libpango" in html(answer)
