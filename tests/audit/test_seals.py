"""What gives answers their meaning is sealed in every state: what was changed past the site is named, and its next
change is refused instead of sealing it anew."""

import pytest
from django.apps import apps
from django.db import transaction

from readerstudy.accounts.services import add_member, remove_member
from readerstudy.audit import lock_manifest, registry
from readerstudy.audit.models import Sealed
from readerstudy.audit.services import RecordError, record
from readerstudy.audit.verify import problems
from readerstudy.images.models import Feature, FeatureSettings, Metric, VolumeMeasure
from readerstudy.jobs.models import Job
from readerstudy.material.models import Subject
from readerstudy.material.services import set_training
from readerstudy.protocol.services import move, save_settings
from readerstudy.reading.amendments import withdraw_subject
from readerstudy.reading.services import open_study
from readerstudy.reading.signatures import sign
from readerstudy.states import State
from tests import factories
from tests.tampering import run

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
STATES = ["draft", "open", "paused", "closed", "locked"]


def make(state: str):
    """A study with rows in every section, in this state."""
    study = factories.make_study(subjects=2, readers=1)
    series = {one.arm.code: one for one in study.series.filter(case__subject__code="S01").select_related("arm")}
    case, soc, fast = series["SOC"].case, series["SOC"], series["FAST"]
    Metric.objects.create(
        study=study,
        case=case,
        reference=soc,
        test=fast,
        metric="ssim",
        region="whole",
        value=0.5,
        range_rule="x",
        settings_hash="0" * 64,
    )
    apps.get_model("material.SiteList").objects.create(study=study, names=["Lesion 1"])
    excluded = [{"reason": "claustrophobia", "subjects": 3}]
    apps.get_model("material.ScreeningLog").objects.create(study=study, exclusions=excluded)
    volume = apps.get_model("material.VolumeOfInterest").objects.create(
        study=study, case=case, drawn_on=soc, name="VOI1", sha256="0" * 64, voxels=3, millilitres=1.0
    )
    apps.get_model("material.Alignment").objects.create(
        study=study, fixed=soc, moving=fast, matrix=[[1, 0], [0, 1]], quality={"used": True}, conventions={}, picture=""
    )
    chosen = FeatureSettings.objects.create(study=study, settings={"a": 1}, sha256="1" * 64)
    Feature.objects.create(
        study=study,
        voi=volume,
        series=soc,
        settings=chosen,
        image_type="original",
        feature_class="glcm",
        feature="x",
        value=1.5,
    )
    VolumeMeasure.objects.create(
        study=study, voi=volume, series=fast, reference=soc, measure="ssim", value=0.5, settings_hash="0" * 64
    )
    factories.log_as_is(study)
    if state == "draft":
        return study
    study.guesses = 0
    study.save()
    study = factories.open_(study)
    reader = study.memberships.get(role="reader")
    factories.check_display(reader, dark=False)
    factories.read_all(reader)
    factories.keep_log(reader.presentations.get(position=1))
    sign(member=reader, proof=factories.proof_of(reader.user))
    withdraw_subject(study=study, subject=study.subjects.get(code="S02"), reason="asked to", actor=None)
    Job.objects.filter(study=study).delete()  # locking waits for them
    for to in {"open": [], "paused": ["paused"], "closed": ["closed"], "locked": ["closed", "locked"]}[state]:
        study = move(study=study, to=State(to), actor=None)
    return study


MANIPULATIONS = [
    ("UPDATE protocol_readerstudy SET margin_mean = 0.5", "The protocol"),
    ("UPDATE protocol_readerstudy SET claim = 'both'", "The protocol"),
    ("UPDATE protocol_criterion SET better = 'x' WHERE place = 1", "The protocol"),
    ("UPDATE protocol_arm SET acquisition = 'reference' WHERE place = 1", "The protocol"),
    ("UPDATE accounts_membership SET role = 'analyst' WHERE role = 'admin'", "Membership"),
    ("UPDATE material_case SET training = NOT training", "Case"),
    ("UPDATE material_subject SET withdrawn_at = '2026-01-01T00:00Z' WHERE code = 'S01'", "Subject S01"),
    ("UPDATE material_series SET sha256 = 'x' WHERE version = 1", "Series"),
    ("UPDATE material_instance SET sha256 = 'x'", "Series"),
    ("UPDATE material_alignment SET matrix = '[]'", "Alignment"),
    ("DELETE FROM material_alignment", "Alignment"),
    ("UPDATE material_volumeofinterest SET name = 'x'", "Volume of interest"),
    (
        "UPDATE reading_preparedpair SET first_left_sha256 = first_right_sha256, "
        "first_right_sha256 = first_left_sha256",
        "Prepared pair",
    ),
    ("UPDATE reading_preparedpair SET offsets = '[]'", "Prepared pair"),
    ("UPDATE results_metric SET value = 0.9", "Image metrics"),
    ("DELETE FROM results_metric", "Image metrics"),
    (
        "INSERT INTO results_metric (study_id, case_id, reference_id, test_id, metric, region, value, reason, "
        "range_rule, registered, settings_hash) SELECT study_id, case_id, test_id, reference_id, metric, region, 1, "
        "'', '', registered, settings_hash FROM results_metric",
        "Image metrics",
    ),
    ("UPDATE results_feature SET value = 9", "Radiomic features"),
    ("UPDATE results_volumemeasure SET value = 0.9", "Measures in volumes of interest"),
    ("UPDATE results_featuresettings SET settings = '{}'", "Radiomic settings"),
    ("UPDATE audit_sealed SET number = 1 WHERE section = 'protocol'", "The protocol"),
    ("DELETE FROM audit_sealed WHERE section = 'metrics'", "Image metrics"),
]
AFTER_OPENING = [
    ("UPDATE reading_presentation SET state = 'void', void_reason = 'x' WHERE position = 1", "Schedule of R1"),
    ("UPDATE reading_presentation SET void_reason = 'x' WHERE state = 'void'", "Schedule of R1"),
    ("UPDATE reading_presentation SET state = 'confirmed' WHERE state = 'void'", "Schedule of R1"),
    ("UPDATE reading_presentation SET token = 'x' WHERE position = 1", "Schedule of R1"),
    ("UPDATE reading_signature SET meaning = 'x'", "Signature"),
    ("DELETE FROM reading_signature", "Signature"),
    ("UPDATE viewing_displaycheck SET passed = NOT passed", "Display check"),
    ("DELETE FROM viewing_displaycheck", "Display check"),
    ("UPDATE viewing_logpart SET entries = 'x'", "Piece 0 of the log"),
    ("UPDATE protocol_amendment SET reason = 'x'", "Amendment 1"),
    ("UPDATE protocol_readerstudy SET state = 'open', closed_at = NULL", "The protocol"),
]


def one_of_each(manipulations: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Rounds in which each thing is changed once at most: to verify a study takes longer than to change it."""
    rounds: list[dict[str, tuple[str, str]]] = []
    for one in manipulations:
        free = next((taken for taken in rounds if one[1] not in taken), None)
        if free is None:
            rounds.append(free := {})
        free[one[1]] = one
    return [list(taken.values()) for taken in rounds]


@pytest.mark.parametrize("state", STATES)
def test_every_manipulation_is_named_in_every_state(state):
    """In the open study each alone, in the others one of each kind at a time."""
    study = make(state)
    assert list(problems(study)) == []
    there = {name for name, *_ in Sealed.objects.filter(study=study).values_list("section")}
    later = {"schedule", "signatures", "amendments", "display checks", "briefings", "charters"}
    assert there == {one.name for one in registry.sections()} - (later if state == "draft" else set())
    there_too = [
        (sql, named)
        for sql, named in MANIPULATIONS + ([] if state == "draft" else AFTER_OPENING)
        if not (state == "open" and "SET state = 'open'" in sql)
        and (state == "draft" or "preparedpair" not in sql or study.pairs.exists())
    ]
    missed = []
    for together in [[one] for one in there_too] if state == "open" else one_of_each(there_too):
        with transaction.atomic():
            for sql, _ in together:
                run(sql)
            said = list(problems(type(study).objects.get(pk=study.pk)))
            missed += [sql for sql, named in together if not any(problem.startswith(named) for problem in said)]
            transaction.set_rollback(True)
    assert missed == []
    assert list(problems(study)) == []


@pytest.mark.parametrize(
    ("sql", "change"),
    [
        ("UPDATE protocol_readerstudy SET margin_mean = 0.5", lambda s: move(study=s, to=State.CLOSED, actor=None)),
        ("UPDATE protocol_criterion SET better = 'x'", lambda s: move(study=s, to=State.PAUSED, actor=None)),
        (
            "UPDATE reading_presentation SET first_side = 'left' WHERE first_side = 'right'",
            lambda s: withdraw_subject(study=s, subject=Subject.objects.get(code="S01"), reason="asked", actor=None),
        ),
        (
            "UPDATE reading_preparedpair SET flags = '[1]'",
            lambda s: withdraw_subject(study=s, subject=Subject.objects.get(code="S01"), reason="asked", actor=None),
        ),
        (
            "UPDATE accounts_membership SET role = 'analyst' WHERE role = 'admin'",
            lambda s: move(study=s, to=State.CLOSED, actor=None),
        ),
    ],
)
def test_what_was_changed_past_the_site_is_not_sealed_anew_by_the_next_change(sql, change):
    study = make("open")
    run(sql)
    count = study.events.count()
    with pytest.raises(RecordError, match="no line of the log tells of it"):
        change(study)
    assert study.events.count() == count


def test_a_draft_that_was_changed_past_the_site_is_neither_edited_nor_opened():
    study = factories.make_study(subjects=1)
    run("UPDATE protocol_readerstudy SET margin_mean = 0.5")
    for change in (
        lambda: save_settings(study=study, actor=None, min_distance=7),
        lambda: open_study(study=study, actor=None),
    ):
        with pytest.raises(RecordError, match="The protocol: changed"):
            change()
    run("UPDATE protocol_readerstudy SET margin_mean = NULL")
    open_study(study=study, actor=None)


def test_a_case_and_a_member_that_were_changed_are_not_changed_further():
    study = factories.make_study(subjects=1)
    analyst = add_member(study=study, user=factories.make_user(), role="analyst")
    run("UPDATE accounts_membership SET created_at = '2020-01-01T00:00Z' WHERE role = 'analyst'")
    run("UPDATE material_case SET feedback = 'x'")
    with pytest.raises(RecordError, match="Membership"):
        remove_member(member=analyst)
    with pytest.raises(RecordError, match="Case S01"):
        set_training(case=study.cases.get(), training=True, actor=None)


def test_rows_put_back_with_the_index_put_back_are_found_after_the_next_change():
    study = make("open")
    before = Sealed.objects.get(study=study, section="protocol").number
    move(study=study, to=State.PAUSED, actor=None)
    run("UPDATE protocol_readerstudy SET state = 'open'")
    run("UPDATE audit_sealed SET number = %s WHERE section = 'protocol'", before)
    move(study=study, to=State.PAUSED, actor=None)  # the index says that nothing was changed
    last = study.events.count()
    assert list(problems(study)) == [f"Line {last} was written on another state of The protocol."]


def test_rows_sealed_by_an_earlier_version_are_checked_by_the_columns_that_it_had(monkeypatch):
    study = factories.make_study(subjects=1)
    fewer = registry.SealedTable("material.Case", unit=("code",), left_out=frozenset({"feedback"}))
    with monkeypatch.context() as earlier:
        earlier.setitem(registry._sections, "cases", registry.SealedSection("cases", "Case", (fewer,)))
        record(study=study, action="case moved", seals=[("cases", None)])
    assert list(problems(study)) == []
    run("UPDATE material_case SET training = %s", True)
    assert list(problems(study)) == ["Case S01-lumbar-sag-T2: changed, and no line of the log tells of it."]


def test_every_table_of_a_study_is_sealed_or_left_out_on_purpose():
    """A model that belongs to a study must be thought of here."""
    sealed = {table.label for one in registry.sections() for table in one.tables}
    chained = {
        f"reading.{name}"
        for name in ("Rating", "Statement", "Finding", "Withdrawal", "ActiveTime", "Guess", "AnswerHead")
    }
    signed = {"viewing.LogPart", "access.Access"}
    encrypted = {"intake.PseudonymKey"}  # by the site's key: another would not open
    on_the_way = {"intake.Upload", "intake.Candidate", "intake.Delivered", "jobs.Job", "reading.Write"}
    assert lock_manifest.labels() <= sealed | chained | signed | on_the_way
    own = {"audit.Event", "audit.Head", "audit.Sealed"}
    of_study = {
        model._meta.label
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model
        and field.related_model._meta.label
        in (
            "protocol.ReaderStudy",
            "reading.Presentation",
            "accounts.Membership",
        )
    }
    keys = {"api.Token"}  # of programs: made, used and ended while a study runs, and no part of what it says
    assert of_study <= sealed | chained | signed | encrypted | on_the_way | own | keys


def test_columns_are_left_out_only_where_they_mean_nothing():
    left_out = {(table.label, name) for one in registry.sections() for table in one.tables for name in table.left_out}
    assert left_out == {
        ("accounts.Membership", "strip_collapsed"),
        *(
            ("reading.Presentation", name)
            for name in (
                "state",
                "revision",
                "seen",
                "seconds",
                "started_at",
                "confirmed_at",
                "skipped_at",
                "skip_reason",
            )
        ),
    }
