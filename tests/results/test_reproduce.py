"""The zip of a study gives its numbers again elsewhere: by its own wheel, by R, in one command."""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import uuid
import venv
import zipfile
from datetime import UTC, datetime, timedelta
from importlib.metadata import distribution, requires, version
from pathlib import Path

import numpy as np
import pytest

from analysis.__main__ import main as command
from analysis.differences import differences
from analysis.tables import schema
from readerstudy.accounts.services import add_member
from readerstudy.images.models import Feature, Metric, VolumeMeasure
from readerstudy.images.radiomics import active_settings
from readerstudy.material.models import Series, VolumeOfInterest
from readerstudy.protocol.services import move
from readerstudy.reading.models import Rating
from readerstudy.results import everything, exports, services, tables, wheel
from readerstudy.results.commands import OF_READINGS
from tests import factories
from tests.once import made_once
from tests.results.test_results_page import answer_all

pytestmark = pytest.mark.django_db
READ_R = """
source("read.R")
types <- function(table) sapply(table, function(column) class(column)[1])
for (name in c(%s)) cat(name, nrow(get(name)), types(get(name)), "\\n")
cat(levels(ratings$first), "\\n", levels(ratings$criterion), "\\n", levels(ratings$reader), "\\n", sep = " ")
cat(levels(ratings$status), "\\n", attr(ratings$score, "label"), "\\n")
cat(names(criteria), "\\n", criteria[["snr"]], "\\n")
cat(findings$remark, "\\n", format(ratings$confirmed_at[1], "%%Y-%%m-%%dT%%H:%%M:%%OS3"), sep = "")
"""
needs_r = pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here (Debian: r-base-core).")


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """Where results are kept: they are made once."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(autouse=True)
def _own_cache(settings, kept):
    settings.VAR_DIR = kept


@made_once()
def study():
    """Four subjects read by three readers, with metrics, scan times, features and measures of volumes in every arm."""
    study = factories.make_study(subjects=4, readers=3)
    add_member(study=study, user=factories.make_user("analyst"), role="analyst")
    settings, rng = active_settings(study), np.random.default_rng(1)
    for case in study.cases.all():
        series = {one.arm.code: one for one in case.series.select_related("arm")}
        for code, one in series.items():
            one.parameters |= {"acquisition_seconds": 240.0 if code.startswith("SOC") else 96.0 + one.pk % 7}
        Series.objects.bulk_update(series.values(), ["parameters"])
        Metric.objects.bulk_create(
            Metric(
                study=study,
                case=case,
                reference=series["SOC"],
                test=series[code],
                metric=metric,
                region="whole",
                value=rng.normal(0.9, 0.02),
                data_range=100,
                range_rule="maximum",
                settings_hash="0" * 64,
            )
            for metric in ("ssim", "nrmse")
            for code in ("FAST", "FAST-DL")
        )
        for name in ("L4", "L5"):
            volume = VolumeOfInterest.objects.create(
                study=study, case=case, name=name, drawn_on=series["SOC"], sha256="a" * 64, voxels=90, millilitres=1
            )
            names = [("glcm", "glcm_Contrast"), ("firstorder", "firstorder_Mean"), ("firstorder", "firstorder_Entropy")]
            Feature.objects.bulk_create(
                Feature(
                    study=study,
                    voi=volume,
                    series=one,
                    settings=settings,
                    image_type="original",
                    feature_class=group,
                    feature=feature,
                    value=rng.normal(100, 20),
                )
                for group, feature in names
                for one in series.values()
            )
            VolumeMeasure.objects.bulk_create(
                VolumeMeasure(
                    study=study,
                    voi=volume,
                    series=one,
                    measure="mean",
                    value=rng.normal(400, 9),
                    settings_hash="3" * 64,
                )
                for one in series.values()
            )
    factories.open_(study)
    answer_all(study, {"R1": [4, 3, 3], "R2": [4, 4, 3, 2], "R3": [3, 5, 3, 3, 2]})
    factories.log_as_is(study)
    return move(study=study, to="closed", actor=None)


@pytest.fixture
def folder(study, tmp_path) -> Path:
    """The zip, unpacked where nothing else lies."""
    packed = io.BytesIO()
    everything.write_zip(packed, study, services.everything_or_job(study))
    zipfile.ZipFile(packed).extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked" / study.slug


@pytest.fixture(scope="session")
def python(tmp_path_factory) -> Path:
    """A Python with the packages of requirements.txt and pip, and no other."""
    room = tmp_path_factory.mktemp("lean") / "venv"
    venv.create(room, symlinks=True)
    packages = next(room.glob("lib/python*/site-packages"))
    for name in (*wheel.PACKAGES, "pip"):
        installed = distribution(name)
        for top in {one.parts[0] for one in installed.files if one.parts[0] != ".."}:
            (packages / top).symlink_to(installed.locate_file(top))
    return room / "bin" / "python"


def reproduce(folder: Path, python: Path) -> subprocess.CompletedProcess:
    """What a stranger does, whose Python has the packages already."""
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    plain |= {"PYTHON": str(python)}
    return subprocess.run(["sh", "reproduce.sh"], cwd=folder, env=plain, capture_output=True, text=True)


@needs_r
def test_one_command_gives_every_number_again(study, folder, python):
    made = services.everything_or_job(study)
    assert made.keys() >= {
        "results-reading", "results-images", "results-stability", "results-volumes", "results-scan-times"
    }  # fmt: skip
    said = reproduce(folder, python)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "every number is the same" in said.stdout
    assert int(re.search(r"(\d+) numbers compared by R .*, 0 differ", said.stdout)[1]) > 500


@needs_r
def test_a_changed_answer_is_told_by_both(study, folder, tmp_path, capsys):
    table = folder / f"{study.slug}-ratings.csv"
    head, first, *rest = table.read_text().split("\n")
    cells, score = first.split(","), head.split(",").index("score")
    cells[score] = "5" if cells[score] != "5" else "1"
    table.write_text("\n".join([head, ",".join(cells), *rest]))
    (tmp_path / "again").mkdir()
    again = tmp_path / "again" / f"{study.slug}-results-reading.json"
    names = [f"--{name.replace('_', '-')}={folder / study.slug}-{name}.csv" for name in OF_READINGS]
    protocol = f"--protocol={folder / study.slug}-protocol.json"
    assert command(["reading", str(table), protocol, *names, "--mixed", "--json", str(again)]) == 0
    assert command(["differences", str(folder), str(again.parent)]) == 1
    assert re.search(r"comparisons\[\d\]\.\S+: \S+ was expected, \S+ came out", capsys.readouterr().out)
    said = subprocess.run(["Rscript", "numbers.R"], cwd=folder, capture_output=True, text=True)
    assert said.returncode == 1
    assert re.search(r"numbers/preference.csv, .* mean_estimate: .* is there, .* comes out here", said.stdout)


@needs_r
def test_tables_of_numbers_that_were_falsified_or_lost_are_told(folder, python):
    """Each by its SHA-256, by the results that were made again, and by R where R makes the table."""
    numbers = folder / "numbers"
    for name, column in [("primary", "result_p"), ("mixed", "test_p"), ("preference", "mean_low")]:
        with (numbers / f"{name}.csv").open(newline="") as file:
            head, *rows = csv.reader(file)
        rows[0][head.index(column)] = "0.00001234"
        with (numbers / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([head, *rows])
    lost = ("preference-readers", "images-paired", "ranking")
    for name in lost:
        (numbers / f"{name}.csv").unlink()
    shorter = ("stability", "volumes", "volumes-paired", "scan-times", "agreement-pairs")
    for name in shorter:
        rows = (numbers / f"{name}.csv").read_text().split("\n")
        (numbers / f"{name}.csv").write_text("\n".join([rows[0], *rows[2:]]))
    (numbers / "more.csv").write_text("a\r\n1\r\n")
    said = reproduce(folder, python)
    assert said.returncode == 1
    for name in ("primary", "mixed", "preference", *shorter):
        assert f"numbers/{name}.csv: has another SHA-256 than README.txt says." in said.stdout
    for name, column in [("primary", "result_p"), ("mixed", "test_p"), ("preference", "mean_low")]:
        assert re.search(rf"numbers/{name}.csv, row 1, {column}: 0.00001234 is there, \S+ came out", said.stdout)
    for name in lost:
        assert said.stdout.count(f"numbers/{name}.csv: is not there.\n") == 2  # by its SHA-256, by the results
    for name in shorter:
        assert re.search(rf"numbers/{name}.csv, (\d+) rows came out, (\d+) are there", said.stdout)
        assert re.search(rf"numbers/{name}.csv, \S.*: is not there", said.stdout)  # by R
    for name in ("preference-readers", "images-paired"):
        assert re.search(rf"numbers/{name}.csv is not there, \d+ rows come out here", said.stdout)
    assert "numbers/more.csv: was not expected." in said.stdout


@needs_r
def test_r_agrees_on_a_study_that_was_hardly_answered(tmp_path):
    """One criterion that nobody could judge, one that only one subject decides, a reader who read half."""
    study = factories.open_(factories.make_study(subjects=2, readers=2))
    answer_all(study, {"R1": [4, 3, 3], "R2": [4, 4, 3, 2]})
    nobody, one = study.criteria.all()[:2]
    given = Rating.objects.filter(presentation__study=study)
    changed = [(rating, None, "cannot_judge") for rating in given.filter(criterion=nobody)]
    decided = given.filter(criterion=one).exclude(presentation__case__subject__code="S01")
    changed += [(rating, 3, "rated") for rating in decided]
    for rating, score, status in changed:
        rating.pk, rating.key, rating.revision, rating.score, rating.status = None, uuid.uuid4(), 2, score, status
    factories.keep_all([rating for rating, _, _ in changed])
    half = study.presentations.filter(reader__code="R2", comparison__first__code="SOC")
    half.update(state="scheduled", started_at=None, confirmed_at=None)
    factories.log_as_is(study)
    study = move(study=study, to="closed", actor=None)
    packed = io.BytesIO()
    everything.write_zip(packed, study, services.everything_or_job(study))
    zipfile.ZipFile(packed).extractall(tmp_path)
    said = subprocess.run(["Rscript", "numbers.R"], cwd=tmp_path / study.slug, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    preference = (tmp_path / study.slug / "numbers" / "preference.csv").read_text()
    assert preference.count(f",{nobody.code},0,0,0,0,0,") == study.comparisons.count()
    assert "fewer than two subjects with an answer other than 3" in preference


def test_the_command_runs_the_wheel_and_nothing_else(folder):
    """No Python here finds `analysis` by itself: what `reproduce.sh` ran was in the zip."""
    here = subprocess.run([sys.executable, "-c", "import analysis"], cwd=folder, capture_output=True)
    assert here.returncode == 1
    name, content = wheel.wheel()
    assert (folder / name).read_bytes() == content
    files = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert {"analysis/__main__.py", "analysis/schemas/ratings.json", "analysis/report/templates/table.html"} <= set(
        files
    )


def test_the_requirements_are_all_that_the_numbers_need_each_with_its_hashes():
    wanted, found = {"jinja2", "numpy", "openpyxl", "pandas", "pyyaml", "scipy"}, set()
    while wanted:  # what these ask for in turn
        name = wanted.pop()
        found.add(name)
        asked = [one for one in requires(name) or [] if not re.search("extra|sys_platform", one)]
        needed = {re.match(r"[\w.-]+", one)[0].lower() for one in asked}
        wanted |= needed - found
    assert set(wheel.PACKAGES) == found
    blocks = re.findall(r"^(\S+)==(\S+) \\\n((?:    --hash=sha256:.*\n)+)", wheel.requirements(), flags=re.MULTILINE)
    assert {name: release for name, release, _ in blocks} == {name: version(name) for name in wheel.PACKAGES}


def test_a_number_differs_by_more_than_arithmetic_and_words_by_anything():
    made = {"p": 0.031, "n": 7, "reason": None, "rows": [1, 2]}
    assert list(differences(made, {**made, "p": 0.031 * (1 + 1e-9)})) == []
    changed = {"p": 0.03101, "n": 7.0, "reason": "none", "rows": [1]}
    assert list(differences(made, changed)) == [
        "p: 0.031 was expected, 0.03101 came out.",
        'reason: null was expected, "none" came out.',
        "rows: 2 entries were expected, 1 came out.",
    ]
    assert list(differences({"a": True}, {"b": 1})) == ["a: did not come out.", "b: was not expected."]
    assert list(differences(True, 1)) == [": true was expected, 1 came out."]


@needs_r
def test_r_reads_every_table_with_factors_times_and_labels(study, folder):
    with (folder / f"{study.slug}-findings.csv").open("a", newline="") as file:
        file.write(f'{study.slug},S01,c,R1,R1-0001,SOC vs FAST,left,SOC,loss,,"\'  =1+1, ""disc""\nL4 é",1,2,0\r\n')
    script = READ_R % ", ".join(f'"{table}"' for table in exports.TABLES)
    plain = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    said = subprocess.run(["Rscript", "-e", script], cwd=folder, env=plain, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")
    lines = said.stdout.splitlines()
    kinds = {line.split()[0]: line.split()[1:] for line in lines[: len(exports.TABLES)]}
    expected = {"string": {"character", "factor"}, "datetime": {"POSIXct"}, "boolean": {"logical"}}
    for table in exports.TABLES:
        rows = (folder / f"{study.slug}-{table}.csv").read_text().count("\n") - (2 if table == "findings" else 1)
        assert int(kinds[table][0]) == rows
        for field, kind in zip(schema(table)["fields"], kinds[table][1:], strict=True):
            assert kind in expected.get(field["type"], {"numeric"}), (table, field)
            assert kind == "factor" or not field.get("constraints", {}).get("enum"), (table, field)
    told = [line.strip() for line in lines[len(exports.TABLES) :]]
    assert told[0].split() == [arm.code for arm in study.arms.all()]
    assert told[1].split() == [one.code for one in study.criteria.all()]
    assert told[2:4] == ["R1 R2 R3", "rated cannot_judge not_applicable missing"]
    assert told[4] == next(field["description"] for field in schema("ratings")["fields"] if field["name"] == "score")
    assert told[6] == study.criteria.get(code="snr").name
    assert told[7:9] == ['=1+1, "disc"', "L4 é"]
    first = next(tables.ratings(study))["confirmed_at"]
    assert abs(datetime.fromisoformat(told[9]).replace(tzinfo=UTC) - first) < timedelta(milliseconds=2)
