"""How fast MR files are taken in, de-identified and kept, against Orthanc on the same machine in the same run.

    python -m benchmarks.intake_against_orthanc [--files 2000] [--sizes 512 128] [--rounds 2] [--clients 8]

Ours, from files on the disk: sealed into the quarantine, then the job itself (unsealed, read confined, de-identified,
grouped into series, kept under their hashes) and the transaction that finishes it, on a site of its own (SQLite and
archive in a temporary folder), in a process that has a reader ready, as a worker has. Not in it: HTTP, which
`benchmarks.upload_speed` measures. Orthanc, from the same files:
POST /instances over HTTP by so many clients at once, its own durable storage (every file synced), nothing
de-identified; and in the last round what it would take to have it de-identify all of it by its own rules, which are
fewer than ours (POST /tools/bulk-anonymize). The two take turns. Prints files per second of both, their ratio, the
processor's time per file and the most memory of one of our processes. Exit status 1 if the ratio of a size is under 1:
that without de-identification there.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import psutil
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from tests.site_process import ROOT

SLICES = 25
READY = 2.0  # seconds in which a reader has made ready


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.intake_against_orthanc", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 128], help="rows and columns of an image")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)  # one run of ours, in a process of its own
    asked = parser.parse_args(arguments)
    if asked.ours:
        print(json.dumps(take_in(asked.ours)))
        return 0
    if shutil.which("Orthanc") is None:
        sys.exit("There is no Orthanc: apt-get install orthanc")
    for package in ("processing", "readerstudy"):  # as on a site that is installed
        compileall.compile_dir(ROOT / package, quiet=2)
    slower = [size for size in asked.sizes if compare(size, asked) < 1]
    return 1 if slower else 0


def compare(size: int, asked: argparse.Namespace) -> float:
    """Both on the same files in turn; prints what was measured, returns the ratio of the rates.

    What a round leaves is removed at the end: on some file systems new files cost more while others are being removed.
    """
    with tempfile.TemporaryDirectory(prefix="intake-") as place:
        files = write_files(Path(place, "in"), asked.files, size)
        ours, theirs = [], []
        for number in range(asked.rounds):
            last = number == asked.rounds - 1
            os.sync()  # the files, and what the other left, are not written on the time of this one
            ours.append(ours_once(Path(place, "in"), Path(place, f"ours-{number}")))
            os.sync()
            theirs.append(orthanc_once(files, asked.clients, Path(place, f"theirs-{number}"), deidentify=last))
    rates = [asked.files / one["seconds"] for one in ours]
    other_rates = [asked.files / one["seconds"] for one in theirs]
    ratio = statistics.median(rates) / statistics.median(other_rates)
    per_file = {
        name: 1000 * statistics.median(one[name] for one in ours) / asked.files
        for name in ("parent", "children", "seal", "sort", "store")
    }
    print(f"{asked.files:,} files of {size} × {size}, {asked.files // SLICES} series")
    print(f"  ours:    {_several(rates)} files/s; per file {per_file['parent']:.2f} ms of processor in the worker and")
    print(
        f"           {per_file['children']:.2f} ms in its confined readers; {per_file['seal']:.2f} ms to seal, "
        f"{per_file['sort']:.2f} ms in the job, {per_file['store']:.2f} ms to finish"
    )
    print(f"           most memory of one process {max(one['memory'] for one in ours) >> 20} MiB")
    spent, sending = (
        1000 * statistics.median(one[name] for one in theirs) / asked.files for name in ("processor", "clients")
    )
    deidentified = asked.files / theirs[-1]["deidentified"]
    print(f"  Orthanc: {_several(other_rates)} files/s; per file {spent:.2f} ms of processor and")
    print(f"           {sending:.2f} ms in the clients that send")
    print(f"           {deidentified:.0f} files/s with its own de-identification")
    print(f"  ratio {ratio:.2f}; {statistics.median(rates) / deidentified:.2f} with both de-identified", flush=True)
    return ratio


def _several(rates: list[float]) -> str:
    return ", ".join(f"{rate:.0f}" for rate in rates)


def write_files(folder: Path, count: int, size: int) -> list[Path]:
    """Classic MR series of 25 slices with a header as a scanner writes it, private blocks and references included."""
    chance = np.random.default_rng(size)
    # Dark for the most part, as images of the body are.
    images = np.minimum(chance.gamma(1.0, 300.0, (8, size, size)), 4095).astype("<u2")
    paths = []
    for number in range(count):
        series, n = divmod(number, SLICES)
        path = folder / f"P{series // 4:03d}" / str(series % 4) / f"{n:04d}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.roll(images[number % len(images)], number, axis=0)
        header(series, n, pixels).save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def header(series: int, n: int, pixels: np.ndarray) -> Dataset:
    """Slice n of a spin echo of a patient who is none."""
    patient, uid = series // 4, f"1.2.826.0.1.{series + 1}"
    one = Dataset()
    one.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"]
    one.SOPClassUID, one.SOPInstanceUID = MRImageStorage, f"{uid}.{n + 1}"
    one.StudyInstanceUID, one.SeriesInstanceUID = f"1.2.826.0.2.{patient + 1}", uid
    one.FrameOfReferenceUID = f"1.2.826.0.3.{patient + 1}"
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "PatientBirthDate"):
        setattr(one, keyword, "20200401")
    one.StudyTime, one.SeriesTime = "101500.250000", f"1015{series % 60:02d}.250000"
    one.AcquisitionTime = one.ContentTime = f"1016{n:02d}.250000"
    one.AccessionNumber, one.StudyID = "A4711", "1"
    one.PatientName, one.PatientID = f"Muster^Erika {patient}", f"4711-{patient}"
    one.PatientSex, one.PatientAge, one.PatientWeight, one.PatientSize = "F", "070Y", "62", "1.7"
    one.InstitutionName, one.InstitutionAddress, one.StationName = "Musterklinik", "Musterweg 1", "MRC40001"
    one.ReferringPhysicianName, one.OperatorsName, one.PerformingPhysicianName = "Doe^A", "Doe^B", "Doe^C"
    one.StudyDescription, one.ProtocolName = "LWS nativ", "t2_tse_sag"
    one.SeriesDescription = f"t2_tse_sag {('SOC', 'FAST')[series % 2]}"
    one.Modality, one.Manufacturer, one.ManufacturerModelName = "MR", "SIEMENS", "Prisma_fit"
    one.SoftwareVersions, one.DeviceSerialNumber = "syngo MR E11", "67000"
    one.BodyPartExamined, one.PatientPosition = "LSPINE", "HFS"
    one.ScanningSequence, one.SequenceVariant, one.ScanOptions = "SE", ["SK", "SP", "OSP"], ["PFP", "SAT1"]
    one.MRAcquisitionType, one.SequenceName, one.AngioFlag = "2D", "*tse2d1_15", "N"
    one.SliceThickness, one.SpacingBetweenSlices = "4", "4.4"
    one.RepetitionTime, one.EchoTime, one.FlipAngle = str(3500 - 1000 * (series % 2)), "101", "150"
    one.NumberOfAverages, one.ImagingFrequency, one.ImagedNucleus = "2", "123.254", "1H"
    one.EchoNumbers, one.MagneticFieldStrength, one.EchoTrainLength = "1", "3", "15"
    one.NumberOfPhaseEncodingSteps, one.PercentSampling, one.PercentPhaseFieldOfView = "358", "70", "100"
    one.PixelBandwidth, one.TransmitCoilName, one.AcquisitionMatrix = "250", "Body", [0, *pixels.shape, 0]
    one.InPlanePhaseEncodingDirection, one.VariableFlipAngleFlag = "ROW", "N"
    one.SAR, one.dBdt, one.SeriesNumber, one.AcquisitionNumber = "0.8", "0", str(series % 4 + 1), "1"
    one.InstanceNumber = n + 1
    one.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    one.ImagePositionPatient = [f"{4.4 * n - 50:.4f}", "-130.25", "101.5"]
    one.PositionReferenceIndicator, one.SliceLocation = "", f"{4.4 * n - 50:.4f}"
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.Rows, one.Columns = pixels.shape
    one.PixelSpacing = ["0.5", "0.5"]
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.SmallestImagePixelValue, one.LargestImagePixelValue = int(pixels.min()), int(pixels.max())
    one.WindowCenter, one.WindowWidth = str(900 + n), str(1800 + n)
    localizers = [Dataset() for _ in range(3)]  # the same for all slices, as scanners write them
    for place, reference in enumerate(localizers):
        reference.ReferencedSOPClassUID = MRImageStorage
        reference.ReferencedSOPInstanceUID = f"1.2.826.0.4.{patient + 1}.{place}"
    one.ReferencedImageSequence = Sequence(localizers)
    siemens = one.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    for element in (8, 9, 11, *range(15, 24)):
        siemens.add_new(element, "IS", str(element + n))
    protocol = one.private_block(0x0051, "SIEMENS MR HEADER", create=True)
    protocol.add_new(0x0A, "LO", f"TA {('04:12', '01:58')[series % 2]}")
    for element in range(0x0B, 0x18):
        protocol.add_new(element, "LO", f"value {element}")
    csa = one.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    csa.add_new(0x10, "OB", bytes([n]) * 500 + bytes([series % 256]) * 11_500)
    csa.add_new(0x20, "OB", bytes([series % 256]) * 60_000)
    one.PixelData = pixels.tobytes()
    one["PixelData"].VR = "OW"
    one.file_meta = FileMetaDataset()
    one.file_meta.MediaStorageSOPClassUID, one.file_meta.MediaStorageSOPInstanceUID = MRImageStorage, one.SOPInstanceUID
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return one


def ours_once(folder: Path, var: Path) -> dict[str, float]:
    """One run of ours in a fresh process, whose data lie in var: seconds, the processor's seconds, bytes of memory."""
    var.mkdir()
    environment = os.environ | {"READERSTUDY_VAR": str(var), "DJANGO_SETTINGS_MODULE": "readerstudy.settings"}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "-m", "benchmarks.intake_against_orthanc", "--ours", str(folder)]
    answer = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def take_in(folder: Path) -> dict[str, float]:
    """Seal the folder, run the job that sorts it, finish it; what each took. On the site that the environment names."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0)
    from readerstudy.archive import store_mark
    from readerstudy.intake import readers
    from readerstudy.intake.models import SORT
    from readerstudy.intake.services import receive_folder
    from readerstudy.intake.tasks import sort_upload
    from readerstudy.jobs import services
    from readerstudy.jobs.models import Job
    from tests import factories

    services.send = lambda job_id: None  # no queue here
    store_mark.mark_new_store()
    study = factories.make_study(subjects=0, title="Intake")
    readers.keep_ready()  # as a worker does that runs; Orthanc has started too
    time.sleep(READY)
    before = _processor(resource.RUSAGE_SELF), _processor(resource.RUSAGE_CHILDREN)
    times = [time.monotonic()]
    receive_folder(study=study, folder=folder, actor=None)
    times.append(time.monotonic())
    job = Job.objects.get(function=SORT)
    store = sort_upload(job, lambda *progress: None)
    times.append(time.monotonic())
    with transaction.atomic():
        counts = store()
    times.append(time.monotonic())
    files = sum(1 for path in folder.rglob("*") if path.is_file())
    if counts["refused"] or counts["proposed"] != files // SLICES:
        raise RuntimeError(f"Not all was taken: {counts}")
    after = _processor(resource.RUSAGE_SELF), _processor(resource.RUSAGE_CHILDREN)
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "seconds": times[-1] - times[0],
        **{name: b - a for name, a, b in zip(("seal", "sort", "store"), times[:-1], times[1:], strict=True)},
        "parent": after[0] - before[0],
        "children": after[1] - before[1],
        "memory": most << 10,
    }


def _processor(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


@contextmanager
def orthanc(folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    """A fresh Orthanc with the settings that it has by itself, on a port of its own; its data lie in the folder."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(settings))
    with subprocess.Popen(
        ["Orthanc", str(file)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _until_ready(port)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()


def _until_ready(port: int) -> None:
    for _ in range(300):
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/system")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Orthanc does not answer.")


def orthanc_once(files: list[Path], clients: int, folder: Path, *, deidentify: bool) -> dict[str, float]:
    """Seconds in which a fresh Orthanc takes the files, the processor's seconds in it and in the clients, and if wanted
    the seconds in which it has de-identified them as well."""
    with orthanc(folder) as (port, process):

        def send(mine: list[Path]) -> None:
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            for path in mine:
                connection.request("POST", "/instances", path.read_bytes())
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"Orthanc answered {answer.status}.")

        before, began = sum(process.cpu_times()[:2]), time.monotonic()
        clients_before = _processor(resource.RUSAGE_SELF)
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(send, [files[n::clients] for n in range(clients)]))
        found = {"seconds": time.monotonic() - began, "processor": sum(process.cpu_times()[:2]) - before}
        found["clients"] = _processor(resource.RUSAGE_SELF) - clients_before
        if deidentify:
            _have_deidentified(port)
            found["deidentified"] = time.monotonic() - began
        return found


def _have_deidentified(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=3600)
    connection.request("GET", "/studies")
    studies = json.load(connection.getresponse())
    asked = {"Resources": studies, "KeepSource": False, "Asynchronous": False}
    connection.request("POST", "/tools/bulk-anonymize", json.dumps(asked))
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"Orthanc answered {answer.status}: {answer.read().decode()}")


if __name__ == "__main__":
    sys.exit(main())
