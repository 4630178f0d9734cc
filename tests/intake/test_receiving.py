"""An upload comes in piece by piece; nothing is taken twice, nothing half."""

import io

import pytest

from processing.errors import InputError
from readerstudy.archive import quarantine
from readerstudy.intake import receiving, services
from readerstudy.intake.models import Upload
from readerstudy.jobs.models import Job
from readerstudy.protocol.services import move
from tests import factories
from tests.once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return factories.make_study(subjects=1)


@pytest.fixture
def admin(study):
    return study.memberships.get(role="admin").user


@pytest.fixture
def upload(study, admin):
    return receiving.begin(study=study, user=admin, files=2, size=40)


def head(path: str, part: int = 1, parts: int = 1) -> bytes:
    return f"{path}\0{part}\0{parts}".encode()


def batch(*pieces: tuple[bytes, bytes]) -> io.BytesIO:
    rows = [receiving.LENGTHS.pack(len(head), len(content)) + head + content for head, content in pieces]
    return io.BytesIO(b"".join(rows))


def key(piece: tuple[bytes, bytes]) -> str:
    return receiving.piece_key(*piece)


A, B = (head("anna/1.dcm"), b"first" * 1000), (head("anna/2.dcm"), b"")


def test_what_was_sent_is_not_asked_for_again(upload):
    assert receiving.missing(upload=upload, keys=[key(A), key(B)])["missing"] == [0, 1]
    assert receiving.receive_batch(upload=upload, stream=batch(A)) == 1
    assert receiving.missing(upload=upload, keys=[key(A), key(B)])["missing"] == [1]


def test_the_same_batch_twice_is_kept_once(upload):
    receiving.receive_batch(upload=upload, stream=batch(A, B))
    assert receiving.receive_batch(upload=upload, stream=batch(A, B)) == 0
    assert len(quarantine.packs(upload.pk)) == 1
    assert quarantine.count(upload.pk) == 2


def test_a_batch_cut_short_leaves_nothing(upload):
    whole = batch(A, (head("b"), b"x" * 5000)).getvalue()
    for cut in (len(whole) - 1, len(whole) - 5000, 5, 14):
        with pytest.raises(InputError, match="damaged"):
            receiving.receive_batch(upload=upload, stream=io.BytesIO(whole[:cut]))
    assert list(quarantine.folder(upload.pk).iterdir()) == []
    assert upload.pieces.count() == 0


@pytest.mark.parametrize(
    "wrong", [b"", b"a", b"a\0001", b"a\0002\0001", b"a\000x\0001", b"\0001\0001", b"\xff\0001\0001"]
)
def test_a_piece_without_a_proper_head_is_not_kept(upload, wrong):
    with pytest.raises(InputError):
        receiving.receive_batch(upload=upload, stream=batch((wrong, b"x")))


def test_a_batch_that_claims_enormous_pieces_is_not_read(upload):
    with pytest.raises(InputError):
        receiving.receive_batch(upload=upload, stream=io.BytesIO(receiving.LENGTHS.pack(10, 2**60) + b"x" * 100))


def test_it_is_sorted_only_when_every_piece_is_there(upload, admin, tmp_path, django_capture_on_commit_callbacks):
    receiving.receive_batch(upload=upload, stream=batch(A))
    assert receiving.finish(upload=upload, keys=[key(A), key(B)], files=2, actor=admin) == [1]
    assert not Job.objects.filter(function="intake.sort").exists()
    receiving.receive_batch(upload=upload, stream=batch(B, (head("left over"), b"from another folder")))
    receiving.receive_batch(upload=upload, stream=batch((head("more"), b"of it")))
    with django_capture_on_commit_callbacks(execute=True):
        assert receiving.finish(upload=upload, keys=[key(A), key(B)], files=2, actor=admin) == []
    assert Job.objects.filter(function="intake.sort").count() == 1
    assert len(quarantine.packs(upload.pk)) == 2
    names = set(upload.pieces.values_list("name", flat=True))
    sorted_files = quarantine.unseal_upload(upload.pk, upload.salt, tmp_path, only=names, progress=lambda *done: None)
    assert {name: file.path.read_bytes() for name, file in sorted_files.items()} == {
        "anna/1.dcm": A[1],
        "anna/2.dcm": B[1],
    }
    with pytest.raises(InputError, match="ended"):
        receiving.open_upload(study=upload.study, user=admin, number=upload.pk)


def test_files_that_the_browser_did_not_send_count_as_here_already(upload, admin):
    receiving.receive_batch(upload=upload, stream=batch(A))
    receiving.finish(upload=upload, keys=[key(A)], files=1, known=7, actor=admin)
    services.store_sorted(upload=upload, series=[], refused=[("", "x", 1)], duplicates=2)
    upload.refresh_from_db()
    assert upload.known_files == 9


def test_parts_of_a_large_file_become_one_file(upload, tmp_path):
    parts = [bytes([number]) * 3_000_000 for number in range(3)]
    pieces = [(head("scan.nii", number, 3), content) for number, content in enumerate(parts, 1)]
    receiving.receive_batch(upload=upload, stream=batch(pieces[2], pieces[0]))
    receiving.receive_batch(upload=upload, stream=batch(pieces[1], A))
    files = quarantine.unseal_upload(upload.pk, upload.salt, tmp_path, progress=lambda done, total: None)
    assert list(files) == ["anna/1.dcm", "scan.nii"]
    assert files["scan.nii"].path.read_bytes() == b"".join(parts)


def test_an_unfinished_upload_goes_on_and_can_be_given_up(upload, study, admin, django_capture_on_commit_callbacks):
    receiving.receive_batch(upload=upload, stream=batch(A))
    assert receiving.begin(study=study, user=admin, files=2, size=40) == upload
    assert receiving.unfinished(study=study, user=factories.make_user()) is None
    folder = quarantine.folder(upload.pk)
    with django_capture_on_commit_callbacks(execute=True):
        receiving.discard(upload=upload)
    assert not folder.exists()
    assert receiving.unfinished(study=study, user=admin) is None


def test_nobody_adds_to_the_upload_of_another(upload, study):
    with pytest.raises(InputError, match="ended"):
        receiving.open_upload(study=study, user=factories.make_user(), number=upload.pk)


def test_an_upload_that_the_disk_cannot_hold_is_refused_before_it_starts(study, admin):
    with pytest.raises(InputError, match="room for about"):
        receiving.begin(study=study, user=admin, files=1, size=10**18)


def test_an_open_study_takes_series_for_an_amendment_and_a_closed_one_nothing(study, admin):
    opened = factories.open_(study)
    receiving.begin(study=opened, user=admin, files=1, size=1)
    closed = move(study=opened, to="closed", actor=admin)
    with pytest.raises(InputError, match="takes no more series"):
        receiving.begin(study=closed, user=admin, files=1, size=1)


def test_pieces_that_became_series_are_known_in_this_study_only(upload, study, admin):
    receiving.receive_batch(upload=upload, stream=batch(A, B))
    name = upload.pieces.get(key=key(A)).name
    services.store_sorted(upload=upload, series=[], refused=[], used=[name])
    again = receiving.begin(study=study, user=admin, files=2, size=40)
    assert receiving.missing(upload=again, keys=[key(B), key(A)]) == {"missing": [0, 1], "known": [1]}
    other = factories.make_study(subjects=1)
    elsewhere = Upload.objects.create(study=other, user=admin)
    assert receiving.missing(upload=elsewhere, keys=[key(A)])["known"] == []


def test_what_was_sorted_leaves_no_piece(upload, admin):
    receiving.receive_batch(upload=upload, stream=batch(A))
    receiving.finish(upload=upload, keys=[key(A)], files=1, actor=admin)
    services.store_sorted(upload=upload, series=[], refused=[])
    assert upload.pieces.count() == 0
