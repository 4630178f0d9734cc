"""Amendments after opening: numbered, with a reason, balanced for themselves, changing nothing scheduled before."""

import uuid
from collections import Counter

import pytest
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse

from processing.errors import InputError
from readerstudy.accounts.models import Role, User
from readerstudy.archive.store import put_bytes
from readerstudy.audit import verify
from readerstudy.images.analyses import images
from readerstudy.images.models import Feature, FeatureSettings, Metric
from readerstudy.material.models import Alignment, Case, Instance, VolumeOfInterest
from readerstudy.protocol.models import Amendment, ReaderStudy
from readerstudy.protocol.selectors import protocol_document
from readerstudy.protocol.services import move
from readerstudy.reading import amendments, blocks
from readerstudy.reading.models import Presentation
from readerstudy.reading.signatures import sign, to_sign
from readerstudy.reading.verify import schedule_problems
from readerstudy.results.tables import ratings
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
COLUMNS = [
    "reader__code",
    "position",
    "part",
    "block",
    "kind",
    "case__code",
    "comparison",
    "first_side",
    "token",
    "state",
]


@made_once()
def study():
    study = factories.make_study(subjects=4, readers=2)
    study.guesses = 0
    study.save()
    return factories.open_(study)


@pytest.fixture
def admin(study) -> User:
    return study.memberships.get(role=Role.ADMIN).user


def listed(study, **only) -> list[tuple]:
    return list(study.presentations.filter(**only).order_by("reader__code", "position").values_list(*COLUMNS))


def late_case(study, subject: str = "S09") -> Case:
    factories.make_case(study, subject)
    return Case.objects.get(study=study, subject__code=subject)


def in_archive(sha256: str) -> bool:
    return storages["archive"].exists(f"{sha256[:2]}/{sha256[2:4]}/{sha256}")


def test_a_reader_more_gets_a_whole_balanced_list_and_nobody_elses_changes(study, admin):
    before, protocol = listed(study), protocol_document(study)["sha256"]
    member, token, amendment = amendments.add_reader(
        study=study, username="late", new=True, reason="R1 falls ill", actor=admin
    )
    assert (member.code, amendment.number, bool(token)) == ("R3", 1, True)
    assert listed(study, block=0) == before
    own = study.presentations.filter(reader=member)
    assert Counter(own.values_list("case", "comparison")) == Counter(
        study.presentations.filter(reader__code="R1").values_list("case", "comparison")
    )
    for comparison in study.comparisons.all():
        sides = Counter(own.filter(comparison=comparison).values_list("first_side", flat=True))
        assert abs(sides["left"] - sides["right"]) <= 1
    assert protocol_document(study)["sha256"] == protocol == study.protocol_sha256
    assert protocol_document(study)["amendments"][0]["what"] == ["R3"]
    assert schedule_problems(study) == []


def test_cases_more_come_at_the_end_of_every_list_as_a_block_with_its_own_balance(study, admin):
    before, cases = listed(study), [late_case(study), late_case(study, "S10")]
    amendment = amendments.add_cases(study=study, cases=cases, reason="Two more scans", actor=admin)
    assert listed(study, block=0) == before
    for reader in ("R1", "R2"):
        block = study.presentations.filter(reader__code=reader, block=amendment.number)
        assert [p.position for p in block.order_by("position")] == list(range(13, 19))
        for comparison in study.comparisons.all():
            sides = Counter(block.filter(comparison=comparison).values_list("first_side", flat=True))
            assert abs(sides["left"] - sides["right"]) <= 1
    assert schedule_problems(study) == []
    assert study.events.get(action="study amended").data["presentations"] == 12


def test_amendments_build_on_each_other_and_each_can_be_made_again(study, admin):
    amendments.add_cases(study=study, cases=[late_case(study)], reason="one", actor=admin)
    member, _, second = amendments.add_reader(study=study, username="late", new=True, reason="two", actor=admin)
    amendments.add_cases(study=study, cases=[late_case(study, "S10")], reason="three", actor=admin)
    assert [a.number for a in study.amendments.all()] == [1, 2, 3]
    own = study.presentations.filter(reader=member)
    assert (own.filter(block=2).count(), own.filter(block=3).count()) == (15, 3)
    assert blocks.block_schedule(second.data).sha256 == second.schedule_sha256
    assert schedule_problems(study) == []


def test_a_change_of_a_block_behind_the_sites_back_is_found(study, admin):
    amendments.add_cases(study=study, cases=[late_case(study)], reason="one", actor=admin)
    shown = study.presentations.filter(block=1, reader__code="R2").first()
    other = "left" if shown.first_side == "right" else "right"
    Presentation.objects.filter(pk=shown.pk).update(first_side=other)
    assert schedule_problems(study) == ["Amendment 1: the presentations in the database are not those of its block."]
    Presentation.objects.filter(pk=shown.pk).update(block=7, first_side=shown.first_side)
    assert "1 presentations belong to no amendment." in schedule_problems(study)


def test_in_parts_new_cases_come_in_the_last_part_and_a_signed_part_is_signed_again():
    study = factories.make_study(subjects=4, readers=1)
    study.parts, study.guesses = 2, 0
    study.save()
    study = factories.open_(study)
    reader = study.memberships.get(role=Role.READER)
    factories.read_all(reader)
    reader.user.set_password("a long password")
    reader.user.save()
    sign(member=reader, proof=factories.proof_of(reader.user))
    amendments.add_cases(study=study, cases=[late_case(study)], reason="more", actor=None)
    assert set(study.presentations.filter(block=1).values_list("part", flat=True)) == {2}
    assert to_sign(reader) == []
    for shown in study.presentations.filter(block=1).order_by("position"):
        factories.read_pair(shown)
    assert to_sign(reader) == [2]
    sign(member=reader, proof=factories.proof_of(reader.user))
    assert to_sign(reader) == []


def test_a_case_that_is_scheduled_or_not_ready_cannot_be_added(study, admin):
    with pytest.raises(InputError, match="is scheduled already"):
        amendments.add_cases(study=study, cases=[study.cases.first()], reason="x", actor=admin)
    case = late_case(study)
    case.pairs.first().delete()
    with pytest.raises(InputError, match="are not prepared yet"):
        amendments.add_cases(study=study, cases=[case], reason="x", actor=admin)
    assert Amendment.objects.count() == 0


def test_an_upload_into_a_simulated_arm_is_scheduled_by_no_amendment():
    study = factories.make_study(subjects=2)
    factories.simulate(study, {"degrade": {"half_nex_fraction": 0.05, "seed": 12}})
    factories.log_as_is(study)
    study, case = factories.open_(study), late_case(study)
    case.series.filter(arm__code="FAST").update(made_from=None)
    factories.log_as_is(study)
    with pytest.raises(InputError, match="a series is not as the protocol has it"):
        amendments.add_cases(study=study, cases=[case], reason="x", actor=None)


def test_the_series_of_a_scheduled_case_are_frozen_and_new_cases_may_come(study):
    first = study.series.filter(case=study.cases.first()).first()
    facts = factories.series_facts("other pixels")
    with pytest.raises(InputError, match="its series are frozen"):
        factories.add_series(case=first.case, arm=first.arm, instances=[(put_bytes(b"x"), 1)], replace=True, **facts)
    assert late_case(study).series.filter(active=True).count() == 4


def test_without_a_reason_or_in_another_state_nothing_is_amended(study, admin):
    case, subject = late_case(study), study.subjects.first()
    with pytest.raises(InputError, match="Say why"):
        amendments.add_cases(study=study, cases=[case], reason="  ", actor=admin)
    move(study=study, to="closed", actor=admin)
    with pytest.raises(InputError, match="cannot be amended"):
        amendments.add_cases(study=study, cases=[case], reason="x", actor=admin)
    amendments.withdraw_subject(study=study, subject=subject, reason="asked to", actor=admin)
    ReaderStudy.objects.filter(pk=study.pk).update(state="locked")
    with pytest.raises(InputError):
        amendments.withdraw_subject(study=study, subject=study.subjects.last(), reason="asked to", actor=admin)


def with_numbers(case: Case) -> None:
    """A metric, an alignment, a mask and a feature of this case."""
    study, (a, b) = case.study, list(case.series.order_by("arm__place")[:2])
    Metric.objects.create(
        study=study,
        case=case,
        reference=a,
        test=b,
        metric="ssim",
        region="whole",
        value=0.9,
        range_rule="volume",
        settings_hash="h",
    )
    Alignment.objects.create(
        study=study,
        fixed=a,
        moving=b,
        matrix=[],
        quality={},
        conventions={},
        picture=put_bytes(f"picture {case.code}".encode()),
    )
    mask = VolumeOfInterest.objects.create(
        study=study,
        case=case,
        drawn_on=a,
        name="disc",
        sha256=put_bytes(f"mask {case.code}".encode()),
        voxels=9,
        millilitres=1,
    )
    settings, _ = FeatureSettings.objects.get_or_create(study=study, settings={}, sha256="s")
    Feature.objects.create(
        study=study,
        voi=mask,
        series=a,
        settings=settings,
        image_type="original",
        feature_class="glcm",
        feature="glcm_Contrast",
        value=1,
    )
    factories.log_as_is(study)


def test_a_withdrawn_subject_leaves_hashes_and_ratings_and_nothing_else(
    study, admin, settings, tmp_path, django_capture_on_commit_callbacks
):
    gone, stays = study.cases.get(subject__code="S02"), study.cases.get(subject__code="S03")
    for case in (gone, stays):
        with_numbers(case)
    reader = study.memberships.get(code="R1")
    factories.read_all(reader)
    files = {
        case: set(Instance.objects.filter(series__case=case).values_list("sha256", flat=True)) for case in (gone, stays)
    }
    files[gone] |= {put_bytes(f"mask {gone.code}".encode()), put_bytes(f"picture {gone.code}".encode())}
    shared = Instance.objects.filter(series__case=stays).first().sha256  # sent twice: needed by the other case
    one = Instance.objects.filter(series__case=gone).first()
    Instance.objects.filter(pk=one.pk).update(sha256=shared)
    factories.log_as_is(study)
    hashes = list(gone.series.order_by("pk").values_list("sha256", flat=True))
    kept = [row for row in listed(study) if row[5] != gone.code]

    settings.VAR_DIR = tmp_path
    images(study)
    assert len(list((tmp_path / "images").iterdir())) == 1
    with django_capture_on_commit_callbacks(execute=True):
        amendment = amendments.withdraw_subject(study=study, subject=gone.subject, reason="asked to", actor=admin)
    assert Metric.objects.filter(case=gone).count() == Feature.objects.filter(voi__case=gone).count() == 0
    assert gone.pairs.count() == Alignment.objects.filter(fixed__case=gone).count() == 0
    assert in_archive(one.sha256), "files go after the commit, by a job"
    factories.work_off(study)
    # The file that was sent twice, and the frames, which the factory makes alike for all cases.
    assert study.jobs.get(function="material.erase").result["needed elsewhere"] == 3
    assert [in_archive(sha256) for sha256 in files[gone] - {one.sha256}] == [False] * (len(files[gone]) - 1)
    assert all(in_archive(sha256) for sha256 in files[stays] | {shared})
    assert all(in_archive(pair.first_left_sha256) for pair in study.pairs.all())
    assert list(gone.series.order_by("pk").values_list("sha256", flat=True)) == hashes

    void = study.presentations.filter(case=gone)
    assert set(void.values_list("state", "void_reason")) == {("void", "subject withdrawn, amendment 1")}
    assert [row for row in listed(study) if row[5] != gone.code] == kept
    assert gone.code not in {row["case"] for row in ratings(study)}
    assert stays.code in {row["case"] for row in ratings(study)}
    assert amendment.data["presentations"] == 6
    assert amendment.data["read"] == 3
    assert list(verify.problems(study)) == []
    assert schedule_problems(study) == []
    assert list((tmp_path / "images").iterdir()) == []
    with pytest.raises(InputError, match="nothing of it may come in again"):
        factories.make_case(study, "S02")
    with pytest.raises(InputError, match="was withdrawn already"):
        amendments.withdraw_subject(study=study, subject=gone.subject, reason="again", actor=admin)


def test_a_pair_that_is_being_read_when_its_subject_is_withdrawn_is_gone_and_the_next_comes(study):
    reader = study.memberships.get(code="R1")
    client = Client()
    client.force_login(reader.user)
    base = reverse("current", args=[study.slug])
    now = client.get(base).json()
    subject = Presentation.objects.get(token=now["token"]).case.subject
    amendments.withdraw_subject(study=study, subject=subject, reason="asked to", actor=None)
    pair = base.replace("current/", f"{now['token']}/")
    assert client.get(f"{pair}frames/0/").status_code == 404
    rating = f"{pair}ratings/{now['criteria'][0]}/"
    data = {"key": str(uuid.uuid4()), "score": 3}
    assert client.put(rating, data, content_type="application/json").status_code == 404
    after = client.get(base).json()
    assert (after["token"] == now["token"], after["total"]) == (False, 9)


def page_of(study, user) -> tuple[Client, str]:
    client = Client()
    client.force_login(user)
    return client, f"/studies/{study.slug}/protocol/amendments/"


def test_the_page_adds_a_case_a_reader_and_withdraws_a_subject(study, admin):
    case = late_case(study)
    client, page = page_of(study, admin)
    assert case.code in html(client.get(page))
    assert client.post(f"{page}cases/", {"cases-cases": [case.pk], "cases-reason": "late scan"}).status_code == 302
    said = {"reader-username": "late", "reader-new": "on", "reader-reason": "R1 is ill"}
    assert "is reader R3 now" in html(client.post(f"{page}reader/", said))
    said = {"subject-subject": "S01", "subject-again": "S02", "subject-reason": "asked to"}
    assert "another subject than the one above" in html(client.post(f"{page}subject/", said))
    assert client.post(f"{page}subject/", said | {"subject-again": "S01"}).status_code == 302
    protocol = html(client.get(f"/studies/{study.slug}/protocol/"))
    for words in ("late scan", "R1 is ill", "subject withdrawn: S01", "9 pairs void"):
        assert words in protocol
    log = html(client.get(f"/studies/{study.slug}/log/"))
    assert "amended the study (3: subject withdrawn, S01): asked to" in log
    case_page = client.get(f"/studies/{study.slug}/material/cases/{study.cases.get(subject__code='S01').pk}/")
    assert "pixels are erased" in html(case_page)


def test_an_error_stands_beside_its_form(study, admin):
    client, page = page_of(study, admin)
    answer = client.post(f"{page}reader/", {"reader-username": "nobody", "reader-reason": "x"})
    assert answer.status_code == 422
    assert "There is no account nobody" in html(answer)


def test_readers_and_analysts_cannot_amend(study):
    reader = study.memberships.get(code="R1").user
    client, page = page_of(study, reader)
    assert client.get(page).status_code == client.post(f"{page}reader/", {}).status_code == 404
