"""STOW-RS: what is taken, what is not and why; what was taken is de-identified and sorted like any upload."""

from datetime import timedelta
from io import BytesIO

import pytest
from dicomweb_client.api import DICOMwebClient
from django.test import Client
from pydicom import Dataset, dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from processing.dicom.start import NEEDED
from readerstudy.accounts.models import Role
from readerstudy.api.models import Scope
from readerstudy.archive import quarantine
from readerstudy.intake import deliveries, receiving
from readerstudy.intake.models import SORT, Upload
from readerstudy.jobs import disk
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import claim
from readerstudy.jobs.tasks import perform
from readerstudy.protocol.models import ReaderStudy
from readerstudy.states import State
from tests import factories
from tests.dicomweb.material import SITE, session, words_of, write_series
from tests.once import made_once
from tests.processing import dicom_files

pytestmark = pytest.mark.django_db

CT = "1.2.840.10008.5.1.4.1.1.2"
TYPE = 'multipart/related; type="application/dicom"; boundary=x'


@made_once()
def study():
    return factories.open_(factories.make_study(subjects=2, readers=1))


@pytest.fixture
def client(study):
    return DICOMwebClient(f"{SITE}/dicomweb/studies/{study.slug}", session=session(words_of(study)))


@pytest.fixture
def send(study):
    """Send these bytes as parts of one request; the answer."""
    words = words_of(study)

    def sent(*files: bytes, path="studies", content_type=TYPE, body=None, words=words, **more):
        parts = b"".join(b"--x\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files)
        return Client().generic(
            "POST",
            f"/dicomweb/studies/{study.slug}/{path}",
            parts + b"--x--\r\n" if body is None else body,
            content_type=content_type,
            headers={"Authorization": f"Bearer {words}", "Accept": "application/dicom+json"},
            **more,
        )

    return sent


@pytest.fixture
def files(tmp_path):
    return [path.read_bytes() for path in write_series(tmp_path / "in", 1)]


def quiet() -> None:
    """Nothing has come for a while."""
    for upload in Upload.objects.filter(state=Upload.State.RECEIVING):
        Upload.objects.filter(pk=upload.pk).update(last_at=upload.last_at - 2 * deliveries.QUIET)


def sort() -> Upload:
    """Have sorted what has come."""
    quiet()
    assert deliveries.send_on() == 1
    upload = Upload.objects.latest("pk")
    perform(claim(job_id=Job.objects.get(function=SORT, parameters__upload=upload.pk).pk, worker="test"))
    upload.refresh_from_db()
    return upload


def test_what_a_client_stores_becomes_a_series_to_place(client, study, files):
    datasets = [dcmread(BytesIO(file)) for file in files]
    answers = [client.store_instances(some) for some in (datasets[:2], datasets[2:])]  # as most do: some at a time
    said = [item.ReferencedSOPInstanceUID for answer in answers for item in answer.ReferencedSOPSequence]
    assert said == [dataset.SOPInstanceUID for dataset in datasets]
    (upload,) = Upload.objects.all()
    assert (upload.state, upload.files, upload.door) == (Upload.State.RECEIVING, 4, "stow")
    packed = b"".join(pack.read_bytes() for pack in quarantine.packs(upload.pk))
    assert b"Muster" in files[0]
    assert b"Muster" not in packed
    upload = sort()
    (candidate,) = upload.candidates.all()
    assert (candidate.slices, candidate.plane, upload.refusals.count()) == (4, "axial", 0)
    assert [event.data["files"] for event in study.events.filter(action="upload received")] == [4]


def test_200_if_all_202_if_some_409_if_none_are_taken(send, files, tmp_path):
    (ct,) = [path.read_bytes() for path in write_series(tmp_path / "ct", 2, slices=1, SOPClassUID=CT, Modality="CT")]
    all_of_it = send(*files)
    assert (all_of_it.status_code, all_of_it["Content-Type"]) == (200, "application/dicom+json")
    assert all_of_it.json()["00081190"] == {"vr": "UR"}
    assert "00081198" not in all_of_it.json()
    some = send(files[0], ct, b"a letter")
    told = Dataset.from_json(some.json())
    assert some.status_code == 202
    assert [(one.ReferencedSOPClassUID, one.FailureReason) for one in told.FailedSOPSequence] == [(CT, 0x0122)]
    assert [one.FailureReason for one in told.OtherFailuresSequence] == [0xC000]
    assert len(told.ReferencedSOPSequence) == 1
    none = send(ct)
    assert none.status_code == 409
    assert "00081199" not in none.json()
    (upload,) = Upload.objects.all()
    assert upload.files == 4  # the same file again is the same piece


def test_a_study_that_is_named_is_the_only_one_that_is_taken(send, files):
    assert send(*files, path="studies/1.2.3.4").status_code == 200
    other = send(*files, path="studies/1.2.3.5")
    assert other.status_code == 409
    assert {one.FailureReason for one in Dataset.from_json(other.json()).FailedSOPSequence} == {0xA900}


def test_a_file_that_is_too_large_is_left_out_and_the_rest_stays(send, files, monkeypatch):
    monkeypatch.setattr("readerstudy.dicomweb.views_store.LARGEST", len(files[0]))
    answer = send(files[0], files[1] + b"\0" * 200_000)
    assert answer.status_code == 202
    (failed,) = Dataset.from_json(answer.json()).FailedSOPSequence
    assert failed.FailureReason == 0xA700
    assert sort().candidates.count() + sum(Upload.objects.latest("pk").refusals.values_list("count", flat=True)) == 1


BROKEN = [
    ("application/dicom", None, 415),
    ("multipart/form-data; boundary=x", None, 415),
    ('multipart/related; type="application/dicom+json"; boundary=x', None, 415),
    ('multipart/related; type="application/dicom"', None, 415),
    (f'multipart/related; type="application/dicom"; boundary={"x" * 201}', None, 415),
    (TYPE, b"\r\n", 400),
    (TYPE, b"--x\r\nContent-Type: application/dicom\r\n\r\n", 400),
    (TYPE, b"--x\r\nContent-Type: application/dicom", 400),
    (TYPE, b"--x" + b"\r\nX: " + b"y" * 20_000, 400),
    (TYPE, b"--x--\r\n", 409),
]


@pytest.mark.parametrize(("content_type", "body", "status"), BROKEN)
def test_a_body_that_is_not_as_it_says_leaves_nothing(send, files, content_type, body, status):
    answer = send(files[0], content_type=content_type, body=body)
    assert answer.status_code == status
    assert not Upload.objects.filter(files__gt=0).exists()
    assert not any(quarantine.packs(upload.pk) for upload in Upload.objects.all())


def test_a_boundary_as_long_as_orthancs_is_taken(send, files):
    mark = "-".join(["cbde7432-4461-4abf-a01a-76d7aad0d47f"] * 2)  # three letters more than RFC 2046 allows
    part = f"--{mark}\r\nContent-Type: application/dicom\r\nContent-Length: {len(files[0])}\r\n\r\n".encode()
    body = part + files[0] + f"\r\n--{mark}--\r\n".encode()
    assert send(content_type=TYPE.replace("boundary=x", f"boundary={mark}"), body=body).status_code == 200


def test_a_body_that_is_cut_off_leaves_nothing_of_what_came_before(send, files):
    whole = b"".join(b"--x\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files)
    answer = send(body=whole[:-200])
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    (upload,) = Upload.objects.all()
    assert (upload.files, upload.pieces.count(), quarantine.packs(upload.pk)) == (0, 0, [])
    quiet()
    assert deliveries.send_on() == 0
    assert not Upload.objects.exists()


def test_a_body_of_unknown_length_is_read_to_its_end(study, files):
    body = b"".join(b"--x\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files) + b"--x--"
    answer = Client().request(
        **{
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"/dicomweb/studies/{study.slug}/studies",
            "CONTENT_TYPE": TYPE,
            "HTTP_AUTHORIZATION": f"Bearer {words_of(study)}",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input": BytesIO(body),
            "wsgi.input_terminated": True,
        }
    )
    assert answer.status_code == 200
    assert Upload.objects.get().files == len(files)


def test_who_may_not_add_material_sends_nothing(study, send, files):
    add = factories.add_member
    add(study=study, user=factories.make_user(), role=Role.ANALYST)
    for role in (Role.READER, Role.ANALYST):
        assert send(*files, words=words_of(study, role)).status_code == 404
    assert send(*files, words=words_of(study, scopes=[Scope.IMAGES])).status_code == 403
    ReaderStudy.objects.update(state=State.CLOSED)
    assert send(*files).status_code == 409
    assert not Upload.objects.exists()


def test_a_full_disk_is_said(send, files, monkeypatch):
    monkeypatch.setattr(disk, "problem", lambda: "The disk of the site is nearly full.")
    assert send(*files).status_code == 507


def test_what_came_into_a_study_that_was_closed_meanwhile_is_erased_and_said(send, files):
    send(*files)
    quiet()
    ReaderStudy.objects.update(state=State.CLOSED)
    assert deliveries.send_on() == 0
    (upload,) = Upload.objects.all()
    assert (upload.state, upload.salt) == (Upload.State.FAILED, "")
    assert upload.refusals.get().reason == "The study is closed: it takes no more series."


def test_what_comes_while_an_upload_goes_on_is_to_be_sent_again(send, files, monkeypatch):
    kept = deliveries.Delivery.keep

    def late(delivery):
        Upload.objects.update(state=Upload.State.SORTING)
        return kept(delivery)

    monkeypatch.setattr(deliveries.Delivery, "keep", late)
    answer = send(*files)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert quarantine.packs(Upload.objects.get().pk) == []


def test_a_door_and_a_page_do_not_share_an_upload(send, study, files):
    send(*files)
    (upload,) = Upload.objects.all()
    with pytest.raises(receiving.InputError):
        receiving.open_upload(study=study, user=upload.user, number=upload.pk, token=upload.token)
    begun = receiving.begin(study=study, user=upload.user, files=1, size=1, token=upload.token)
    assert begun.pk != upload.pk
    send(*files)
    assert Upload.objects.count() == 2


def test_a_door_that_never_rests_is_sorted_after_an_hour(send, files):
    send(*files)
    upload = Upload.objects.get()
    Upload.objects.update(created_at=upload.created_at - deliveries.LONGEST - timedelta(seconds=1))
    assert deliveries.send_on() == 1


def test_what_is_deflated_or_has_long_private_groups_is_taken(study, send):
    """The start of the one cannot be read as it is; that of the other does not reach to the study's UID."""
    image = dicom_files.pixels(1, rows=320, columns=320)[0]
    deflated, private = dicom_files.classic(0, image), dicom_files.classic(1, image)
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    private.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x10, "OB", b"\1" * 100_000)
    files = []
    for dataset in (deflated, private):
        dataset.save_as(content := BytesIO(), enforce_file_format=True)
        files.append(content.getvalue())
    assert len(files[0]) > NEEDED
    assert send(*files, path=f"studies/{deflated.StudyInstanceUID}").status_code == 200
