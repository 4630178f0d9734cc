"""A sheet becomes an imported table, and its results are those of the command line, marked, logged and removable."""

import io
import json
import zipfile

import pytest
from django.conf import settings as site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from analysis.__main__ import main
from processing.ingest import confined
from readerstudy.accounts.services import add_member
from readerstudy.archive import store
from readerstudy.home.log import sentence
from readerstudy.material.archive_check import problems
from readerstudy.material.study_removal import remove_whole_study
from readerstudy.results import imported, imported_tables, sheets
from tests import factories
from tests.once import made_once

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SHEET = (
    "Patient;Leser;Kriterium;Erstes;Zweites;Seite;Note\n"
    + "".join(
        f"S{n % 6};R{n // 6};{criterion};FAST;SOC;{'links' if n % 3 else 'rechts'};{1 + (n * 7) % 5}\n"
        for n in range(12)
        for criterion in ("Schärfe", "Rauschen")
    )
).encode("latin-1")
MAP = """design: pairs
columns: {subject: Patient, reader: Leser, criterion: Kriterium, first: Erstes, second: Zweites, side: Seite}
scores:
- {column: Note}
sides: {links: left, rechts: right}
"""
EMPTY = "design: pairs\n"
NO_SIDES = MAP.replace(", side: Seite", "").replace("sides: {links: left, rechts: right}\n", "favours: first\n")
GOOD = {"map": MAP, "was": MAP, "analyse": "1", "title": "Pilot", "codes": "on"}


@pytest.fixture(autouse=True)
def _own_cache(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@made_once()
def study():
    study = factories.make_study(subjects=1, readers=1)
    add_member(study=study, user=factories.make_user("analyst of it"), role="analyst")
    return study


@pytest.fixture
def client(study) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="analyst").user)
    return client


@pytest.fixture
def here(monkeypatch):
    """Sheets are read in this process, which is quicker."""
    from analysis.convert import desk

    def run(function, arguments, **_):
        return getattr(desk, function.partition(":")[2])(arguments, lambda news: None)

    monkeypatch.setattr(confined, "run", run)


def send(client: Client, study, said: dict, sheet: bytes = SHEET):
    file = SimpleUploadedFile("sheet.csv", sheet)
    return client.post(reverse("import_sheet", args=[study.slug]), said | {"file": file}, headers=HTMX)


@pytest.fixture
def table(here, client, study) -> imported_tables.Imported:
    assert send(client, study, GOOD).status_code == 200
    return imported_tables.tables(study)[0]


def address(study, name: str, table, *more: str) -> str:
    return reverse(f"imported_{name}", args=[study.slug, table.number, *more])


def files(response) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_from_a_click_to_the_results_of_the_command(client, study, tmp_path):
    """In a process of its own; nothing of the sheet stays."""
    page = send(client, study, {"column": "0", "role": "subject", "map": EMPTY, "was": EMPTY}).content.decode()
    assert "Latin-1" in page
    assert "subject: Patient" in page
    answer = send(client, study, GOOD)
    table = imported_tables.tables(study)[0]
    assert answer["HX-Redirect"] == address(study, "table", table)
    assert not list(site.QUARANTINE_DIR.iterdir())
    assert all(SHEET not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    kept = files(client.get(address(study, "zip", table)))
    (tmp_path / "sheet.csv").write_bytes(SHEET)
    (tmp_path / "map.yaml").write_bytes(kept["imported/map.yaml"])
    ratings, results = tmp_path / "ratings.csv", tmp_path / "results.json"
    arguments = [str(tmp_path / "sheet.csv"), "--map", str(tmp_path / "map.yaml"), "--out", str(ratings)]
    assert main(["convert", *arguments]) == 0
    assert ratings.read_bytes() == kept["imported/ratings.csv"]
    assert main(["reading", str(ratings), "--mixed", "--json", str(results)]) == 0
    assert json.loads(results.read_text()) == json.loads(kept["imported/results-reading.json"])
    assert table.sheet.encode() in kept["imported/README.txt"]


def test_every_page_and_file_says_that_it_was_imported(client, study, table):
    for page in [address(study, "table", table), *(address(study, "section", table, s) for s in ("tests", "readers"))]:
        html = client.get(page).content.decode()
        assert ">imported</span>" in html
        assert "not given in this study" in html
    assert "Imported ratings, not given in readerstudy." in client.get(address(study, "table", table)).content.decode()
    for name in ("ratings.csv", "map.yaml"):
        assert (
            f"-imported-{table.number}-{name}" in client.get(address(study, "file", table, name))["Content-Disposition"]
        )
    numbers = client.get(address(study, "numbers", table, "preference"))
    assert f"-imported-{table.number}-preference.csv" in numbers["Content-Disposition"]
    assert client.get(address(study, "numbers", table, "nonsense")).status_code == 404
    assert client.get(address(study, "section", table, "integrity")).status_code == 404
    assert "Pilot" in client.get(reverse("imported_tables", args=[study.slug])).content.decode()


def test_nothing_is_said_of_sides_that_no_column_tells(client, study, table):
    def title(table) -> bool:
        return "Left or right" in client.get(address(study, "section", table, "readers")).content.decode()

    assert title(table)
    send(client, study, GOOD | {"map": NO_SIDES, "was": NO_SIDES})
    assert not title(imported_tables.tables(study)[0])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"codes": None}, "Say that subjects and readers stand in the sheet by code alone"),
        ({"title": " "}, "Give the table a name of up to 80 letters"),
        ({"title": "a" * 81}, "Give the table a name of up to 80 letters"),
        ({"map": "columns: ["}, "is no YAML"),
        ({"map": MAP + "scale: [20, 24]\n"}, "No score is left: all are missing"),
    ],
)
def test_what_is_not_imported_says_why(here, client, study, said, why):
    changed = {name: value for name, value in (GOOD | said).items() if value is not None}
    assert why in send(client, study, changed).content.decode()
    assert imported_tables.tables(study) == []


def test_too_much_for_a_page_is_refused(here, client, study, monkeypatch):
    monkeypatch.setattr(imported, "MOST_CELLS", 1)
    assert "24 ratings in 2 cells" in send(client, study, GOOD).content.decode()
    monkeypatch.setattr(sheets, "MOST_BYTES", -(1 << 20))
    assert "take what is no rating out of it" in send(client, study, GOOD).content.decode()
    assert imported_tables.tables(study) == []


def test_a_sheet_that_kills_its_reader_is_refused_in_a_sentence(client, study, monkeypatch):
    monkeypatch.setattr(sheets, "LIMITS", confined.ProcessLimits(memory=3 << 30, cpu_seconds=1, wall_seconds=0.01))
    assert "it was stopped" in send(client, study, {}).content.decode()
    with pytest.raises(confined.InputError, match="could not be processed"):
        confined.run("os:getcwd", {})


def test_a_removed_table_goes_with_its_files_and_the_log_tells_of_both(client, study, table):
    client.get(address(study, "table", table))
    assert list((site.VAR_DIR / "imported").rglob("*.json"))
    other = send(client, study, GOOD | {"title": "Same again"})
    assert set(problems()) == set()
    client.post(address(study, "remove", table))
    assert client.get(address(study, "table", table)).status_code == 404
    assert not list((site.VAR_DIR / "imported" / str(table.number)).iterdir())
    factories.work_off(study)
    assert store.exists(table.files["ratings"])  # the other is made of the same
    assert client.get(other["HX-Redirect"]).status_code == 200
    client.post(address(study, "remove", imported_tables.tables(study)[0]))
    study.jobs.filter(state="waiting").update(mac="")
    factories.work_off(study)
    told = [sentence(event) for event in study.events.filter(action__startswith="table")]
    assert told == [
        "analyst of it imported 24 ratings from a sheet: Pilot",
        "analyst of it imported 24 ratings from a sheet: Same again",
        "analyst of it removed the imported table Pilot",
        "analyst of it removed the imported table Same again",
    ]


def test_changed_ratings_are_not_analysed(client, study, table, monkeypatch):
    monkeypatch.setattr(store, "read", lambda sha256: b"study,score\n")
    answer = client.get(address(study, "table", table))
    assert answer.status_code == 409
    assert "the ratings of the imported table" in answer.content.decode().lower()


def test_many_ratings_are_a_jobs_work(client, study, table, monkeypatch):
    monkeypatch.setattr(imported, "AT_ONCE", 5)
    page = client.get(address(study, "table", table)).content.decode()
    assert "Results are being computed" in page
    assert f'hx-get="{address(study, "table", table)}"' in page
    factories.work_off(study)
    assert "Net preference" in client.get(address(study, "table", table)).content.decode()


def test_the_files_go_with_the_study(client, study, table):
    stone = remove_whole_study(study=study, reason="A trial", actor=None)
    assert stone.slug == study.slug
    assert table.files["ratings"] not in imported_tables.needed(list(table.files.values()))
