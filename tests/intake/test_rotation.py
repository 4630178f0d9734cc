"""The keys of the site turn: what was signed and encrypted before holds, and another process follows at once."""

import os
from io import StringIO

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings as site
from django.contrib.auth import SESSION_KEY
from django.core.management import CommandError, call_command
from django.test import Client

from processing.errors import InputError
from readerstudy import keyring
from readerstudy.accounts import factor_secrets
from readerstudy.archive import quarantine
from readerstudy.audit import heads
from readerstudy.audit.verify import problems
from readerstudy.intake import rotation
from readerstudy.intake.models import PseudonymKey, Upload
from readerstudy.intake.pseudonyms import pseudonym_key
from tests import factories
from tests.confirmed import candidate_of
from tests.intake.test_quarantine import seal, unsealed, upload_of
from tests.once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once(committed=True)
def study():
    made = factories.open_(factories.make_study(subjects=1, readers=1))
    factories.read_pair(made.presentations.order_by("position")[0])
    return made


def names() -> dict[str, list[str]]:
    return {one: [keyring.name_of(key.encode()) for key in ring] for one, ring in keyring.rings().items()}


def test_a_site_of_one_secret_goes_on_and_its_keys_are_set_apart_by_turning_them(study, tmp_path):
    assert not site.KEYS_FILE.exists()
    before, patient = names(), pseudonym_key(study)
    upload = upload_of(study, tmp_path / "in", a=b"x" * 200)
    call_command("rotate_keys", stdout=StringIO())
    after = names()
    assert {one: ring[1:] for one, ring in after.items()} == before
    assert len({ring[0] for ring in after.values()}) == 4
    assert site.KEYS_FILE.stat().st_mode & 0o077 == 0
    assert pseudonym_key(study) == patient
    assert [one.read_bytes() for one in unsealed(upload, tmp_path).values()] == [b"x" * 200]
    assert list(problems(study)) == []
    factories.read_pair(study.presentations.order_by("position")[1])
    assert [event.action for event in study.events.order_by("number")][-2:] == ["key changed", "pair confirmed"]
    assert list(problems(study)) == []
    assert heads.latest(study.slug).is_ours(study.slug)


@pytest.mark.parametrize("purpose", keyring.PURPOSES)
def test_each_key_turns_alone(study, purpose):
    before = names()
    rotation.turn([purpose])
    after = names()
    assert {one for one in keyring.PURPOSES if after[one][0] != before[one][0]} == {purpose}


@pytest.mark.parametrize("purpose", ["pseudonyms", "quarantine", "record"])
def test_what_only_a_lost_key_opens_is_said(study, tmp_path, purpose):
    """Each of the checks above can fail."""
    pseudonym_key(study)
    path = seal(tmp_path, b"secret")
    keyring.write(site.KEYS_FILE, keyring.rings() | {purpose: [keyring.new_key()]})
    if purpose == "pseudonyms":
        with pytest.raises(InputError, match="does not hold"):
            pseudonym_key(study)
    elif purpose == "quarantine":
        with pytest.raises(InputError, match="damaged"):
            quarantine.plain_bytes(path, "00" * 16)
    else:
        assert any("another secret key" in problem for problem in problems(study))


def test_a_turn_that_was_killed_after_the_file_is_finished_by_the_next(study, monkeypatch):
    patient = pseudonym_key(study)
    with monkeypatch.context() as patch:
        patch.setattr(rotation, "settle", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rotation.turn(keyring.PURPOSES)
    assert pseudonym_key(study) == patient  # under the key of before
    assert list(problems(study)) == []
    rotation.turn(["sessions"])
    assert PseudonymKey.objects.get(study=study).key == keyring.name_of(keyring.keys("pseudonyms")[0])
    rotation.forget(["pseudonyms"])
    assert pseudonym_key(study) == patient


def test_a_turn_that_was_killed_while_it_wrote_changes_nothing(study, monkeypatch):
    rotation.turn(["record"])
    before = site.KEYS_FILE.read_text()
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="space"):
        rotation.turn(["record"])
    assert site.KEYS_FILE.read_text() == before
    assert [path.name for path in site.KEYS_FILE.parent.glob(f".{site.KEYS_FILE.name}*")] == []


def test_keys_that_something_needs_are_not_forgotten(study, tmp_path):
    upload = upload_of(study, tmp_path / "in", a=b"x" * 200)
    rotation.turn(keyring.PURPOSES)
    for purpose, why in (("record", "those keys stay"), ("quarantine", "24 hours")):
        with pytest.raises(CommandError, match=why):
            call_command("rotate_keys", purpose, forget=True)
    Upload.objects.filter(pk=upload.pk).update(salt="")
    call_command("rotate_keys", "quarantine", forget=True, stdout=StringIO())
    assert {one: len(ring) for one, ring in keyring.rings().items()} == dict.fromkeys(keyring.PURPOSES, 2) | {
        "quarantine": 1
    }


def test_who_is_signed_in_stays_so_until_the_key_of_before_is_forgotten(study, settings):
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)

    def restart() -> None:
        settings.SECRET_KEY, *fallbacks = keyring.rings()["sessions"]
        settings.SECRET_KEY_FALLBACKS = fallbacks

    def signed_in() -> bool:
        return client.get("/").status_code == 200 and SESSION_KEY in client.session

    assert signed_in()
    rotation.turn(["sessions"])
    restart()
    assert signed_in()
    rotation.turn(["sessions"])
    rotation.forget(["sessions"])
    restart()
    assert not signed_in()


def test_a_lost_row_makes_no_patient_another_subject(study):
    pseudonym_key(study)
    PseudonymKey.objects.all().delete()
    pseudonym_key(study)  # nothing came in yet
    candidate_of(study.series.first(), subject_key="12345678", upload=Upload.objects.create(study=study))
    PseudonymKey.objects.all().delete()
    with pytest.raises(InputError, match="another subject"):
        pseudonym_key(study)


def test_second_factors_outlive_the_keys_they_were_sealed_with():
    secret = "JBSWY3DPEHPK3PXP"
    app = TOTP.activate(factories.make_user(), secret).instance
    codes = RecoveryCodes.activate(app.user).get_unused_codes()
    rotation.turn(["sessions"])
    rotation.forget(["sessions"])
    app.refresh_from_db()
    assert factor_secrets.unseal(app.data["secret"]) == secret
    assert RecoveryCodes.activate(app.user).get_unused_codes() == codes
