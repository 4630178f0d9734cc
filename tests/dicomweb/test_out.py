"""QIDO-RS and WADO-RS as their clients use them, over what lies in the archive."""

import base64
import hashlib
import io
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from dicomweb_client.api import DICOMwebClient
from django.core.cache.backends.filebased import FileBasedCache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import Resolver404, resolve
from PIL import Image
from pydicom import dcmread, examples
from pydicom.pixels import apply_voi_lut

from processing.dicom.pixels import stored_values
from processing.dicom.window import windowed
from readerstudy.access import writing
from readerstudy.access.models import Access
from readerstudy.accounts.models import Role
from readerstudy.api.models import Scope
from readerstudy.archive import store
from readerstudy.audit import services
from readerstudy.audit.verify import log_problem
from readerstudy.dicomweb import headers, pictures, search, views_search
from readerstudy.dicomweb.endpoint import PictureRate
from readerstudy.dicomweb.models import Header
from readerstudy.home.log import sentence
from readerstudy.material.models import Subject
from readerstudy.material.volumes import load
from tests import factories
from tests.dicomweb.material import SITE, SLICES, make_material, session, words_of
from tests.once import made_once
from tests.processing import dicom_files

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return make_material()


@pytest.fixture
def base(study):
    return f"/dicomweb/studies/{study.slug}"


@pytest.fixture
def client(study, base):
    return DICOMwebClient(f"{SITE}{base}", session=session(words_of(study)))


@pytest.fixture
def ask(study, base):
    words = words_of(study)

    def asked(path, accept="*/*", **more):
        return Client().get(f"{base}/{path}", headers={"Authorization": f"Bearer {words}", "Accept": accept}, **more)

    return asked


def told(row, tag):
    return row[tag]["Value"][0]


def way(row, instance=""):
    series = f"studies/{told(row, '0020000D')}/series/{told(row, '0020000E')}"
    return f"{series}/instances/{told(row, '00080018')}" if instance else series


def test_a_client_finds_studies_series_and_files_with_what_the_site_knows_of_them(client, study):
    (row,) = client.search_for_studies()
    assert (told(row, "00201206"), told(row, "00201208"), row["00080061"]["Value"]) == (3, 3 * SLICES, ["MR"])
    assert told(row, "00120040") == "S01"
    assert told(row, "00081190") == f"{SITE}/dicomweb/studies/{study.slug}/studies/{told(row, '0020000D')}"
    arms = {told(one, "00120071"): one for one in client.search_for_series(told(row, "0020000D"))}
    assert arms.keys() == {"SOC", "FAST", "FAST-DL"}
    assert told(arms["FAST-DL"], "0008103E") == "denoise 1.0.0"
    for one in arms.values():
        found = client.search_for_instances(told(row, "0020000D"), told(one, "0020000E"))
        assert [told(file, "00200013") for file in found] == list(range(1, SLICES + 1))


QUERIES = [
    ("series", {"ClinicalTrialSeriesID": "FAST"}, 1),
    ("series", {"ClinicalTrialSeriesID": "FAST*"}, 2),
    ("series", {"00120071": "F?ST", "Modality": "MR"}, 1),
    ("series", {"ClinicalTrialSeriesID": "fast"}, 0),
    ("series", {"SeriesNumber": "1000"}, 1),
    ("studies", {"ModalitiesInStudy": "MR"}, 1),
    ("studies", {"ModalitiesInStudy": "CT"}, 0),
    ("studies", {"PatientName": "*"}, 1),
    ("studies", {"PatientName": "*muster*"}, 0),  # the name of the file that came
    ("studies", {"StudyDate": "19000101-20991231"}, 0),  # no file keeps its date
    ("studies", {"StudyInstanceUID": "1.2.3"}, 0),
    ("instances", {"InstanceNumber": "2"}, 3),
    ("instances", {"InstanceNumber": "2", "ClinicalTrialSeriesID": "SOC"}, 1),
    ("instances", {"limit": "5"}, 5),
    ("instances", {"limit": "5", "offset": "10"}, 2),
]


@pytest.mark.parametrize(("level", "query", "rows"), QUERIES)
def test_a_search_finds_what_fits(ask, level, query, rows):
    answer = ask(level, query_params=query)
    assert (answer.status_code, len(answer.json())) == (200, rows)
    assert answer["Content-Type"] == "application/dicom+json"
    assert ("Warning" in answer) == (query.get("limit") == "5" and "offset" not in query)


@pytest.mark.parametrize(
    ("text", "pattern", "fits"),
    [
        *[("", "", True), ("", "**", True), ("", "?", False), ("FAST", "", False), ("FAST", "F", False)],
        *[("FAST", "*ST", True), ("FAST", "*S", False), ("FAST", "F**T", True), ("FAST", "f*", False)],
        *[("aXbXc", "a*X?", True), ("aXbXc", "*X*X*", True), ("aXbXc", "*X*X*X*", False), ("a.c", "a[.]c", False)],
    ],
)
def test_a_pattern_is_matched_as_dicom_has_it(text, pattern, fits):
    assert search._matches(text, pattern) is fits


def test_no_pattern_holds_a_process_up():
    started = time.monotonic()
    assert not search._matches("a" * 64, "*?" * 20 + "~")
    assert not search._matches("a" * 64, "*a" * 4000 + "~")
    assert not search._matches("a" * 10_000, "*" + "a" * 50 + "~")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("uid", ["\0", "1.2\0", "1.2.x", "1" * 65])
def test_what_is_no_uid_is_no_address(uid):
    """PostgreSQL has no NUL in a text, and would fail."""
    for path in (f"studies/{uid}", f"studies/1.2/series/{uid}", f"studies/1.2/series/1.2/instances/{uid}/rendered"):
        with pytest.raises(Resolver404):
            resolve(f"/dicomweb/studies/spine/{path}")


def test_further_attributes_come_where_they_are_asked_for(ask):
    plain = ask("series").json()[0]
    more = ask("series", query_params={"includefield": "MagneticFieldStrength,00180015"}).json()[0]
    assert more.keys() - plain.keys() <= {"00180087", "00180015"}
    assert "00180015" in more
    assert ask("series", query_params={"includefield": "all"}).json()[0].keys() >= more.keys()


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=x",
        "Nonsense=1",
        "includefield=Nonsense",
        "SourceImageSequence=1",
        "RetrieveURL=*",
        "00080056=*",
    ],
)
def test_a_search_that_cannot_be_understood_is_a_problem(ask, query):
    answer = ask(f"series?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_files_leave_byte_for_byte_as_they_lie_in_the_archive(client, study, ask):
    for row in client.search_for_series():
        series = study.series.get(arm__code=told(row, "00120071"))
        kept = list(series.instances.values_list("sha256", flat=True))
        files = list(client.retrieve_series(told(row, "0020000D"), told(row, "0020000E")))
        assert len(files) == SLICES
        np.testing.assert_array_equal([file.pixel_array for file in files], load(series).array)
        first = told(client.search_for_instances(told(row, "0020000D"), told(row, "0020000E"))[0], "00080018")
        alone = ask(f"{way(row)}/instances/{first}", "application/dicom")
        content = b"".join(alone.streaming_content)
        assert alone["Content-Type"].startswith("application/dicom;")
        assert hashlib.sha256(content).hexdigest() == kept[0]
    assert len(list(client.retrieve_study(told(row, "0020000D")))) == 3 * SLICES


def test_headers_come_without_pixels_and_say_where_those_are(client):
    row = client.search_for_series(search_filters={"ClinicalTrialSeriesID": "SOC"})[0]
    found = client.retrieve_series_metadata(told(row, "0020000D"), told(row, "0020000E"))
    assert [told(one, "00200013") for one in found] == list(range(1, SLICES + 1))
    assert "Muster" not in str(found)
    (pixels,) = client.retrieve_bulkdata(found[0]["7FE00010"]["BulkDataURI"])
    file = client.retrieve_instance(*(told(found[0], tag) for tag in ("0020000D", "0020000E", "00080018")))
    assert pixels == file.PixelData


def test_frames_are_the_stored_bytes(client, ask):
    row = client.search_for_instances(search_filters={"InstanceNumber": "2"})[0]
    uids = [told(row, tag) for tag in ("0020000D", "0020000E", "00080018")]
    (frame,) = client.retrieve_instance_frames(*uids, frame_numbers=[1])
    assert frame == client.retrieve_instance(*uids).PixelData
    alone = ask(f"{way(row, 'instance')}/frames/1", "application/octet-stream")
    assert b"".join(alone.streaming_content) == frame
    assert ask(f"{way(row, 'instance')}/frames/2").status_code == 404
    assert ask(f"{way(row, 'instance')}/frames/0").status_code == 404
    assert ask(f"{way(row, 'instance')}/frames/x").status_code == 400


def test_a_picture_is_drawn_through_the_window_that_is_asked_for(client, ask):
    row = client.search_for_instances(search_filters={"InstanceNumber": "2"})[0]
    uids = [told(row, tag) for tag in ("0020000D", "0020000E", "00080018")]
    content = client.retrieve_instance_rendered(
        *uids, media_types=("image/png",), params={"window": "2000,1500,linear"}
    )
    dataset = client.retrieve_instance(*uids)
    dataset.WindowCenter, dataset.WindowWidth = 2000, 1500
    wanted = apply_voi_lut(dataset.pixel_array.astype(float), dataset)  # from 0 to what the stored bits hold
    got = np.array(Image.open(io.BytesIO(content))).astype(float)
    assert np.abs(got - wanted * 255 / (2**dataset.BitsStored - 1)).max() <= 0.51
    small = ask(f"{way(row, 'instance')}/rendered?viewport=24,24&quality=50", "image/jpeg")
    assert Image.open(io.BytesIO(small.content)).size == (18, 24)
    assert ask(f"{way(row, 'instance')}/frames/1/rendered")["Content-Type"] == "image/jpeg"
    for query in ("window=1", "window=1,0", "window=1,2,cubic", "window=nan,5", "viewport=0,5", "quality=101"):
        assert ask(f"{way(row, 'instance')}/rendered?{query}").status_code == 400, query


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("width", [1, 2, 350.5])
def test_a_window_is_pydicoms(function, width):
    dataset = dcmread(examples.get_path("mr"))
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = 600, width, function
    values = dataset.pixel_array.astype(float)
    wanted = apply_voi_lut(values, dataset)
    low = -(2 ** (dataset.BitsStored - 1)) if dataset.PixelRepresentation else 0
    high = low + 2**dataset.BitsStored - 1
    got = windowed(values, centre=600, width=width, function=function.lower().replace("_", "-"))
    assert np.abs(got - (wanted - low) * 255 / (high - low)).max() <= 0.51


def test_of_a_file_of_many_frames_one_is_read(tmp_path, monkeypatch):
    images = dicom_files.pixels(6, rows=64, columns=48)
    path = dicom_files.save(dicom_files.enhanced(images), tmp_path / "enhanced.dcm")
    read = []
    monkeypatch.setattr(pictures, "stored_values", lambda one: read.append(len(one.PixelData)) or stored_values(one))
    wanted = windowed(images[2] * 1.5 - 2, centre=500, width=900)  # as the file says
    drawn = np.array(pictures.drawn(path, 2, pictures.Wanted(window=(500, 900, "linear"))))
    np.testing.assert_array_equal(drawn, wanted)
    assert read == [images[2].nbytes]
    assert b"".join(pictures.frame_bytes(path, 1, 2)) == images[1:3].tobytes()


NOT_GIVEN = [
    ("studies", "application/dicom+xml"),
    ("{series}", "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90"),
    ("{series}", "application/dicom"),
    ("{series}/metadata", 'multipart/related; type="application/dicom+xml"'),
    ("{instance}/frames/1", "multipart/related; type=image/jls"),
    ("{instance}/rendered", "video/mpeg"),
]


@pytest.mark.parametrize(("path", "accept"), NOT_GIVEN)
def test_a_form_that_is_not_given_is_said(ask, client, path, accept):
    row = client.search_for_instances()[0]
    answer = ask(path.format(series=way(row), instance=way(row, "instance")), accept)
    assert (answer.status_code, answer["Content-Type"]) == (406, "application/problem+json")


OHIF = "multipart/related; type=application/octet-stream; transfer-syntax=*"


def test_a_viewer_in_a_browser_is_answered_as_it_asks(ask, client):
    row = client.search_for_instances()[0]
    answer = ask(f"{way(row, 'instance')}/frames/1", OHIF)
    assert answer["Content-Type"].startswith('multipart/related; type="application/octet-stream"; boundary=')
    part = b"".join(answer.streaming_content)
    assert b"\r\nContent-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1\r\n\r\n" in part


def test_readers_and_tokens_for_other_things_find_nothing(study, base, client):
    row = client.search_for_instances()[0]
    paths = ["studies", "series", "instances", way(row), f"{way(row)}/metadata", f"{way(row, 'instance')}/rendered"]
    for path in paths:
        for words, status in ((words_of(study, Role.READER), 404), (words_of(study, scopes=[Scope.READ]), 403)):
            answer = Client().get(f"{base}/{path}", headers={"Authorization": f"Bearer {words}"})
            assert answer.status_code == status, path
        analyst = words_of(study, Role.ANALYST)
        assert Client().get(f"{base}/{path}", headers={"Authorization": f"Bearer {analyst}"}).status_code == 200


def test_a_pacs_shows_the_token_as_its_password(study, base):
    def asked(password: str):
        basic = base64.b64encode(f"pacs:{password}".encode()).decode()
        return Client().get(f"{base}/studies", headers={"Authorization": f"Basic {basic}"})

    assert asked(words_of(study)).status_code == 200
    assert asked("rs_wrong").status_code == 401
    assert Client().get(f"{base}/studies", headers={"Authorization": "Basic ÿ"}).status_code == 401


def test_what_leaves_stands_in_the_log_of_who_saw_what(study, client, settings):
    settings.ACCESS_LOG_SECONDS = 3600.0
    row = client.search_for_series(search_filters={"ClinicalTrialSeriesID": "FAST-DL"})[0]
    client.retrieve_series(told(row, "0020000D"), told(row, "0020000E"))
    writing.write()
    seen = set(Access.objects.filter(study=study).values_list("address", "thing", "kind"))
    code = study.cases.get().code
    assert ("dicom_all_series", "", "files") in seen
    assert ("dicom_series", f"S01 {code} in FAST-DL", "images") in seen


def test_a_subject_who_has_withdrawn_is_not_offered(study, client, ask):
    (row,) = client.search_for_studies()
    Subject.objects.update(withdrawn_at="2026-01-01T00:00Z")
    factories.log_as_is(study)
    assert client.search_for_studies() == []
    assert ask(f"studies/{told(row, '0020000D')}").status_code == 404


def test_the_headers_of_a_subject_go_with_its_pixels(study, client):
    client.search_for_studies()
    assert Header.objects.count() == 3
    headers.HOLDER.erase(None, study.cases.all())
    assert not Header.objects.exists()


def test_headers_are_read_in_portions_and_the_client_is_told_to_come_again(ask, monkeypatch):
    monkeypatch.setattr(headers, "AT_ONCE", 2)
    answer = ask("studies")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert len(ask("series").json()) == 3


def test_a_file_that_is_gone_is_said_and_not_left_out(study, client, ask):
    row = client.search_for_series(search_filters={"ClinicalTrialSeriesID": "SOC"})[0]
    client.search_for_instances(told(row, "0020000D"), told(row, "0020000E"))
    store.erase(study.series.get(arm__code="SOC").instances.last().sha256)
    answer = ask(way(row))
    assert (answer.status_code, answer.json()["detail"][:22]) == (422, "1 of 4 files are not i")


def test_a_series_whose_rows_were_changed_past_the_site_does_not_leave(study, client, ask):
    row = client.search_for_series(search_filters={"ClinicalTrialSeriesID": "SOC"})[0]
    one = study.series.get(arm__code="SOC")
    instance = way(client.search_for_instances(told(row, "0020000D"), told(row, "0020000E"))[0], "instance")
    one.instances.filter(position=1).update(sha256=one.instances.get(position=2).sha256)
    paths = ("frames/1", "rendered", "frames/1/rendered", "bulkdata/7FE00010", "metadata")
    for path in (way(row), f"{way(row)}/metadata", instance, *(f"{instance}/{path}" for path in paths)):
        assert ask(path).status_code == 409, path


@pytest.mark.parametrize("what", ["series", "case", "subject", "arm"])
def test_a_search_tells_nothing_that_the_log_knows_otherwise(study, ask, what):
    for level in ("studies", "series", "instances"):
        assert ask(level).status_code == 200
    one = study.series.get(arm__code="SOC")
    if what == "series":
        study.series.filter(pk=one.pk).update(arm=study.arms.get(code="FAST"), echo=2)
    elif what == "case":
        study.cases.update(weighting="T1")
    elif what == "subject":
        Subject.objects.filter(pk=one.case.subject_id).update(age=99)
    else:
        study.arms.filter(code="SOC").update(code="OTHER")
    for level in ("studies", "series", "instances"):
        assert ask(level).status_code == 409


def test_no_series_leaves_under_the_names_of_another(study, ask):
    """Their rows swapped, as the files say nothing of the arm."""
    row = ask("instances", query_params={"ClinicalTrialSeriesID": "SOC"}).json()[0]
    ask("instances")
    soc, fast = (Header.objects.get(series__arm__code=code) for code in ("SOC", "FAST"))
    for one, other in ((soc, fast), (fast, soc)):
        said = {name: getattr(other, name) for name in ("study_uid", "series_uid", "instances", "attributes", "mac")}
        Header.objects.filter(pk=one.pk).update(**said)
    instance = way(row, "instance")
    for path in (way(row), f"{way(row)}/metadata", instance, f"{instance}/frames/1", f"{instance}/rendered", "series"):
        assert ask(path).status_code == 409, path


def test_nothing_is_told_of_a_series_that_its_files_do_not_say(study, ask):
    row = ask("series").json()[0]
    header = Header.objects.get(series_uid=told(row, "0020000E"))
    header.attributes |= {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Muster"}]}}
    header.save()
    for path in ("studies", "series", way(row), f"studies/{told(row, '0020000D')}"):
        assert ask(path).status_code == 409, path


def test_no_series_is_missing_as_its_row_has_another_name(ask):
    row = ask("series").json()[0]
    Header.objects.filter(series_uid=told(row, "0020000E")).update(study_uid="1.2.3")
    for path in ("studies", f"studies/{told(row, '0020000D')}"):
        assert ask(path).status_code == 409, path


@pytest.mark.parametrize("change", [{"active": False}, {"format": "nifti"}])
def test_no_search_leaves_out_what_the_log_knows_otherwise(study, ask, change):
    assert len(ask("series").json()) == 3
    study.series.filter(arm__code="SOC").update(**change)
    for query in ({}, {"ClinicalTrialSeriesID": "SOC"}, {"ClinicalTrialSeriesID": "FAST"}):
        assert ask("series", query_params=query).status_code == 409


def test_after_a_large_intake_each_search_holds_some_series_against_the_log(study, ask, monkeypatch):
    monkeypatch.setattr(views_search, "_held", {})
    monkeypatch.setattr(views_search, "CHECKED", 2)
    looked = []
    plain = views_search.ensure_still_sealed

    def looking(*, study, seals):
        looked.append([unit for name, unit in seals if name == "series"])
        plain(study=study, seals=seals)

    monkeypatch.setattr(views_search, "ensure_still_sealed", looking)
    first = ask("studies")
    assert (first.status_code, first["Retry-After"]) == (503, "5")
    assert ask("studies").status_code == 200
    assert [len(units) for units in looked[:2]] == [2, 1]
    assert len({*looked[0], *looked[1]}) == study.series.count() == 3
    ask("studies")
    assert looked[-2] == [], "nothing was said otherwise since"
    study.series.filter(arm__code="FAST-DL").update(echo=2)
    assert ask("studies").status_code == 409


def test_a_series_that_is_held_against_the_log_later_is_never_left_out_before(study, ask, monkeypatch):
    monkeypatch.setattr(views_search, "_held", {})
    monkeypatch.setattr(views_search, "CHECKED", 2)
    last = study.series.order_by("pk").last()
    study.series.filter(pk=last.pk).update(active=False)
    assert [ask("studies").status_code for _ in range(3)] == [503, 409, 409]


def test_headers_are_read_from_the_files_again(study, ask):
    header = Header.objects.get(series_uid=told(ask("series").json()[0], "0020000E"))
    plain = header.attributes
    Header.objects.filter(pk=header.pk).update(attributes={}, mac="0" * 64)
    assert ask("series").status_code == 409
    call_command("read_headers", study.slug, stdout=io.StringIO())
    assert ask("series").status_code == 200
    assert Header.objects.get(series=header.series_id).attributes == plain
    line = study.events.latest("number")
    assert sentence(line).endswith("read what DICOMweb tells of 3 series again from their files")
    assert log_problem(study) == ""


def test_headers_are_not_read_from_what_the_log_knows_otherwise(study, ask):
    ask("series")
    one = study.series.get(arm__code="SOC")
    one.instances.filter(position=1).update(sha256=one.instances.get(position=2).sha256)
    Header.objects.update(mac="0" * 64)
    with pytest.raises(CommandError, match="no line of the log tells of it"):
        call_command("read_headers", study.slug, stdout=io.StringIO())
    assert set(Header.objects.values_list("mac", flat=True)) == {"0" * 64}
    with pytest.raises(CommandError, match="There is no study"):
        call_command("read_headers", "other", stdout=io.StringIO())


def test_a_file_that_is_not_as_it_was_kept_does_not_leave(study, ask):
    row = ask("instances", query_params={"ClinicalTrialSeriesID": "SOC", "InstanceNumber": "2"}).json()[0]
    instance = way(row, "instance")
    paths = (way(row), f"{way(row)}/metadata", instance, f"{instance}/frames/1", f"{instance}/rendered")
    assert {ask(path).status_code for path in paths} == {200}
    sha256 = study.series.get(arm__code="SOC").instances.get(position=1).sha256
    with store.local_files([sha256]) as (link,):
        path = link.resolve()
    whole = path.read_bytes()
    path.chmod(0o600)
    try:
        path.write_bytes(whole[:-10] + b"\xff" * 10)
        assert {ask(one).status_code for one in paths} == {409}
    finally:
        path.write_bytes(whole)


def test_who_only_looks_waits_for_nobody_who_holds_the_study(study, ask, monkeypatch):
    row = ask("instances").json()[0]
    monkeypatch.setattr("readerstudy.audit.services.study_for_update", lambda study: 1 / 0)
    assert ask(f"{way(row, 'instance')}/frames/1").status_code == 200


def test_a_change_that_is_just_being_made_is_looked_at_again(study, monkeypatch):
    seals = [("series", str(study.series.get(arm__code="SOC").pk))]
    looks = iter(["rows were changed", ""])
    monkeypatch.setattr(services.sealing, "changed_unit", lambda study, seals: next(looks))
    services.ensure_still_sealed(study=study, seals=seals)
    assert next(looks, None) is None


def test_requests_beyond_measure_are_told_to_wait(ask, monkeypatch):
    monkeypatch.setattr(PictureRate, "rate", "2/min")
    assert [ask("studies").status_code for _ in range(3)] == [200, 200, 429]
    assert int(ask("studies")["Retry-After"]) > 0


def test_requests_at_the_same_moment_are_all_counted(settings, tmp_path, monkeypatch):
    cache = FileBasedCache(str(tmp_path / "cache"), {})
    monkeypatch.setattr(PictureRate, "cache", cache)
    monkeypatch.setattr(PictureRate, "rate", "20/min")
    settings.VAR_DIR = tmp_path
    request = SimpleNamespace(user=SimpleNamespace(is_authenticated=True, pk=1))
    with ThreadPoolExecutor(16) as pool:
        allowed = list(pool.map(lambda _: PictureRate().allow_request(request, None), range(200)))
    assert sum(allowed) == 20


def test_series_without_dicom_files_are_not_offered(ask, study):
    factories.make_case(study, "S07")  # rows, and in the archive no DICOM
    assert len(ask("series").json()) == 3
