"""Tables as their schemas say, complete, oriented, and without anybody's name."""

import csv
import io
import uuid

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from analysis import tables as analysis_tables
from readerstudy.archive.downloads import cell, csv_lines
from readerstudy.protocol.services import move
from readerstudy.reading import answers
from readerstudy.reading.models import Guess, Presentation, Rating
from readerstudy.reading.services import rate, report_finding, start, state, withdraw_finding
from readerstudy.results import exports, services, tables
from tests import factories
from tests.once import made_once
from tests.tampering import tampering

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return factories.open_(factories.make_study(subjects=2, readers=2))


def first_pair(study) -> Presentation:
    return Presentation.objects.filter(study=study, reader__code="R1").order_by("position").first()


def panels(study) -> dict[str, dict]:
    return {row["side"]: row for row in tables.integrity(study)}


def test_columns_are_those_of_the_schema_and_the_csv_passes_the_checks_of_the_analysis(study, tmp_path):
    pair = first_pair(study)
    start(presentation=pair)
    report_finding(
        presentation=pair,
        key=uuid.uuid4(),
        on=factories.now(pair),
        kind="loss",
        side="both",
        remark='=1+1, "disc"\nL4',
        i=1,
        j=2,
        k=0,
    )
    for member in study.memberships.filter(role="reader"):
        factories.read_all(member)
    with_features(with_metrics(study))
    factories.check_display(pair.reader)
    factories.keep_log(Presentation.objects.get(pk=pair.pk))
    Guess.objects.create(presentation=pair, side="unknown", key=uuid.uuid4(), guessed_at=timezone.now())
    for table in exports.TABLES:
        rows = list(tables.ROWS[table](study))
        assert all(set(row) == set(analysis_tables.column_names(table)) for row in rows)
        path = tmp_path / f"{table}.csv"
        path.write_bytes(exports.table_csv(study, table))
        read = analysis_tables.read_ratings(path) if table == "ratings" else analysis_tables.read(path, table)
        assert len(read) == len(rows) > 0


def with_metrics(study):
    from readerstudy.images.models import Metric

    for case in study.cases.all():
        by_arm = {series.arm.code: series for series in case.series.filter(active=True)}
        for test in ("SOC-DL", "FAST"):
            Metric.objects.create(
                study=study,
                case=case,
                reference=by_arm["SOC"],
                test=by_arm[test],
                metric="ssim",
                region="whole",
                value=0.98,
                data_range=100,
                range_rule="maximum of the reference volume",
                settings_hash="0" * 64,
            )
    factories.log_as_is(study)
    return study


def with_features(study):
    from readerstudy.images.models import Feature, FeatureSettings, VolumeMeasure
    from readerstudy.material.models import VolumeOfInterest

    settings = FeatureSettings.objects.create(study=study, settings={}, sha256="1" * 64)
    for case in study.cases.all():
        soc = case.series.get(active=True, arm__code="SOC")
        voi = VolumeOfInterest.objects.create(
            study=study, case=case, drawn_on=soc, name="L4", sha256="2" * 64, voxels=9, millilitres=0.1
        )
        shared = {"study": study, "voi": voi, "series": soc, "settings": settings, "image_type": "original"}
        Feature.objects.create(**shared, feature_class="glcm", feature="glcm_Contrast", value=1.5)
        VolumeMeasure.objects.create(
            study=study, voi=voi, series=soc, measure="mean", value=412.5, settings_hash="3" * 64
        )
        Feature.objects.create(
            **shared, feature_class="glcm", feature="glcm_Idm", status="undefined", reason="One voxel."
        )
    return study


def test_only_confirmed_pairs_and_the_last_revision_count(study):
    pair, criterion = first_pair(study), study.criteria.first()
    start(presentation=pair)
    for score in (2, 5):
        rate(
            presentation=pair,
            criterion=criterion,
            score=score,
            status="rated",
            key=uuid.uuid4(),
            on=factories.now(pair),
        )
    assert list(tables.ratings(study)) == []
    assert [row["score"] for row in tables.ratings(study, every_revision=True)] == [2, 5]
    factories.read_pair(pair, [4])
    rows = list(tables.ratings(study))
    assert len(rows) == study.criteria.count()
    assert {(row["score"], row["revision"]) for row in rows if row["criterion"] == criterion.code} == {(4, 3)}
    every = [row["score"] for row in tables.ratings(study, every_revision=True) if row["criterion"] == criterion.code]
    assert every == [2, 5, 4]


def test_a_score_stays_in_display_orientation_and_arms_follow_the_side(study):
    pair = first_pair(study)
    factories.read_pair(pair, [4])
    row = next(tables.ratings(study))
    assert (row["score"], row["first_side"]) == (4, pair.first_side)
    assert (row["first"], row["second"]) == (pair.comparison.first.code, pair.comparison.second.code)
    assert panels(study)[pair.first_side]["arm"] == pair.comparison.first.code
    assert panels(study)[{"left": "right", "right": "left"}[pair.first_side]]["arm"] == pair.comparison.second.code


def test_not_asked_and_not_answered_are_told_apart(study):
    asked, not_asked = study.criteria.all()[:2]
    not_asked.regions = ["brain"]
    not_asked.save()
    pair = first_pair(study)
    factories.read_pair(pair)
    with tampering():
        Rating.objects.filter(presentation=pair, criterion__in=[asked, not_asked]).delete()
    status = {row["criterion"]: (row["status"], row["score"]) for row in tables.ratings(study)}
    assert status[asked.code] == ("missing", None)
    assert status[not_asked.code] == ("not_applicable", None)


@pytest.mark.parametrize(
    ("sides", "left", "right"),
    [
        ([], True, True),
        (["left"], False, True),
        (["right"], True, False),
        (["both"], False, False),
        (["undetermined"], None, None),
        (["left", "undetermined"], False, None),
    ],
)
def test_a_finding_speaks_about_its_panel(study, sides, left, right):
    pair = first_pair(study)
    start(presentation=pair)
    for side in sides:
        report_finding(presentation=pair, key=uuid.uuid4(), on=factories.now(pair), kind="creation", side=side)
    factories.read_pair(pair)
    if sides:
        Presentation.objects.filter(pk=pair.pk).update(state="in_progress", confirmed_at=None)
        pair.refresh_from_db()
        state(presentation=pair, subject="integrity", value="findings", key=uuid.uuid4(), on=factories.now(pair))
        factories.confirm(presentation=pair, key=uuid.uuid4(), on=factories.now(pair))
    said = {side: row["consistent"] for side, row in panels(study).items()}
    assert said == {"left": left, "right": right}


def test_a_finding_names_the_arm_of_its_side(study):
    pair = first_pair(study)
    start(presentation=pair)
    for side in ("left", "both", "undetermined"):
        report_finding(presentation=pair, key=uuid.uuid4(), on=factories.now(pair), kind="loss", side=side)
    withdrawn = report_finding(presentation=pair, key=uuid.uuid4(), on=factories.now(pair), kind="loss", side="right")
    withdraw_finding(finding=withdrawn, key=uuid.uuid4(), on=factories.now(pair))
    factories.read_pair(pair)
    arms = {side: row["arm"] for side, row in panels(study).items()}
    rows = [(row["side"], row["arm"]) for row in tables.findings(study)]
    assert rows == [("left", arms["left"]), ("left", arms["left"]), ("right", arms["right"]), ("undetermined", None)]


@pytest.mark.parametrize(
    ("said", "left", "right"),
    [("both", True, True), ("left", True, False), ("right", False, True), ("neither", False, False)],
)
def test_diagnostic_quality_is_said_per_panel(said, left, right):
    assert (tables.diagnostic("left", said), tables.diagnostic("right", said)) == (left, right)
    assert tables.diagnostic("left", None) is None


def test_a_repeat_names_its_main(study):
    pair = first_pair(study)
    repeat = Presentation.objects.create(
        study=study,
        reader=pair.reader,
        position=99,
        kind="repeat",
        repeat_of=pair,
        case=pair.case,
        comparison=pair.comparison,
        first_side="left",
    )
    answers.start_chains([repeat])
    factories.read_pair(repeat)
    assert {(row["presentation"], row["repeat_of"]) for row in tables.ratings(study)} == {("R1-0099", "R1-0001")}


def test_a_withdrawn_subject_is_in_no_table():
    study = with_metrics(factories.make_closed_study(subjects=2, readers=1))
    subject = study.subjects.get(code="S01")
    subject.withdrawn_at = study.closed_at
    subject.save()
    Presentation.objects.filter(case__subject=subject).update(state="void", void_reason="withdrawn")
    for table in exports.TABLES:
        assert "S01" not in exports.table_csv(study, table).decode()


def test_a_table_takes_a_handful_of_queries(django_assert_max_num_queries):
    study = factories.make_closed_study(subjects=3, readers=2)
    for table in exports.TABLES:
        with django_assert_max_num_queries(5):
            assert exports.table_csv(study, table)


def test_no_text_leaves_as_a_formula_and_the_analysis_reads_what_was_written(tmp_path):
    assert cell(-0.5) == "-0.5"
    assert cell("-0.5") == "-0.5"
    assert cell("T2*") == "T2*"
    texts = [
        "=HYPERLINK(1)",
        "+1+1",
        "-cmd",
        "@SUM(1)",
        "\t=1",
        "\n=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(1)",
        "  =1+1",
        "\t5",
        "\u3000+cmd",
        "'=1",
        "''",
        "plain",
    ]
    rows = [{"subject": f"S{n}", "case": "C", "arm": "SOC", "software": text} for n, text in enumerate(texts)]
    empty = dict.fromkeys(analysis_tables.column_names("series"))
    rows = [{**empty, **row, "site": "A", "series": row["subject"]} for row in rows]
    written = "".join(csv_lines(analysis_tables.column_names("series"), rows))
    guarded = [row["software"] for row in csv.DictReader(io.StringIO(written, newline=""))]
    assert guarded == [*("'" + text for text in texts[:-1]), "plain"]
    (tmp_path / "series.csv").write_bytes(written.encode())
    assert list(analysis_tables.read_series(tmp_path / "series.csv")["software"].astype(str)) == [
        text.strip() for text in texts
    ]


def test_a_study_can_be_closed_early():
    study = factories.open_(factories.make_study(subjects=2, readers=2))
    factories.read_all(study.memberships.get(code="R1"))
    study = move(study=study, to="closed", actor=None)
    assert {row["reader"] for row in tables.ratings(study)} == {"R1"}


def test_the_page_counts_places_of_findings_from_1_as_the_report_does():
    row = {"case": "C1", "i": "8", "j": "20", "k": "0"}
    page = render_to_string("results/findings.html", {"findings": {"rows": [row], "count": 1, "more": 0}})
    assert "9, 21, 1\n" in page


def test_a_small_studys_tables_read_together_are_those_that_are_exported(study):
    member = study.memberships.filter(role="reader").first()
    pairs = list(member.presentations.order_by("position"))
    start(presentation=pairs[0])
    for side in ("both", "undetermined"):
        report_finding(presentation=pairs[0], key=uuid.uuid4(), on=factories.now(pairs[0]), kind="loss", side=side)
    for score, pair in enumerate(pairs[:3], start=1):
        factories.read_pair(pair, [score])
    start(presentation=pairs[3])
    Guess.objects.create(presentation=pairs[0], side="left", key=uuid.uuid4(), guessed_at=timezone.now())
    together = exports.tables_csv(study, services.FILES, tables.ratings_if_few(study, 500))
    assert together == {name: exports.table_csv(study, name) for name in services.FILES}
    assert all(together[name].count(b"\n") > 1 for name in ("ratings", "integrity", "findings", "guesses", "series"))
    assert tables.ratings_if_few(study, 1) is None
