"""What was confirmed can be taken back: with all that was made from it, and nothing else."""

import pytest

from processing.errors import InputError
from readerstudy.archive import quarantine, store
from readerstudy.audit.services import RecordError
from readerstudy.audit.verify import problems
from readerstudy.intake import services, undoing
from readerstudy.intake.certainty import settle
from readerstudy.intake.models import Candidate, Delivered, Refusal, Upload
from readerstudy.jobs.services import claim, finish
from readerstudy.material.models import Alignment, Case, Instance, Series, Subject, VolumeOfInterest
from readerstudy.material.removal import outgoing
from readerstudy.reading.models import PreparedPair, Presentation
from tests import factories
from tests.confirmed import candidate_of, make_confirmed_study, series_of
from tests.once import made_once
from tests.tampering import run as tamper

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PLACE = ("subject_code", "region", "plane", "weighting", "arm")


@made_once()
def study():
    return make_confirmed_study()


def arms_of(study, subject: str) -> set[str]:
    return set(study.series.filter(case__subject__code=subject, active=True).values_list("arm__code", flat=True))


def confirm(candidate: Candidate, **changes) -> Series:
    placing = {name: getattr(candidate, name) for name in PLACE} | changes
    return services.confirm(candidate=candidate, actor=None, **placing)


def files_of(study, **of) -> set[str]:
    return set(study.series.filter(**of).exclude(instances=None).values_list("instances__sha256", flat=True))


def test_a_series_goes_back_with_all_that_was_made_from_it_and_nothing_else(study):
    fast = series_of(study, "S01", "FAST")
    goes = ["1 series made from it", "3 prepared pairs", "1 check against the other arms"]
    assert outgoing([fast]).in_words == goes
    candidate = undoing.back_to_confirm(series=fast, actor=None)
    assert (candidate.state, candidate.series, candidate.certain) == ("proposed", None, False)
    assert arms_of(study, "S01") == {"SOC", "SOC-DL"}
    assert PreparedPair.objects.filter(case__subject__code="S01").count() == 0
    assert PreparedPair.objects.filter(case__subject__code="S02").count() == 3
    assert arms_of(study, "S02") == {"SOC", "SOC-DL", "FAST", "FAST-DL"}
    assert list(problems(study)) == []


def test_what_was_taken_back_can_be_confirmed_again_and_is_made_again(study, django_capture_on_commit_callbacks):
    candidate = undoing.back_to_confirm(series=series_of(study, "S01", "FAST"), actor=None)
    with django_capture_on_commit_callbacks(execute=True):
        confirm(candidate)
    assert series_of(study, "S01", "FAST").candidate == candidate
    case = Case.objects.get(subject__code="S01")
    assert study.jobs.filter(function="material.enhance", parameters__case=case.pk, state="waiting").exists()
    assert list(problems(study)) == []


def test_what_was_done_for_the_same_pixels_before_is_asked_for_anew(study, django_capture_on_commit_callbacks):
    fast = series_of(study, "S01", "FAST")
    arm, case = study.arms.get(code="FAST-DL"), fast.case_id
    parameters = {"case": case, "arm": arm.pk, "source": fast.pk, "model": "resunet"}
    done = factories.make_job(study, function="material.enhance", parameters=parameters, state="done")
    other = factories.make_job(study, "other", "results.compare", {"case": case, "reference": 10**6}, state="done")
    undoing.back_to_confirm(series=fast, actor=None)
    assert list(study.jobs.filter(pk__in=[done.pk, other.pk])) == [other]


def test_the_version_before_stands_again(study):
    soc = series_of(study, "S01", "SOC")
    again = candidate_of(soc, upload=soc.candidate.upload, state="proposed", series=None, sha256="9" * 64)
    placing = {name: getattr(again, name) for name in PLACE}
    second = services.confirm(candidate=again, actor=None, replace=True, **placing)
    assert series_of(study, "S01", "SOC") == second
    undoing.back_to_confirm(series=second, actor=None)
    assert series_of(study, "S01", "SOC") == soc
    assert list(problems(study)) == []


def test_the_last_series_takes_its_case_and_subject_along(study):
    for arm in ("FAST", "SOC"):
        undoing.back_to_confirm(series=series_of(study, "S01", arm), actor=None)
    assert not Case.objects.filter(subject__code="S01").exists()
    assert list(Subject.objects.values_list("code", flat=True)) == ["S02"]
    assert list(problems(study)) == []


def test_what_was_taken_back_is_never_certain_again_by_itself(study):
    candidate = undoing.back_to_confirm(series=series_of(study, "S01", "FAST"), actor=None)
    settle(study)
    candidate.refresh_from_db()
    assert not candidate.certain
    assert "Taken back: look, then confirm." in candidate.objections
    assert services.confirm_certain(study=study, actor=None) == (0, [])


def test_a_series_of_which_files_are_missing_moves_without_asking_again(study):
    fast = series_of(study, "S01", "FAST")
    lacking = [{"code": "unreadable_files", "text": "2 of 20 files could not be used."}]
    Candidate.objects.filter(series=fast).update(cautions=lacking)
    place = {"region": "lumbar", "plane": "sagittal", "weighting": "T2", "arm": fast.arm}
    moved = undoing.move_series(series=fast, actor=None, subject_code="S09", **place)
    assert moved.cautions == lacking


def test_a_series_moves_to_another_case_all_or_nothing(study):
    fast = series_of(study, "S01", "FAST")
    there = {"region": "lumbar", "plane": "sagittal", "weighting": "T2", "arm": fast.arm}
    with pytest.raises(InputError, match="S02-lumbar-sag-T2 has a series in FAST already"):
        undoing.move_series(series=fast, actor=None, subject_code="S02", **there)
    assert series_of(study, "S01", "FAST") == fast
    assert PreparedPair.objects.filter(case__subject__code="S01").count() == 3
    with pytest.raises(InputError, match="stands there already"):
        undoing.move_series(series=fast, actor=None, subject_code="S01", **there)
    moved = undoing.move_series(series=fast, actor=None, subject_code="S03", **there)
    assert moved.case.subject.code == "S03"
    assert arms_of(study, "S01") == {"SOC", "SOC-DL"}
    assert list(problems(study)) == []


@pytest.mark.parametrize("keep", [True, False])
def test_a_case_goes_and_its_series_wait_or_go_too(study, keep):
    case = Case.objects.get(subject__code="S01")
    Delivered.objects.create(study=study, digest="0" * 64)
    files = files_of(study, case=case)
    assert files
    assert all(map(store.exists, files))
    undoing.remove_case(case=case, keep=keep, actor=None)
    assert not Case.objects.filter(pk=case.pk).exists()
    factories.work_off(study)
    waiting = study.candidates.filter(state="proposed")
    assert waiting.count() == (2 if keep else 0)
    assert {store.exists(sha256) for sha256 in files} == {keep}
    assert Delivered.objects.exists() == keep  # else who sends it again would be told that it is here
    assert files_of(study, case__subject__code="S02")
    assert all(map(store.exists, files_of(study)))
    assert list(problems(study)) == []


def test_files_that_another_series_is_made_of_stay(study):
    one, other = series_of(study, "S01", "SOC"), series_of(study, "S02", "SOC")
    shared = other.instances.get()
    one.instances.update(sha256=shared.sha256)
    factories.log_as_is(study)
    undoing.remove_case(case=one.case, keep=False, actor=None)
    factories.work_off(study)
    assert store.exists(shared.sha256)


def test_a_subject_goes_with_what_waits_of_it(study):
    undoing.back_to_confirm(series=series_of(study, "S01", "FAST"), actor=None)
    undoing.remove_subject(subject=Subject.objects.get(code="S01"), keep=False, actor=None)
    assert not study.candidates.filter(subject_code="S01").exists()
    assert list(study.subjects.values_list("code", flat=True)) == ["S02"]
    assert list(problems(study)) == []


def test_an_upload_goes_with_all_that_it_brought(study):
    upload = Upload.objects.get()
    Refusal.objects.create(upload=upload, reason="This is not a DICOM file.")
    candidate_of(series_of(study, "S01", "SOC"), upload=upload, series=None, state="dismissed")
    undoing.remove_upload(upload=upload, actor=None)
    for rows in (study.uploads, study.candidates, study.series, study.cases, study.subjects):
        assert not rows.exists()
    assert not Refusal.objects.exists()
    assert list(problems(study)) == []


def test_what_came_a_second_time_goes_with_the_case_and_keeps_no_file(study):
    soc = series_of(study, "S01", "SOC")
    later = Upload.objects.create(study=study, state="sorted", salt="")
    twin = candidate_of(soc, upload=later, series=None, state="known", subject_code="S77", subject_key="other")
    files = files_of(study, case=soc.case)
    undoing.remove_case(case=soc.case, keep=False, actor=None)
    factories.work_off(study)
    assert not Candidate.objects.filter(pk=twin.pk).exists()
    assert not any(map(store.exists, files))


def test_what_a_later_upload_brought_too_waits_once_the_first_is_gone(study):
    soc, first = series_of(study, "S01", "SOC"), Upload.objects.get()
    later = Upload.objects.create(study=study, state="sorted", salt="")
    twin = candidate_of(soc, upload=later, series=None, state="known")
    undoing.remove_upload(upload=first, actor=None)
    factories.work_off(study)
    twin.refresh_from_db()
    assert twin.state == "proposed"
    assert all(store.exists(sha256) for sha256, _ in twin.instances)


def test_an_upload_that_is_being_sorted_goes_and_its_job_stores_nothing(study, django_capture_on_commit_callbacks):
    upload = Upload.objects.create(study=study, state="sorting")
    folder = quarantine.folder(upload.pk)
    asked = factories.make_job(study, function="intake.sort", parameters={"upload": upload.pk})
    running = claim(job_id=asked.pk, worker="w")
    with django_capture_on_commit_callbacks(execute=True):
        undoing.remove_upload(upload=upload, actor=None)
    assert finish(job=running, store=lambda: services.store_sorted(upload=upload, series=[], refused=[])) is False
    assert not Upload.objects.filter(pk=upload.pk).exists()
    assert not folder.exists()
    assert study.series.count() == 8


def test_what_was_made_by_hand_is_named_and_goes(study):
    fast = series_of(study, "S01", "FAST")
    mask = VolumeOfInterest.objects.create(
        study=study, case=fast.case, drawn_on=fast, name="lesion", sha256=store.put_bytes(b"m"), voxels=1, millilitres=1
    )
    on_other = series_of(study, "S02", "FAST")
    other = VolumeOfInterest.objects.create(
        study=study,
        case=on_other.case,
        drawn_on=on_other,
        name="x",
        sha256=store.put_bytes(b"o"),
        voxels=1,
        millilitres=1,
    )
    factories.log_as_is(study)
    assert "1 volume of interest drawn on it, which does not come back" in outgoing([fast]).in_words
    undoing.back_to_confirm(series=fast, actor=None)
    factories.work_off(study)
    assert list(VolumeOfInterest.objects.all()) == [other]
    assert not store.exists(mask.sha256)
    assert store.exists(other.sha256)
    assert list(problems(study)) == []


def test_what_jobs_made_comes_again_once_the_series_is_confirmed_again(django_capture_on_commit_callbacks):
    study = factories.make_study(subjects=0, readers=0)
    with django_capture_on_commit_callbacks(execute=True):
        factories.two_acquisitions(study)
    work(study)
    fast = series_of(study, "S01", "FAST")
    upload = Upload.objects.create(study=study, state="sorted", salt="")
    candidate = candidate_of(fast, upload=upload)
    before = numbers(study)
    assert len(before) > 10
    assert Alignment.objects.count() == 1
    assert "1 alignment" in outgoing([fast]).in_words
    with django_capture_on_commit_callbacks(execute=True):
        undoing.back_to_confirm(series=fast, actor=None)
    work(study)
    assert numbers(study) == []
    assert not Alignment.objects.exists()
    candidate.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        confirm(candidate)
    work(study)
    assert numbers(study) == before
    assert Alignment.objects.count() == 1
    assert list(problems(study)) == []


def numbers(study) -> list:
    return sorted(study.metrics.values_list("metric", "region", "registered", "value"), key=str)


def work(study) -> None:
    """Do what waits, but for the arms that a model makes."""
    while study.jobs.filter(state="waiting").exclude(function="material.enhance").exists():
        study.jobs.filter(function="material.enhance").delete()
        factories.work_off(study)


def test_nothing_goes_where_the_record_does_not_hold(study):
    fast = series_of(study, "S01", "FAST")
    tamper(
        "UPDATE reading_preparedpair SET flags = '[\"x\"]' WHERE first_id = %s", series_of(study, "S01", "FAST-DL").pk
    )
    with pytest.raises(RecordError, match="Prepared pair"):
        undoing.back_to_confirm(series=fast, actor=None)
    assert study.series.count() == 8


def test_what_readers_see_stays(study):
    fast = series_of(study, "S01", "FAST")
    factories.open_(study)
    for change in (
        lambda: undoing.back_to_confirm(series=fast, actor=None),
        lambda: undoing.remove_case(case=fast.case, keep=True, actor=None),
        lambda: undoing.remove_subject(subject=fast.case.subject, keep=False, actor=None),
        lambda: undoing.remove_upload(upload=Upload.objects.get(), actor=None),
    ):
        with pytest.raises(InputError, match="is scheduled: its series are frozen"):
            change()
    assert study.series.count() == 8
    assert study.candidates.filter(state="confirmed").count() == 4


def test_a_case_that_came_after_the_opening_can_be_taken_back_until_it_is_scheduled(study):
    factories.open_(study)
    later = factories.make_case(study, "S09")["FAST"]
    candidate_of(later, upload=Upload.objects.get())
    undoing.back_to_confirm(series=later, actor=None)
    assert arms_of(study, "S09") == {"SOC", "SOC-DL"}
    assert arms_of(study, "S01") == {"SOC", "SOC-DL", "FAST", "FAST-DL"}
    assert list(problems(study)) == []


def test_nothing_goes_while_the_study_is_being_opened(study):
    factories.make_job(study, function="reading.open", state="waiting")
    with pytest.raises(InputError, match="being opened"):
        undoing.back_to_confirm(series=series_of(study, "S01", "FAST"), actor=None)


@pytest.mark.parametrize("parameters", [{"reference": "SOC", "test": "FAST"}, {"source": "FAST"}, {}])
def test_a_job_that_ends_after_its_input_went_stores_nothing(study, parameters):
    fast = series_of(study, "S01", "FAST")
    named = {name: series_of(study, "S01", arm).pk for name, arm in parameters.items()}
    job = factories.make_job(study, parameters={"case": fast.case_id} | named)
    running = claim(job_id=job.pk, worker="w")
    undoing.back_to_confirm(series=fast, actor=None)
    stored = []
    assert finish(job=running, store=lambda: stored.append(1)) is False
    assert stored == []


def test_a_job_that_ended_just_before_leaves_nothing_behind(study):
    """What it stored goes too, though it was not there when the page named what goes."""
    fast = series_of(study, "S01", "FAST")
    case = fast.case
    named = outgoing([fast])
    job = claim(job_id=factories.make_job(study, parameters={"case": case.pk, "source": fast.pk}).pk, worker="w")

    def store_another() -> None:
        later = Series.objects.create(
            study=study,
            case=case,
            arm=study.arms.get(code="FAST-DL"),
            version=2,
            active=False,
            made_from=fast,
            **factories.series_facts("later"),
        )
        factories.log_as_is(study)
        assert later.pk not in [one.pk for one in named.series]

    assert finish(job=job, store=store_another)
    undoing.back_to_confirm(series=fast, actor=None)
    assert arms_of(study, "S01") == {"SOC", "SOC-DL"}
    assert not Series.objects.filter(made_from=fast.pk).exists()


def test_every_table_that_points_at_a_case_or_its_series_is_told_of():
    """A table that is forgotten would keep a series from going, or lose rows that the log still seals."""
    from django.apps import apps

    from readerstudy.dicomweb.models import Header
    from readerstudy.material.removal import dependants

    pointing = {
        model
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model in (Series, Case, VolumeOfInterest)
    }
    told = {one.rows([]).model for one in dependants()}
    own = {Series, Instance, Candidate, Header}  # the series itself, what waits again, what is read of its files again
    scheduled = {Presentation}  # a case with one stays
    assert pointing - own - scheduled == told
