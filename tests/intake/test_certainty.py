"""Certain is only what nothing speaks against; what does is said, and what is missing needs a tick."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from django.urls import reverse

from processing.errors import InputError
from processing.ingest import delivery
from processing.nifti import write_nifti
from processing.volume import Volume
from readerstudy.intake import names, proposals, services
from readerstudy.intake.certainty import settle
from readerstudy.intake.models import Candidate
from readerstudy.intake.placing import with_part
from readerstudy.intake.tasks import sort_upload
from readerstudy.jobs.models import Job
from readerstudy.material.models import Subject
from readerstudy.protocol.services import change_parts
from tests import factories
from tests.intake.test_import import write_series
from tests.pages import html
from tests.processing import dicom_files

pytestmark = pytest.mark.django_db
PLACE = ("subject_code", "site", "region", "plane", "weighting", "arm")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Sort without a child, which other tests are about; what it says crosses as JSON all the same."""

    def run(function, arguments, *, limits, news):
        return json.loads(json.dumps(getattr(delivery, function.partition(":")[2])(arguments, news)))

    monkeypatch.setattr(delivery.confined, "run", run)


@pytest.fixture
def study():
    return factories.make_study(subjects=0)


def sorted_upload(study, folder: Path):
    """What sorting a folder proposes."""
    upload = services.receive_folder(study=study, folder=folder, actor=None)
    job = Job.objects.get(function="intake.sort", parameters__upload=upload.pk)
    sort_upload(job, lambda share, what: None)()
    upload.refresh_from_db()
    return upload


def place(candidate: Candidate, **changes):
    placing = {name: getattr(candidate, name) for name in PLACE}
    return services.confirm(candidate=candidate, actor=None, **placing | changes)


def volume(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.random.default_rng(seed).integers(0, 900, (4, 16, 16)).astype(np.int16)
    write_nifti(Volume(array, np.diag([-1.0, -1.0, 4.0, 1.0])), path)


def waiting(study) -> list[Candidate]:
    return list(study.candidates.filter(state="proposed").order_by("subject_code", "arm__place", "pk"))


def test_a_whole_case_is_certain_and_says_why(study, tmp_path):
    write_series(tmp_path / "anna" / "SOC", 1)
    write_series(tmp_path / "anna" / "FAST", 2)
    sorted_upload(study, tmp_path)
    soc, fast = waiting(study)
    assert [one.certain for one in (soc, fast)] == [True, True]
    assert soc.why == "arm by folder name, 2 averages"
    assert soc.objections == []


def test_two_series_that_claim_one_place_are_not_certain_until_one_is_put_aside(study, tmp_path):
    write_series(tmp_path / "a" / "SOC", 1)
    write_series(tmp_path / "b" / "SOC", 2)
    sorted_upload(study, tmp_path)
    one, other = waiting(study)
    assert [one.objections, other.objections] == [["Another series claims the same place."]] * 2
    services.dismiss(candidate=other, actor=None)
    one.refresh_from_db()
    assert one.certain
    place(one)
    services.call_back(candidate=other, actor=None)
    other.refresh_from_db()
    assert other.objections == ["Another series stands in this place."]


def test_one_slice_is_never_certain(study, tmp_path):
    write_series(tmp_path / "SOC", 1, slices=range(1))
    sorted_upload(study, tmp_path)
    (one,) = waiting(study)
    assert not one.certain
    assert len(one.objections) == 1
    Candidate.objects.update(cautions=[])
    settle(study)
    one.refresh_from_db()
    assert (one.certain, one.objections) == (False, ["It has one slice."])


def test_a_series_with_missing_files_is_placed_only_with_a_tick(study, client, tmp_path):
    paths = write_series(tmp_path / "SOC", 1)
    for path in (paths[0], paths[5]):
        path.write_bytes(path.read_bytes()[:-200])
    sorted_upload(study, tmp_path)
    (one,) = waiting(study)
    assert not one.certain
    assert [said for said in one.objections if said.startswith("2 of 6 files of this series could not be used")]
    with pytest.raises(InputError, match="tick that it is to be placed without them"):
        place(one)
    client.force_login(study.memberships.get(role="admin").user)
    data = {f"c{one.pk}-{name}": getattr(one, name) for name in ("subject_code", "region", "plane", "weighting")}
    data |= {f"c{one.pk}-arm": one.arm.pk, f"c{one.pk}-tick": "on"}
    address = reverse("confirm_candidates", args=[study.slug])
    page = client.post(address, data)
    assert page.status_code == 422
    assert "Place although files are missing" in html(page)
    assert client.post(address, data | {f"c{one.pk}-incomplete": "on"}).status_code == 302
    assert study.series.get().cautions == one.cautions


@pytest.mark.parametrize(
    ("weighting", "part", "expected"),
    [
        ("T2", "water", "T2 water"),
        ("T2", "opposed phase", "T2 opp"),
        ("DWI", "b = 800.0 s/mm²", "DWI b800"),
        ("T2*", "echo time 4.92 ms", "T2* TE5"),
        ("PD", "echo time 12 ms", "PD"),
        ("T2", "", "T2"),
        ("T2", "2", "T2"),
        ("", "water", ""),
    ],
)
def test_a_part_is_paired_with_its_like_by_its_name(weighting, part, expected):
    assert with_part(weighting, part) == expected


@pytest.mark.parametrize(
    ("part", "said"),
    [("water", "see that its partner"), ("2", "say in its weighting"), ("trigger time 4 ms", "say in")],
)
def test_a_part_of_a_series_is_named_and_asked_about(study, tmp_path, part, said):
    write_series(tmp_path / "SOC", 1)
    sorted_upload(study, tmp_path)
    (one,) = waiting(study)
    Candidate.objects.update(part=part)
    settle(study)
    one.refresh_from_db()
    assert not one.certain
    assert one.objections[0].startswith(f"A part of a series, {part}: {said}")


def test_water_is_paired_with_water(study, tmp_path):
    for number, arm in enumerate(("SOC", "FAST"), 1):
        for part, word in enumerate(("WATER", "FAT")):
            folder = tmp_path / "anna" / arm / word
            write_series(folder, 10 * number + part, ImageType=["DERIVED", "PRIMARY", "DIXON", word])
    sorted_upload(study, tmp_path)
    told = sorted((one.weighting, one.arm.code, one.certain) for one in waiting(study))
    assert told == [(f"T2 {word}", arm, False) for word in ("fat", "water") for arm in ("FAST", "SOC")]


def test_names_of_a_flat_folder_tell_subjects_and_arms(study, tmp_path):
    for number, (patient, arm) in enumerate([("p8", "SOC"), ("p8", "FAST-DL"), ("p9", "SOC"), ("p9", "FAST")]):
        volume(tmp_path / "all" / f"{patient}_lumbar_T2_{arm}.nii.gz", number)
    sorted_upload(study, tmp_path)
    told = [(one.subject_code, one.region, one.weighting, one.arm.code, one.certain) for one in waiting(study)]
    assert told == [
        ("S01", "lumbar", "T2", "SOC", True),
        ("S01", "lumbar", "T2", "FAST-DL", True),
        ("S02", "lumbar", "T2", "SOC", True),
        ("S02", "lumbar", "T2", "FAST", True),
    ]


def test_two_names_with_one_series_each_are_two_subjects_and_asked_about(study, tmp_path):
    volume(tmp_path / "flat" / "pat8_lumbar_T2_SOC.nii.gz", 1)
    volume(tmp_path / "flat" / "pat9_lumbar_T2_FAST.nii.gz", 2)
    sorted_upload(study, tmp_path)
    told = [(one.subject_code, one.certain, [c["code"] for c in one.cautions]) for one in waiting(study)]
    assert told == [("S01", False, ["several_patients"]), ("S02", False, ["several_patients"])]


def test_a_subject_known_from_an_earlier_upload_by_names_alone_is_asked_about(study, tmp_path):
    volume(tmp_path / "one" / "all" / "p8_lumbar_T2_SOC.nii.gz", 1)
    volume(tmp_path / "two" / "all" / "p8_lumbar_T2_FAST.nii.gz", 2)
    sorted_upload(study, tmp_path / "one")
    sorted_upload(study, tmp_path / "two")
    told = [(one.subject_code, one.arm.code, one.certain) for one in waiting(study)]
    assert told == [("S01", "SOC", True), ("S01", "FAST", False)]
    assert waiting(study)[1].objections == ["S01 is known from an earlier upload, by the names of files alone."]


def test_names_are_read_again_by_another_pattern_without_being_kept(study, client, tmp_path):
    for number, name in enumerate(["mona_01_SOC_lumbar_T2", "mona_02_FAST_lumbar_T2"]):
        volume(tmp_path / "set" / f"{name}.nii.gz", number)
    upload = sorted_upload(study, tmp_path)
    assert [one.subject_code for one in waiting(study)] == ["S01", "S02"]
    assert not any("mona" in str(row) for row in Candidate.objects.values_list())
    client.force_login(study.memberships.get(role="admin").user)
    page = reverse("material", args=[study.slug])
    assert "{subject}_{arm}_{region}_{weighting}" in html(client.get(page))
    pattern = "{subject}_{skip}_{arm}_{region}_{weighting}"
    answer = client.post(reverse("read_names", args=[study.slug, upload.pk]), {"pattern": pattern}, follow=True)
    assert "2 file names read again" in html(answer)
    assert pattern in html(answer)
    told = [(one.subject_code, one.arm.code, one.certain, one.cautions) for one in waiting(study)]
    assert told == [("S01", "SOC", True, []), ("S01", "FAST", True, [])]
    names.read_again(upload=upload, pattern="", actor=None)
    assert [one.subject_code for one in waiting(study)] == ["S01", "S02"]
    answer = client.post(reverse("read_names", args=[study.slug, upload.pk]), {"pattern": "mona_{arm}"}, follow=True)
    assert "A pattern needs {subject}" in html(answer)


def test_a_series_of_a_study_with_several_sites_needs_one_and_keeps_it(study, client, tmp_path):
    bern = study.sites.create(code="Bern")
    factories.log_as_is(study)
    write_series(tmp_path / "SOC", 1)
    write_series(tmp_path / "FAST", 2)
    sorted_upload(study, tmp_path)
    soc, fast = waiting(study)
    assert soc.objections == ["Choose site."]
    with pytest.raises(InputError, match="Choose the site of S01"):
        place(soc)
    client.force_login(study.memberships.get(role="admin").user)
    rows = [f"{one.pk};Bern" for one in (soc, fast)]
    proposals.take_csv(study=study, content="series;site\n{}\n".format("\n".join(rows)).encode(), actor=None)
    soc, fast = waiting(study)
    assert (soc.certain, soc.site) == (True, bern)
    assert place(soc).case.subject.site == bern
    with pytest.raises(InputError, match="S01 belongs to Bern; a subject has one site"):
        place(fast, site=study.sites.get(code="Site 1"))
    with pytest.raises(InputError, match="Line 2: S01 belongs to Bern"):
        proposals.take_csv(study=study, content=f"series;site\n{fast.pk};Site 1\n".encode(), actor=None)
    with pytest.raises(InputError, match="there is no site of this name"):
        proposals.take_csv(study=study, content=f"series;site\n{fast.pk};Genf\n".encode(), actor=None)
    assert Subject.objects.get().site == bern
    line = client.get(reverse("proposals_csv", args=[study.slug])).getvalue().decode()
    assert ",Bern," in line


def test_a_second_site_is_asked_about_for_series_that_wait(study, tmp_path, django_capture_on_commit_callbacks):
    write_series(tmp_path / "anna" / "SOC", 1)
    write_series(tmp_path / "anna" / "FAST", 2)
    sorted_upload(study, tmp_path)
    assert [one.certain for one in waiting(study)] == [True, True]
    admin = study.memberships.get(role="admin").user
    bern = study.sites.model(study=study, code="Bern")
    with django_capture_on_commit_callbacks(execute=True):
        change_parts(study=study, actor=admin, changed=[bern], removed=[])
    assert [one.objections for one in waiting(study)] == [["Choose site."]] * 2
    soc, fast = waiting(study)
    Candidate.objects.filter(pk=soc.pk).update(site=bern)
    Candidate.objects.filter(pk=fast.pk).update(site=study.sites.get(code="Site 1"))
    settle(study)
    assert "Another series of this subject names another site." in waiting(study)[0].objections
    place(waiting(study)[0])
    settle(study)
    (fast,) = waiting(study)
    assert (fast.site, fast.certain) == (bern, True)


def test_a_manifest_says_the_site(study, tmp_path):
    study.sites.create(code="Bern")
    write_series(tmp_path / "one", 1)
    (tmp_path / "manifest.csv").write_text("folder,subject,arm,site\none,P-7,SOC,Bern\n")
    sorted_upload(study, tmp_path)
    (one,) = waiting(study)
    assert (one.subject_code, one.arm.code, one.site.code, one.certain) == ("P-7", "SOC", "Bern", True)


def test_every_region_that_headers_tell_can_be_placed(study, tmp_path):
    for number, part in enumerate(("KNEE", "PROSTATE", "SHOULDER"), 1):
        folder = tmp_path / part / "SOC"
        for n in range(3):
            uids = {"SeriesInstanceUID": f"1.2.9.{number}", "SOPInstanceUID": f"1.2.9.{number}.{n + 1}"}
            image = dicom_files.pixels(1, rows=32, columns=32, seed=10 * number + n)[0]
            dataset = dicom_files.classic(n, image, BodyPartExamined=part, **uids)
            dicom_files.save(dataset, folder / f"{n}.dcm")
    sorted_upload(study, tmp_path)
    assert services.confirm_certain(study=study, actor=None) == (3, [])
    assert sorted(study.cases.values_list("region", flat=True)) == ["knee", "prostate", "shoulder"]


def test_the_row_shows_what_a_series_holds(study, client, tmp_path):
    write_series(tmp_path / "SOC", 1)
    sorted_upload(study, tmp_path)
    (one,) = waiting(study)
    one.parameters |= {"simulated": "half matrix, seed 1", "notes": ["RepetitionTime left out: not possible."]}
    one.save()
    client.force_login(study.memberships.get(role="admin").user)
    page = html(client.get(reverse("material", args=[study.slug])))
    for words in (
        *("6 × 64 × 64", "0.75 × 0.5 × 3 mm", "TR 4000 TE 98", "Certain: arm by folder name"),
        *("RepetitionTime left out: not possible.", "half matrix, seed 1", ">simulated<"),
    ):
        assert words in page
    assert ">Site<" not in page, "asked for only where there are several"
