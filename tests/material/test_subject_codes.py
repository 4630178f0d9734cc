"""Diagnosis and lesion origin: coded or refused, sealed, frozen with the protocol, in cohorts, unknown to readers."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from processing.errors import InputError
from readerstudy.accounts.models import Role
from readerstudy.audit.verify import problems
from readerstudy.images import analyses
from readerstudy.images.tables import table_csv
from readerstudy.material.cohort import COLUMNS, has_check_digit, rows_of_csv, scheme, set_clinical
from readerstudy.material.models import Subject
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import move
from readerstudy.states import State
from tests import factories
from tests.pages import html

# Of SNOMED CT: diabetes mellitus, myocardial infarction, malignant tumours of lung and breast, metastasis to the brain.
CODES = ("73211009", "22298006", "363358000", "254837009", "94225005")
LUNG = {"origin_code": "363358000", "origin": "Malignant tumor of lung"}


@pytest.fixture
def study() -> ReaderStudy:
    return factories.make_study(subjects=2)


def admin(study: ReaderStudy):
    return study.memberships.filter(role=Role.ADMIN).get().user


@pytest.fixture
def client(study) -> Client:
    client = Client()
    client.force_login(admin(study))
    return client


@pytest.mark.parametrize("code", CODES)
def test_a_mistyped_code_of_snomed_ct_is_told(code):
    assert has_check_digit(code)
    assert scheme(code) == "SNOMED CT"
    assert not any(has_check_digit(code[:-1] + str(digit)) for digit in range(10) if str(digit) != code[-1])
    swapped = [code[:n] + code[n + 1] + code[n] + code[n + 2 :] for n in range(len(code) - 1) if code[n] != code[n + 1]]
    assert not any(map(has_check_digit, swapped))


def test_codes_are_told_by_their_form():
    assert [scheme(code) for code in ("C71.9", "C79.3", "M51", "MET-LUNG", "12")] == ["ICD-10"] * 3 + ["", ""]


@pytest.mark.django_db
def test_codes_are_typed_and_taken_from_a_csv_and_come_into_the_cohort(study, client):
    page = f"/studies/{study.slug}/material/subjects/"
    typed = {"subject": "S01", "diagnosis_code": "C79.3", "diagnosis": "Brain metastasis", **LUNG}
    client.post(f"{page}code/", typed)
    sheet = b"\xef\xbb\xbfsubject;diagnosis_code;origin_code;origin\nS02;C79.3;MAMMA;Breast, own list\n"
    said = client.post(f"{page}table/", {"table": SimpleUploadedFile("c.csv", sheet)}, follow=True)
    assert "1 subject changed." in html(said)
    assert "ICD-10 C79.3" in html(said)
    second = Subject.objects.get(code="S02")
    assert (second.diagnosis, second.origin) == ("Brain metastasis", "Breast, own list")  # said once is enough
    assert list(problems(study)) == []
    assert b"363358000,Malignant tumor of lung" in table_csv(study, "series")
    groups = analyses.scan_times(study)["cohort"]["groups"]
    assert [(one["by"], one["code"], one["meaning"], one["subjects"]) for one in groups] == [
        ("diagnosis", "C79.3", "Brain metastasis", 2),
        ("origin", "363358000", "Malignant tumor of lung", 1),
        ("origin", "MAMMA", "Breast, own list", 1),
    ]
    shown = html(client.get(f"/studies/{study.slug}/images/scan-times/"))
    assert "Lesion origin" in shown
    assert "Brain metastasis" in shown
    # What is taken away comes back the same way.
    taken = b"".join(client.get(f"{page}subjects.csv").streaming_content)
    client.post(f"{page}code/", {"subject": "S01"})
    assert Subject.objects.get(code="S01").diagnosis_code == ""
    client.post(f"{page}table/", {"table": SimpleUploadedFile("c.csv", taken)})
    assert Subject.objects.get(code="S01").origin == "Malignant tumor of lung"


@pytest.mark.django_db
def test_a_change_behind_the_log_is_found(study):
    set_clinical(study=study, rows=[{"subject": "S01", **LUNG}], actor=admin(study))
    Subject.objects.filter(code="S01").update(origin="Nothing")
    assert "Subject S01: changed" in " ".join(problems(study))


REFUSED = [
    ([{"subject": "S09", **LUNG}], "no subject S09"),
    ([{"subject": "S01", "origin": "Lung"}], "has no code"),
    ([{"subject": "S01", "origin_code": "363358001", "origin": "Lung"}], "no code of SNOMED CT"),
    ([{"subject": "S01", "origin_code": "a b", "origin": "Lung"}], "capital letters"),
    ([{"subject": "S01", "origin_code": "C34.9"}], "Say once what C34.9 means"),
    ([{"subject": "S01", "origin_code": "C34.9", "origin": "<b>"}], "a meaning has"),
    ([{"subject": "S01", **LUNG}, {"subject": "S02", **LUNG, "origin": "Liver"}], "both"),
]


@pytest.mark.django_db
def test_what_is_not_coded_is_refused_and_nothing_is_kept(study):
    for rows, said in REFUSED:
        with pytest.raises(InputError, match=said):
            set_clinical(study=study, rows=rows, actor=admin(study))
    assert not Subject.objects.exclude(origin="", origin_code="").exists()
    set_clinical(study=study, rows=[{"subject": "S01", **LUNG}], actor=admin(study))
    with pytest.raises(InputError, match="Say once what C50 means"):  # the meaning was that of the code before
        set_clinical(study=study, rows=[{"subject": "S01", "origin_code": "C50"}], actor=admin(study))


@pytest.mark.django_db
def test_what_readers_see_is_frozen_and_tells_them_nothing(study):
    set_clinical(study=study, rows=[{"subject": "S01", **LUNG}], actor=admin(study))
    reader = study.memberships.filter(role=Role.READER).get()
    study = factories.open_(study)
    with pytest.raises(InputError, match="scheduled"):
        set_clinical(study=study, rows=[{"subject": "S02", **LUNG}], actor=admin(study))
    factories.make_case(study, "S04")  # comes in for an amendment
    assert set_clinical(study=study, rows=[{"subject": "S04", **LUNG}], actor=admin(study)) == 1
    client = Client()
    client.force_login(reader.user)
    for place in ("material/subjects/", "material/subjects/subjects.csv"):
        assert client.get(f"/studies/{study.slug}/{place}").status_code == 404
    for place in ("", "read/"):
        assert "ung" not in client.get(f"/studies/{study.slug}/{place}", follow=True).content.decode()
    move(study=study, to=State.CLOSED, actor=admin(study))
    with pytest.raises(InputError, match="closed"):
        set_clinical(study=study, rows=[{"subject": "S04", "origin": "", "origin_code": ""}], actor=admin(study))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a,b\n1,2\n", b"subject\nS01\n", b'subject,origin\n"S01'])
def test_another_file_is_said_to_be_none(content):
    with pytest.raises(InputError):
        rows_of_csv(content)
    assert "origin" in COLUMNS
