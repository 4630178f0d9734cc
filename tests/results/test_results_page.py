"""The results page and its files: who gets them, when, and that page and files say the same numbers."""

import csv
import hashlib
import io
import json
import re
import uuid
import zipfile
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from PIL import Image

from analysis import verdict
from analysis.__main__ import main as analysis_command
from analysis.formats import number, p_value
from analysis.report import table_cells
from analysis.report.tables.primary_hypothesis import hypothesis
from analysis.tables import column_names
from readerstudy.accounts.services import add_member
from readerstudy.audit.canonical import canonical
from readerstudy.audit.models import Event
from readerstudy.protocol.selectors import protocol_document
from readerstudy.protocol.services import move
from readerstudy.reading.models import ActiveTime, Rating, Statement
from readerstudy.results import exports
from tests import factories
from tests.once import made_once
from tests.pages import html
from tests.results.test_tables import with_metrics

pytestmark = pytest.mark.django_db
FILES = [("results_table", table) for table in exports.TABLES] + [("results_codebook", "ratings")]
FILES += [("results_protocol", None), ("results_zip", None), ("results_codebooks", None)]
FILES += [("results_numbers", "preference"), ("results_workbook", None)]
SECTIONS = [
    ("results_section", section)
    for section in ("tests", "sensitivity", "agreement", "readers", "integrity", "subgroups")
]
PAGES = [("results", None), *SECTIONS, *FILES]


@pytest.fixture(autouse=True)
def _own_cache(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@made_once()
def study():
    """A small study that three readers have read whole."""
    study = factories.make_study(subjects=3, readers=3)
    add_member(study=study, user=factories.make_user("the-analyst"), role="analyst")
    factories.open_(study)
    answer_all(study, {"R1": [4, 3, 3], "R2": [4, 4, 3, 2], "R3": [3, 5, 3, 3, 2]})
    return with_metrics(move(study=study, to="closed", actor=None))


def answer_all(study, scores: dict[str, list[int]]) -> None:
    """Every pair answered and confirmed, as rows: the way through the services is tested elsewhere."""
    now, criteria = timezone.now(), list(study.criteria.all())
    given, said = [], []
    for presentation in study.presentations.select_related("reader"):
        own = scores[presentation.reader.code]
        for place, criterion in enumerate(criteria):
            score = own[(place + presentation.position) % len(own)]
            given.append(
                Rating(
                    presentation=presentation,
                    criterion=criterion,
                    revision=1,
                    score=score,
                    status="rated",
                    key=uuid.uuid4(),
                    rated_at=now,
                )
            )
        for subject, value in (("integrity", "none"), ("diagnostic", "both")):
            said.append(
                Statement(
                    presentation=presentation, subject=subject, revision=1, value=value, key=uuid.uuid4(), stated_at=now
                )
            )
        said.append(ActiveTime(presentation=presentation, seconds=20, key=uuid.uuid4(), reported_at=now))
    factories.keep_all([*given, *said])
    study.presentations.update(state="confirmed", started_at=now, confirmed_at=now, seconds=20)


@made_once()
def draft():
    study = factories.make_study(subjects=2, readers=1)
    add_member(study=study, user=factories.make_user(), role="analyst")
    return study


@made_once()
def closed():
    """A study closed before anybody read: who may have what does not depend on rows."""
    study = factories.make_study(subjects=2, readers=1)
    add_member(study=study, user=factories.make_user(), role="analyst")
    return move(study=factories.open_(study), to="closed", actor=None)


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def member(study, role: str):
    return study.memberships.filter(role=role).first().user


def address(study, name: str = "results", table: str | None = None) -> str:
    return reverse(name, args=[study.slug, *([table] if table else [])])


def body(response) -> bytes:
    return response.getvalue() if response.streaming else response.content


class Tables(HTMLParser):
    """The plain tables of a page: id -> rows of cell texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self.rows: list[list[str]] | None = None
        self.cell = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "table":
            self.rows = self.found.setdefault(dict(attributes).get("id", ""), [])
        elif tag == "tr" and self.rows is not None:
            self.rows.append([])
        elif tag in ("td", "th"):
            self.cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.cell = False
        elif tag == "table":
            self.rows = None

    def handle_data(self, data):
        if self.cell:
            self.rows[-1][-1] += data.strip()


@pytest.mark.parametrize("role", ["admin", "analyst"])
def test_admins_and_analysts_see_a_closed_study(closed, role):
    client = signed_in(member(closed, role))
    for name in PAGES:
        if name[0] != "results_numbers":
            assert client.get(address(closed, *name)).status_code == 200


def test_it_does_not_exist_for_readers_and_strangers(closed):
    for user in (member(closed, "reader"), factories.make_user("stranger", staff=True)):
        for name in PAGES:
            assert signed_in(user).get(address(closed, *name)).status_code == 404


def test_it_asks_who_you_are(closed):
    for name in PAGES:
        response = Client().get(address(closed, *name))
        assert (response.status_code, response.url.split("?")[0]) == (302, reverse("login"))


def test_before_closing_there_is_progress_and_no_preference(draft):
    study = factories.open_(draft)
    client = signed_in(member(study, "analyst"))
    factories.read_pair(study.presentations.order_by("position").first(), [5])
    page = html(client.get(address(study)))
    assert "Preferences stay closed until the study is closed" in page
    assert "1 of 6" in page
    assert "mean ± SD" not in page
    assert "net" not in Tables(page).found
    for name, table in SECTIONS + FILES:
        assert client.get(address(study, name, table)).status_code == 409


@pytest.mark.both_databases
def test_the_page_says_the_numbers_of_the_downloaded_csv(study, tmp_path):
    client = signed_in(member(study, "analyst"))
    page = Tables(html(client.get(address(study)))).found
    path = tmp_path / "ratings.csv"
    path.write_bytes(body(client.get(address(study, "results_table", "ratings"))))
    assert analysis_command(["reading", str(path), "--json", str(tmp_path / "out.json")]) == 0
    results = json.loads((tmp_path / "out.json").read_text())
    cells = {(cell["first"], cell["second"], cell["criterion"]): cell for cell in results["comparisons"]}
    names = dict(study.criteria.values_list("code", "name"))
    pairs = [(c.first.code, c.second.code) for c in study.comparisons.all()]
    assert len(cells) == len(pairs) * len(names)
    published, clustered = (
        {row[0]: row[1:] for row in page[table] if row[0] in names.values()} for table in ("table-2", "table-2c")
    )
    for (first, second, criterion), cell in cells.items():
        place, name = pairs.index((first, second)), names[criterion]
        mean, p, counts = published[name][3 * place : 3 * place + 3]
        assert mean == f"{cell['mean']['estimate']:.2f} ± {cell['sd']:.2f}"
        assert p == (table_cells.p_of_test(cell["tests"]["as_published"]).text or "n/a")
        assert counts == " / ".join(map(str, cell["counts"]))
        net, interval, cluster_p, holm = clustered[name][4 * place : 4 * place + 4]
        assert net == number(cell["net_preference"]["estimate"], plus=True)
        assert interval == (table_cells.interval(cell["net_preference"], sign=True).text or "n/a")
        assert cluster_p == (table_cells.p_of_test(cell["tests"]["cluster_permutation"]).text or "n/a")
        assert holm == ("n/a" if cell["p_holm"]["primary"] is None else p_value(cell["p_holm"]["primary"]))
    pooled = next(row for row in page["table-3"] if row[0] == "All cells pooled")
    for text, pair in zip(pooled[1:], results["agreement"]["overall"]["pairs"], strict=False):
        assert text.startswith(f"{pair['spearman']['estimate']:.3f}".replace("-", "−"))


def test_image_metrics_are_those_of_the_downloaded_csv(study, tmp_path):
    client = signed_in(member(study, "analyst"))
    path = tmp_path / "metrics.csv"
    path.write_bytes(body(client.get(address(study, "results_table", "metrics"))))
    assert analysis_command(["integrity", str(path), "--json", str(tmp_path / "out.json")]) == 0
    expected = {
        (f"{row['reference']} vs {row['test']}", f"{row['mean']:.3f} ± {row['sd']:.3f}")
        for row in json.loads((tmp_path / "out.json").read_text())["pairs"]
    }
    rows = Tables(html(client.get(address(study)))).found["table-4"]
    assert expected == {(row[0], row[5]) for row in rows if row[1:2] == ["SSIM"]}


def test_the_zip_holds_everything_and_its_hashes_hold(study):
    data = body(signed_in(member(study, "analyst")).get(address(study, "results_zip")))
    archive = zipfile.ZipFile(io.BytesIO(data))
    files = {name.removeprefix(f"{study.slug}/"): archive.read(name) for name in archive.namelist()}
    assert {f"{study.slug}-{table}.csv" for table in exports.TABLES} < set(files)
    readme = files["README.txt"].decode()
    listed = dict(line.split("  ")[::-1] for line in readme.splitlines() if re.match("[0-9a-f]{64}  ", line))
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "README.txt"}
    assert f"python -m analysis reading {study.slug}-ratings.csv" in readme
    last = Event.objects.filter(study=study, action="results exported").last()
    assert last.data == {"file": f"{study.slug}-results.zip", "sha256": hashlib.sha256(data).hexdigest()}


def test_no_name_of_a_person_leaves(study):
    client = signed_in(member(study, "analyst"))
    people = [user.encode() for user in study.memberships.values_list("user__username", flat=True)]
    tokens = [token.encode() for token in study.presentations.values_list("token", flat=True)]
    for name, table in FILES:
        data = body(client.get(address(study, name, table)))
        if name == "results_zip":
            archive = zipfile.ZipFile(io.BytesIO(data))
            data = b"".join(archive.read(name) for name in archive.namelist())
        if name != "results_codebooks":  # a page names who is signed in
            assert not [person for person in people if person in data]
        assert not [token for token in tokens if token in data]


def test_every_download_is_logged_with_who_and_what(closed):
    user = member(closed, "analyst")
    body(signed_in(user).get(address(closed, "results_table", "findings")))
    body(signed_in(user).get(address(closed, "results_table", "ratings") + "?all=1"))
    events = Event.objects.filter(study=closed, action="results exported")
    assert [(event.actor, event.data["file"]) for event in events] == [
        (user, f"{closed.slug}-findings.csv"),
        (user, f"{closed.slug}-ratings-all.csv"),
    ]


def test_seeing_the_results_is_logged_once_per_person(closed):
    for role in ("analyst", "analyst", "admin"):
        signed_in(member(closed, role)).get(address(closed))
    actors = [event.actor for event in Event.objects.filter(study=closed, action="results seen")]
    assert actors == [member(closed, "analyst"), member(closed, "admin")]


def test_a_file_is_named_after_the_study_and_never_cached(study):
    response = signed_in(member(study, "analyst")).get(address(study, "results_table", "ratings"))
    assert response["Content-Disposition"] == f'attachment; filename="{study.slug}-ratings.csv"'
    assert "no-store" in response["Cache-Control"]
    rows = list(csv.reader(io.StringIO(body(response).decode())))
    assert rows[0] == column_names("ratings")
    assert len(rows) == 1 + 3 * 3 * 3 * study.criteria.count()


def test_an_unknown_table_does_not_exist(closed):
    client = signed_in(member(closed, "analyst"))
    assert client.get(address(closed, "results_table", "users")).status_code == 404
    assert client.get(address(closed, "results_codebook", "users")).status_code == 404


def test_a_study_closed_before_any_pair_says_so(closed):
    client = signed_in(member(closed, "analyst"))
    page = client.get(address(closed))
    assert page.status_code == 200
    assert "closed before a main pair was confirmed" in html(page)
    assert client.get(address(closed, "results_zip")).status_code == 200


def test_training_alone_is_nothing_to_analyse(draft):
    draft.cases.filter(code__startswith="S01").update(training=True)
    study = factories.open_(draft)
    factories.read_pair(study.presentations.order_by("position").first())
    study = move(study=study, to="closed", actor=None)
    page = signed_in(member(study, "analyst")).get(address(study))
    assert "closed before a main pair was confirmed" in html(page)


def test_one_reader_alone_has_no_agreement_and_the_page_still_stands(draft):
    study = factories.open_(draft)
    factories.read_all(study.memberships.get(code="R1"), [4, 3])
    study = move(study=study, to="closed", actor=None)
    page = signed_in(member(study, "analyst")).get(address(study))
    assert page.status_code == 200
    assert "n/a" in html(page)


def test_the_page_needs_no_inline_style_or_script(study):
    page = html(signed_in(member(study, "analyst")).get(address(study)))
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+=", page)


def test_results_are_computed_once_and_again_when_a_row_changes(study, settings, monkeypatch):
    from readerstudy.results import services

    calls = []
    analyse = services.analyse
    monkeypatch.setattr(services, "analyse", lambda files: calls.append(1) or analyse(files))
    first = services.results(study)
    assert services.results(study) == first
    assert len(calls) == 1
    study.metrics.first().delete()
    factories.log_as_is(study)
    assert services.results(study).sha256 != first.sha256
    assert len(calls) == 2
    assert len(list((settings.VAR_DIR / "results").iterdir())) == 1


def test_every_section_stands_and_says_its_conventions(study):
    client = signed_in(member(study, "analyst"))
    said = {}
    for name, section in SECTIONS:
        page = client.get(address(study, name, section))
        assert page.status_code == 200
        said[section] = html(page)
        assert not re.search(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+=", said[section])
    assert "Datta–Satten" in said["tests"]
    assert "Log worth of the arms" in said["tests"]
    assert "a flag, never an exclusion" in said["readers"]
    assert "Threshold shift" in said["readers"]
    assert "exploratory" in said["subgroups"]
    assert "No pair was unblinded before closing" in said["integrity"]
    assert 'title="' in said["agreement"]
    assert client.get(address(study, "results_section", "secrets")).status_code == 404


def test_a_section_of_a_study_without_readings_says_so(closed):
    client = signed_in(member(closed, "analyst"))
    for name, section in SECTIONS:
        assert "nothing to show" in html(client.get(address(closed, name, section)))
    assert client.get(address(closed, "results_numbers", "preference")).status_code == 404


def test_the_primary_hypothesis_is_told_first_with_its_verdict(study):
    from readerstudy.results import services

    made = services.results(study).reading
    told = hypothesis(made, {"snr": "Noise"})
    assert told.asked == "FAST-DL vs SOC, Noise"
    assert told.test == "clustered signed rank, exact permutation"
    assert told.sentences == verdict.primary(made)
    shown = html(signed_in(member(study, "analyst")).get(address(study)))
    for sentence in verdict.primary(made):
        assert escape(sentence) in shown


def test_the_page_says_what_each_margin_shows_and_of_which_arm(study):
    """Margins on the mean alone are not denied; the table names the arm that is not inferior."""
    client = signed_in(member(study, "analyst"))
    assert "No margin declared before opening applies here" in html(client.get(address(study)))
    declare(study, claim="both", margin_mean="0.5")
    page = html(client.get(address(study)))
    assert "Margins on the mean (±0.5, −0.5) were declared too" in page
    assert "No margin" not in page
    rows = Tables(html(client.get(address(study, "results_section", "tests")))).found["margins"]
    claims = {(row[0], row[2]) for row in rows[1:]}
    assert ("FAST-DL vs SOC", "non-inferiority of FAST-DL to SOC") in claims
    assert ("SOC vs FAST", "equivalence") in claims


def declare(study, **changes) -> None:
    """Other declarations than those of the opening, behind its back."""
    for name, value in changes.items():
        setattr(study, name, value)
    study.save()
    factories.log_as_is(study)
    study.refresh_from_db()


def test_a_study_opened_before_protocols_named_their_test_is_tested_as_it_was_to_be(study):
    """Its hash is of a document without the test; the export names the sign flip after the hash, as the page does."""
    from readerstudy.results import services

    before = opened_before(study)
    document = protocol_document(study)
    assert document["sha256"] == before == study.protocol_sha256
    assert document["primary_test"] == "cluster_sign_flip"
    names = list(document)
    assert names.index("primary_test") > names.index("sha256") > names.index("seed")
    made = services.results(study).reading
    assert made["primary"]["test"] == "cluster_sign_flip"
    assert {cell["primary_test"] for cell in made["comparisons"]} == {"cluster_sign_flip"}
    page = html(signed_in(member(study, "analyst")).get(address(study)))
    assert "Clustered signed rank, sign flip, normal z" in page
    exported = json.loads(body(signed_in(member(study, "analyst")).get(address(study, "results_protocol"))))
    assert exported["primary_test"] == "cluster_sign_flip"


def opened_before(study) -> str:
    """Make the study one whose protocol was hashed without the name of a test; returns that hash."""
    document = protocol_document(study)
    frozen = {name: value for name, value in document.items() if name not in ("sha256", "primary_test")}
    study.protocol_sha256 = hashlib.sha256(canonical(frozen)).hexdigest()
    study.save(update_fields=["protocol_sha256"])
    factories.log_as_is(study)
    return study.protocol_sha256


def test_result_tables_carry_every_number_with_its_method(study):
    client = signed_in(member(study, "analyst"))
    rows = list(csv.DictReader(io.StringIO(body(client.get(address(study, "results_numbers", "preference"))).decode())))
    assert len(rows) == study.comparisons.count() * study.criteria.count()
    # The schedule is drawn anew in each run: three subjects may happen to agree, which leaves no interval.
    assert all(row["mean_low"] or row["mean_reason"] for row in rows)
    row = next(row for row in rows if row["mean_low"])
    assert {"n1", "n5", "mean_low", "tests_cluster_sign_flip_p", "p_bh_primary", "regression_test_reason"} <= set(row)
    assert row["mean_method"]
    assert float(row["mean_low"]) <= float(row["mean_estimate"]) <= float(row["mean_high"])
    archive = zipfile.ZipFile(io.BytesIO(body(client.get(address(study, "results_zip")))))
    mixed, book = (archive.read(f"{study.slug}/{name}.csv").decode() for name in ("numbers/mixed", "codebooks/numbers"))
    told = [row["column"] for row in csv.DictReader(io.StringIO(book)) if row["table"] == "mixed"]
    assert mixed.splitlines()[0].split(",") == told
    assert f"{study.slug}/numbers/preference.csv" in archive.namelist()


def test_a_figure_of_a_page_is_taken_away_as_a_file_and_logged(study):
    analyst = Client()
    analyst.force_login(study.memberships.get(role="analyst").user)
    page = reverse("results", args=[study.slug])
    asked = {"figure": "net-1", "form": "png", "width": "170", "dpi": "150"}
    answer = analyst.get(page, asked)
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"] == f'attachment; filename="{study.slug}-net-1.png"'
    assert Image.open(io.BytesIO(answer.content)).width == round(170 / 25.4 * 150)
    assert Event.objects.filter(study=study, action="results exported").last().data["file"].endswith("net-1.png")
    for other in ("preference-fast-dl-vs-soc", "ssim"):
        assert analyst.get(page, {"figure": other}).content.startswith(b"%PDF")
    tests = reverse("results_section", args=[study.slug, "tests"])
    assert b"font/woff2" in analyst.get(tests, {"figure": "ranking", "form": "svg"}).content
    assert analyst.get(page, {"figure": "none"}).status_code == 404
    assert analyst.get(page, asked | {"form": "gif"}).status_code == 404
    assert "At 40 mm the letters" in analyst.get(page, asked | {"width": "40"}, follow=True).content.decode()
    refused = analyst.get(page, asked | {"width": "9000"}, follow=True)
    assert "20 to 400 mm" in refused.content.decode()
    reader = Client()
    reader.force_login(study.memberships.filter(role="reader").first().user)
    assert reader.get(page, asked).status_code in (403, 404)
