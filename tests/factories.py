"""Small studies for tests, made through the services where rules matter."""

from __future__ import annotations

import gzip
import tempfile
import uuid
import zlib
from itertools import accumulate, count
from pathlib import Path

import numpy as np

from analysis.display_check import CONTRASTS, SIZES
from processing.nifti import write_nifti
from processing.volume import Volume
from readerstudy.accounts.models import Membership, User
from readerstudy.accounts.proofs import PASSWORD, Proof
from readerstudy.accounts.services import add_member
from readerstudy.archive.store import put_bytes, put_file
from readerstudy.audit.seals import every_unit
from readerstudy.audit.services import record
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from readerstudy.jobs.tasks import run_job
from readerstudy.material import volumes
from readerstudy.material.models import Case, Series
from readerstudy.material.services import add_series, place_series
from readerstudy.protocol import recipes
from readerstudy.protocol.briefing import in_force
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import create_study, move
from readerstudy.reading import checks
from readerstudy.reading.answers import link_row, start_chains
from readerstudy.reading.briefing import confirm_read
from readerstudy.reading.models import AnswerHead, CaseCheck, PreparedPair, Presentation, Rating
from readerstudy.reading.preparing import units_of
from readerstudy.reading.selectors import prepared_pair
from readerstudy.reading.services import confirm, open_study, rate, start, state
from readerstudy.reading.writes import KnownState
from readerstudy.states import State
from readerstudy.viewing.models import DisplayCheck
from readerstudy.viewing.services import keep_check, keep_part

numbers = count(1)
SHAPE = (3, 8, 6)  # slices, rows, columns


def make_user(name: str = "", *, staff: bool = False) -> User:
    name = name or f"user-{next(numbers)}"
    return User.objects.create_user(name, password="a long password", is_staff=staff)


def proof_of(user: User) -> Proof:
    """That this person has just shown who it is."""
    return Proof(user, PASSWORD)


def make_study(
    *, subjects: int = 2, weightings: tuple[str, ...] = ("T2",), readers: int = 1, title: str = "Trial"
) -> ReaderStudy:
    """A draft with an admin, readers R1…, and every series of every case placed (rows only, no pixels)."""
    admin = make_user(f"admin-{next(numbers)}", staff=True)
    study = create_study(title=title, user=admin, model_name="resunet")
    for _ in range(readers):
        add_member(study=study, user=make_user(f"reader-{next(numbers)}"), role="reader")
    for subject in range(1, subjects + 1):
        for weighting in weightings:
            make_case(study, f"S{subject:02d}", weighting)
    return study


def make_case(study: ReaderStudy, subject: str, weighting: str = "T2", region: str = "lumbar") -> dict[str, Series]:
    """One sagittal case with an active series in every arm and its prepared pairs."""
    arms = {arm.code: arm for arm in study.arms.order_by("place")}
    series: dict[str, Series] = {}
    for code, arm in arms.items():
        facts = series_facts(f"{study.pk} {subject} {weighting} {code}")
        if arm.made_from is None:
            series[code] = place_series(
                study=study,
                subject_code=subject,
                region=region,
                plane="sagittal",
                weighting=weighting,
                arm=arm,
                instances=[(put_bytes(facts["sha256"].encode()), 64)],
                **facts,
            )
        else:
            source = series[arm.made_from.code]
            series[code] = add_series(
                case=source.case,
                arm=arm,
                instances=[],
                replace=False,
                made_from=source,
                model_name=arm.model_name,
                model_version="1",
                model_sha256="0" * 64,
                **facts,
            )
    for comparison in study.comparisons.select_related("first", "second"):
        prepare(study, comparison, series[comparison.first.code], series[comparison.second.code])
    keep_checked(series["SOC"].case)
    return series


def keep_checked(case: Case) -> None:
    """Have a case that has no pixels checked, with nothing against it."""
    series = sorted(one.pk for one in checks.shown_series(case).values())
    check = CaseCheck(study=case.study, case=case, series=series, version=checks.VERSION)
    record(study=case.study, action="pairs prepared", case=case.code, pairs=0, seals=checks.keep(check))


def place_pixels(study: ReaderStudy, arm: str, volume: Volume, *, subject: str = "S01", seconds: float = 90) -> Series:
    """A sagittal lumbar T2 series with real pixels, placed."""
    with tempfile.TemporaryDirectory() as folder:
        sha256, size = put_file(write_nifti(volume, Path(folder) / "series.nii.gz"))
    facts = volumes.series_fields(volumes.load_files([sha256], "nifti"))
    facts["parameters"] = {"acquisition_seconds": seconds}
    return place_series(
        study=study,
        subject_code=subject,
        region="lumbar",
        plane="sagittal",
        weighting="T2",
        arm=study.arms.get(code=arm),
        instances=[(sha256, size)],
        format="nifti",
        **facts,
    )


def two_acquisitions(study: ReaderStudy, *, subject: str = "S01") -> None:
    """One case: SOC, and FAST of the same place, a quarter brighter; six slices of 40 × 32 pixels."""
    affine = np.array([[0.0, 0.0, 4.0, -8.0], [1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 40.0], [0.0, 0.0, 0.0, 1.0]])
    z, y, x = np.mgrid[0:6, 0:40, 0:32].astype(float)
    array = 400 + 150 * np.sin(x / 4) * np.cos(y / 5) + 10 * z
    place_pixels(study, "SOC", Volume(np.round(array), affine), subject=subject, seconds=177)
    place_pixels(study, "FAST", Volume(np.round(1.25 * array), affine), subject=subject, seconds=92)


def series_facts(seed: str) -> dict:
    slices, rows, columns = SHAPE
    return {
        "format": "dicom",
        "sha256": uuid.uuid5(uuid.NAMESPACE_OID, seed).hex.ljust(64, "0"),
        "slices": slices,
        "rows": rows,
        "columns": columns,
        "affine": np.diag([1.0, 1.0, 4.0, 1.0]).tolist(),
        "spacing": [1.0, 1.0, 4.0],
        "parameters": {"averages": 2, "acquisition_seconds": 90},
    }


def prepare(study: ReaderStudy, comparison, first: Series, second: Series) -> PreparedPair:
    slices, rows, columns = SHAPE
    orders = []
    for value in (b"\1", b"\2"):
        frames = [gzip.compress(value * rows * 2 * columns * 2, mtime=0).ljust(1024, b" ") for _ in range(slices)]
        orders.append(frames)
    pair = PreparedPair.objects.create(
        study=study,
        case=first.case,
        comparison=comparison,
        first=first,
        second=second,
        geometry={"rows": rows, "columns": columns, "slices": slices},
        order=[1, 0, 2],
        offsets=list(accumulate(map(len, orders[0]), initial=0)),
        first_left_sha256=put_bytes(b"".join(orders[0])),
        first_right_sha256=put_bytes(b"".join(orders[1])),
    )
    record(study=study, action="pairs prepared", case=first.case.code, pairs=1, seals=units_of([pair]))
    return pair


def simulate(study: ReaderStudy, recipe: dict) -> None:
    """Have FAST simulated from SOC, its series and what is made of them saying so."""
    fast, source = study.arms.get(code="FAST"), study.arms.get(code="SOC")
    fast.made_from, fast.recipe = source, recipe
    fast.save()
    told = {"simulated": "degraded: half nex fraction 0.05, seed 12"}
    study.series.filter(arm__in=[fast, *fast.makes.all()]).update(parameters=told)
    for one in study.series.filter(arm=fast).select_related("case"):
        one.made_from = study.series.get(case=one.case, arm=source)
        one.model_sha256 = recipes.sha256(recipes.of_case(recipe, one.case.code, fast.code))
        one.save()


def log_as_is(study: ReaderStudy) -> None:
    """Have the log say what is there: a test made or changed rows past the services that log them."""
    record(study=study, action="pairs prepared", case="every case", pairs=study.pairs.count(), seals=every_unit())


def keep_all(rows: list) -> None:
    """Answers as the site keeps them, in the order of the list: many at once, and whatever the state of their pairs."""
    of = {row.presentation_id for row in rows}
    start_chains(Presentation.objects.filter(pk__in=of, answer_head=None))
    heads = {head.presentation_id: head for head in AnswerHead.objects.filter(presentation__in=of)}
    for row in rows:
        link_row(row, heads[row.presentation_id])
    for model in dict.fromkeys(map(type, rows)):
        model.objects.bulk_create([row for row in rows if type(row) is model], batch_size=1000)
    AnswerHead.objects.bulk_update(heads.values(), ["number", "last", "mac"], batch_size=500)


def make_job(
    study: ReaderStudy, label: str = "x", function: str = "material.erase", parameters: dict | None = None, **now
) -> Job:
    """A job that the site asked for; now: its other columns as they are to be."""
    made, _ = request_job(
        function=function, label=label, study=study, parameters=parameters or {}, inputs={"label": label}
    )
    Job.objects.filter(pk=made.pk).update(**now)
    made.refresh_from_db()
    return made


def work_off(study: ReaderStudy) -> None:
    """Do the jobs that wait, and those that they ask for."""
    while waiting := list(study.jobs.filter(state="waiting").order_by("pk").values_list("pk", flat=True)):
        for number in waiting:
            run_job(number)


def open_(study: ReaderStudy) -> ReaderStudy:
    """Open a study, whatever a test made in it before; its readers have read the briefing."""
    log_as_is(study)
    study = open_study(study=study, actor=None)
    read_briefing(study)
    return study


def read_briefing(study: ReaderStudy) -> None:
    """Every reader of an opened study has read the briefing as it is now."""
    version = in_force(study)
    assert version is not None
    for member in study.memberships.filter(role="reader").select_related("study", "user"):
        confirm_read(member=member, sha256=version.sha256)


def now(presentation: Presentation) -> KnownState:
    """What a browser that has just loaded this pair makes its next write on."""
    return KnownState.of(Presentation.objects.get(pk=presentation.pk))


def every_slice(presentation: Presentation) -> dict[str, list[int]]:
    slices = list(range(len(prepared_pair(presentation).order)))
    return {"left": slices, "right": slices}


def read_pair(presentation: Presentation, scores: list[int] | None = None) -> None:
    """Answer everything on one pair and confirm it."""
    start(presentation=presentation)
    for number, criterion in enumerate(presentation.study.criteria.all()):
        score = scores[number % len(scores)] if scores else 3
        rate(
            presentation=presentation,
            criterion=criterion,
            score=score,
            status=Rating.Status.RATED,
            key=uuid.uuid4(),
            on=now(presentation),
        )
    for subject, value in (("integrity", "none"), ("diagnostic", "both")):
        state(presentation=presentation, subject=subject, value=value, key=uuid.uuid4(), on=now(presentation))
    confirm(presentation=presentation, key=uuid.uuid4(), on=now(presentation), seen=every_slice(presentation))


def read_all(member: Membership, scores: list[int] | None = None) -> None:
    """One reader answers the whole list."""
    for presentation in (
        Presentation.objects.filter(reader=member).select_related("study", "reader").order_by("position")
    ):
        read_pair(presentation, scores)


def check_display(member: Membership, **seen) -> DisplayCheck:
    """A finished display check; seen: what differs from one that is passed."""
    screen = {"window_width": 1440, "window_height": 800, "screen_width": 1440, "screen_height": 900}
    found = {
        "missed": [],
        "dark": True,
        "bright": True,
        "discs": [[size, contrast, 2, 2] for contrast in CONTRASTS for size in SIZES],
        "seconds": 71.5,
        **screen,
        "device_pixel_ratio": 2.0,
        "colour_depth": 24,
    }
    return keep_check(reader=member, key=uuid.uuid4(), browser="Firefox 140", **{**found, **seen})


VIEW = "s1 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0"


def keep_log(presentation: Presentation, *pieces: str, end: str = VIEW.replace("s1", "s2")) -> None:
    """The log of one look at a pair: these pieces, the last of them with its end."""
    visit, pieces = uuid.uuid4(), pieces or (f"0 {VIEW};8 s2;4",)
    checksum = zlib.crc32("".join(f"{piece}\n" for piece in pieces).encode())
    for number, entries in enumerate(pieces):
        last = {"end": end, "checksum": checksum} if number == len(pieces) - 1 else {}
        assert keep_part(presentation=presentation, visit=visit, number=number, entries=entries, **last)


def make_closed_study(**size) -> ReaderStudy:
    """A study whose readers have rated everything; scores vary by reader and criterion."""
    study = open_(make_study(**size))
    for number, member in enumerate(study.memberships.filter(role="reader").order_by("code")):
        read_all(member, [[4, 3, 3], [4, 4, 3, 2], [3, 5, 3, 3, 2]][number % 3])
    return move(study=study, to=State.CLOSED, actor=None)
