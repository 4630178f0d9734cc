"""The content of the upgrade fixture, written against version 0.1.0 and run inside its checkout by `make_fixture`.

It speaks to that version's code and stays as it is: a later version gets a file of its own.
"""

import os
import shutil
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

import django

PASSWORD = "a fixture's own password"
MATRIX, SLICES = (40, 32), 4
ADMIN, ANALYST = "coordinator", "statistician"
READERS = ("first-reader", "second-reader", "third-reader")


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "readerstudy.settings"
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from readerstudy.accounts.models import User
    from readerstudy.jobs import services

    services.send = lambda job_id: None  # there is no queue; `work_off` does the jobs
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    call_command("migrate", interactive=False, verbosity=0)
    users = {
        name: User.objects.create_user(name, password=PASSWORD, is_staff=name == ADMIN)
        for name in (ADMIN, ANALYST, *READERS)
    }
    lock_one(users)
    leave_one_open(users)
    leave_one_draft(users)
    for made in ("results", "images", "scan-times", "stability", "static", "media"):
        shutil.rmtree(settings.VAR_DIR / made, ignore_errors=True)
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=DELETE")
            cursor.execute("VACUUM")


def scan(folder: Path, subject: int) -> None:
    """SOC and FAST of a synthetic subject, small."""
    from processing.simulate.phantom.acquisition import acquire, protocol_for
    from processing.simulate.phantom.anatomy import make_subject
    from processing.simulate.phantom.study import write_dicom

    anatomy = make_subject(subject, "lumbar")
    for number, arm in enumerate(("SOC", "FAST")):
        protocol = replace(protocol_for("sag-t2", arm=arm), matrix=MATRIX, slices=SLICES)
        name = f"SYN-{subject:02d}"
        write_dicom(
            acquire(anatomy, protocol, number),
            folder / name / arm,
            protocol,
            subject=name,
            arm=arm,
            key=name,
            number=number + 1,
        )


def work_off(study) -> None:
    from readerstudy.jobs.models import Job
    from readerstudy.jobs.services import claim
    from readerstudy.jobs.tasks import perform

    while waiting := Job.objects.filter(study=study, state="waiting").order_by("pk").first():
        perform(claim(job_id=waiting.pk, worker="fixture:1"))
    if failed := Job.objects.filter(study=study, state="failed").first():
        raise RuntimeError(f"{failed.label}: {failed.error}")


def receive(study, users, *subjects: int):
    from readerstudy.intake.services import receive_folder

    with tempfile.TemporaryDirectory() as folder:
        for subject in subjects:
            scan(Path(folder), subject)
        receive_folder(study=study, folder=Path(folder), actor=users[ADMIN])


def place(study, users, *subjects: int) -> None:
    from readerstudy.intake.services import confirm_certain

    receive(study, users, *subjects)
    work_off(study)
    placed, problems = confirm_certain(study=study, actor=users[ADMIN])
    if problems or placed != 2 * len(subjects):
        raise RuntimeError(f"{placed} placed. {problems}")
    work_off(study)


def draft(title: str, users, *, readers: int, **changes):
    from processing.enhancement.enhance import DEFAULT_MODEL
    from readerstudy.accounts.services import add_member
    from readerstudy.protocol.services import create_study, save_settings

    study = create_study(title=title, reader_title=title, user=users[ADMIN], synthetic=True, model_name=DEFAULT_MODEL)
    for name in READERS[:readers]:
        add_member(study=study, user=users[name], role="reader", actor=users[ADMIN])
    add_member(study=study, user=users[ANALYST], role="analyst", actor=users[ADMIN])
    return save_settings(study=study, actor=users[ADMIN], **changes)


def lock_one(users) -> None:
    """Three subjects, two readers, hidden repeats, guesses, signatures, a volume of interest with its features."""
    from readerstudy.home.simulation import SimulatedReader
    from readerstudy.protocol.services import move
    from readerstudy.reading.record import note_export
    from readerstudy.reading.services import open_study
    from readerstudy.reading.signatures import sign
    from readerstudy.results.services import note_seen, results

    study = draft(
        "Locked", users, readers=2, seed=1, repeat_share="0.34", guesses=3, margin_mean="0.25", margin_net="0.15"
    )
    place(study, users, 1, 2, 3)
    draw_volume(study, users)
    study = open_study(study=study, actor=users[ADMIN])
    for member in study.memberships.filter(role="reader").select_related("user", "study").order_by("code"):
        SimulatedReader.of(member, seed=1).read_all()
        sign(member=member, password=PASSWORD)
    study = move(study=study, to="closed", actor=users[ADMIN])
    results(study)
    note_seen(study=study, user=users[ANALYST])
    note_export(study=study, user=users[ANALYST], file="ratings.csv")
    move(study=study, to="locked", actor=users[ADMIN])


def draw_volume(study, users) -> None:
    """A box of bone on the SOC series of one case, sent as the page sends it; its features on every arm."""
    import numpy as np
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.urls import reverse

    from processing.masks import Mask, write_mask
    from readerstudy.material.volumes import load

    series = study.series.filter(arm__code="SOC", active=True).order_by("pk").first()
    volume = load(series)
    mask = np.zeros(volume.shape, bool)
    mask[1:3, 14:24, 14:26] = True
    with tempfile.TemporaryDirectory() as folder:
        path = write_mask(Mask("", 1, mask, volume.affine), Path(folder) / "mask.nii.gz")
        sent = {"masks": SimpleUploadedFile("mask.nii.gz", path.read_bytes()), "drawn_on": series.pk, "name": "L3"}
        signed_in(users[ADMIN]).post(reverse("add_masks", args=[study.slug, series.case_id]), sent)
    work_off(study)
    if not study.features.exists():
        raise RuntimeError("No radiomic features.")


def signed_in(user):
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client


def leave_one_open(users) -> None:
    """One list begun: pairs confirmed, one of them changed later, one skipped, one half answered with findings; then
    a reader and a case more and a subject withdrawn."""
    from readerstudy.reading.amendments import add_cases, add_reader, unscheduled_cases, withdraw_subject
    from readerstudy.reading.services import open_study

    study = draft("Open", users, readers=2, seed=2, repeat_share="0.34", min_distance=2)
    place(study, users, 4, 5, 6)
    study.cases.filter(subject__code="S03").update(training=True, feedback="FAST has more noise.")
    study = open_study(study=study, actor=users[ADMIN])
    read_some(study, study.memberships.get(code="R1"))
    told = {"study": study, "actor": users[ADMIN]}
    add_reader(username=READERS[2], new=False, reason="One reader more.", **told)
    place(study, users, 7)
    add_cases(cases=[case for case, _ in unscheduled_cases(study)], reason="One subject more.", **told)
    withdraw_subject(subject=study.subjects.get(code="S02"), reason="Consent was withdrawn.", **told)
    work_off(study)


def read_some(study, member) -> None:
    from django.urls import reverse

    client, base = signed_in(member.user), reverse("current", args=[study.slug]).removesuffix("current/")

    def send(method: str, path: str, **data) -> dict:
        address, data = f"{base}{path}", {"key": str(uuid.uuid4()), **data}
        answer = getattr(client, method)(address, data, content_type="application/json")
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.content!r}")
        return answer.json()

    def answer_all(body: dict) -> dict:
        token = body["token"]
        for number, criterion in enumerate(body["criteria"]):
            send("put", f"{token}/ratings/{criterion}/", score=2 + number % 3)
        send("put", f"{token}/integrity/", value="none")
        send("put", f"{token}/diagnostic/", value="both")
        send("post", f"{token}/time/", seconds=20.5, seen={"left": [0, 1, 2], "right": [0, 1, 2]})
        return send("post", f"{token}/confirm/")

    body = client.get(f"{base}current/").json()
    while body["confirmed"] < 5:  # three for practice, two that count
        before, body = body, answer_all(body)
    send("put", f"{before['token']}/ratings/{before['criteria'][0]}/", score=5)  # the way back
    body = send("post", f"{body['token']}/skip/", reason="The images look broken")
    token = body["token"]
    for criterion in body["criteria"][:3]:
        send("put", f"{token}/ratings/{criterion}/", score=4)
    send("put", f"{token}/ratings/{body['criteria'][0]}/", score=2)
    for kind in ("loss", "creation"):
        number = send("post", f"{token}/findings/", kind=kind, side="left", structure="L4/5", i=9, j=8, k=2)["id"]
    client.delete(f"{base}{token}/findings/{number}/")
    send("put", f"{token}/integrity/", value="findings")
    send("put", f"{token}/comment/", text="Blurred at the edge.")


def leave_one_draft(users) -> None:
    """A subject placed and tried out, one sorted and not yet placed, one waiting in the quarantine."""
    from readerstudy.home.rehearsal import request_rehearsal

    study = draft("Draft", users, readers=1, seed=3)
    place(study, users, 8)
    request_rehearsal(study=study, actor=users[ADMIN])
    work_off(study)
    receive(study, users, 9)
    work_off(study)
    receive(study, users, 10)


if __name__ == "__main__":
    main()
