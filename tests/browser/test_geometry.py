"""Eight geometries from upload to the frames that a reader decodes: the sides, the plane, the place, the aspect.

What is shown is compared with the scene in patient coordinates that the files sample, not with what the site stored.
"""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from scipy import fft

from processing.pair import decode
from tests.browser import scene
from tests.browser.room.test_room import shown_pixels
from tests.browser.test_whole_path import see_every_slice, sign_in
from tests.site_process import Site, running_site, until

pytestmark = pytest.mark.slow
TOWARD = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "H": (0, 0, 1), "F": (0, 0, -1)}
THROUGH = {"axial": "H", "sagittal": "L", "coronal": "P"}  # where the next slice lies
TURNED = [[0.9063, 0, 0.4226], [0, 1, 0], [-0.4226, 0, 0.9063]]  # 25° about the anterior axis

CASES = {  # subject: plane, spacing (column, row, slice), SOC, FAST
    "las-ras": (
        ("axial", (2.5, 2.5, 5.0), 12),
        lambda soc, fast: (
            scene.nifti(soc / "t2.nii", [[-1, 0, 0], [0, -1, 0], [0, 0, 1]], (2.5, 2.5, 5.0), (12, 60, 64)),
            scene.nifti(fast / "t2.nii", [[1, 0, 0], [0, -1, 0], [0, 0, 1]], (2.5, 2.5, 5.0), (12, 64, 64)),
        ),
    ),
    "isotropic": (
        ("sagittal", (3.0, 3.0, 3.0), 54),
        lambda soc, fast: (
            scene.nifti(soc / "t2.nii", scene.SAGITTAL, (3.0, 3.0, 3.0), (54, 48, 48)),
            scene.nifti(fast / "t2.nii", [[-1, 0, 0], [0, -1, 0], [0, 0, 1]], (3.0, 3.0, 3.0), (48, 48, 54)),
        ),
    ),
    "close": (
        ("sagittal", (2.5, 2.5, 1.5), 80),
        lambda soc, fast: (
            scene.dicom(soc, scene.SAGITTAL, (2.5, 2.5, 1.5), (80, 48, 48), PatientID="close"),
            scene.dicom(fast, scene.SAGITTAL, (2.5, 2.5, 1.5), (80, 48, 52), PatientID="close"),
        ),
    ),
    "micron": (
        ("axial", (2.5, 2.5, 5.0), 12),
        lambda soc, fast: (
            scene.nifti(soc / "t2.nii", [[-1, 0, 0], [0, -1, 0], [0, 0, 1]], (2.5, 2.5, 5.0), (12, 56, 64)),
            scene.nifti(fast / "t2.nii", [[-1, 0, 0], [0, -1, 0], [0, 0, 1]], (2.5, 2.5, 5.0), (12, 58, 64), unit=3),
        ),
    ),
    "padding": (
        ("axial", (2.5, 2.5, 6.0), 10),
        lambda soc, fast: (
            scene.dicom(soc, scene.AXIAL, (2.5, 2.5, 6.0), (10, 64, 64), PatientID="padding"),
            scene.dicom(fast, scene.AXIAL, (2.5, 2.5, 6.0), (10, 64, 64), padded=-2000, PatientID="padding"),
        ),
    ),
    "oblique": (
        ("axial", (2.5, 2.5, 6.0), 10),
        lambda soc, fast: (
            scene.dicom(soc, TURNED, (2.5, 2.5, 6.0), (10, 60, 64), PatientID="oblique"),
            scene.dicom(fast, TURNED, (2.5, 2.5, 6.0), (10, 64, 64), numbered_backwards=True, PatientID="oblique"),
        ),
    ),
    "drift": (
        ("axial", (2.5, 2.5, 4.0), 20),
        lambda soc, fast: (
            scene.dicom(soc, scene.AXIAL, (2.5, 2.5, 4.0), (20, 60, 64), PatientID="drift"),
            scene.dicom(fast, scene.AXIAL, (2.5, 2.5, 4.05), (20, 60, 64), PatientID="drift"),
        ),
    ),
    "half": (
        ("coronal", (2.0, 2.5, 8.0), 14),
        lambda soc, fast: (
            scene.dicom(soc, scene.CORONAL, (2.0, 2.5, 8.0), (14, 48, 80), PatientID="half"),
            scene.dicom(fast, scene.CORONAL, (4.0, 5.0, 8.0), (14, 24, 40), PatientID="half"),
        ),
    ),
}
SETUP = """
from readerstudy.accounts.models import User
from readerstudy.accounts.services import add_member
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import create_study
from tests import factories
boss = User.objects.create_user('boss', password='a long password', is_staff=True)
anna = User.objects.create_user('anna', password='a long password')
study = create_study(title='Geometry', user=boss, model_name='resunet')
add_member(study=study, user=anna, role='reader')
study.comparisons.exclude(first__code='SOC', second__code='FAST').delete()
study.arms.filter(made_from__isnull=False).delete()
study.criteria.exclude(code=study.criteria.first().code).delete()
study.primary_comparison, study.primary_criterion = study.comparisons.get(), study.criteria.get()
study.save()
factories.log_as_is(study)
print(study.slug)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    with running_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return f"{site.url}/studies/{site.python(SETUP).split()[-1]}/"


def deliver(folder: Path) -> None:
    rows = ["folder,subject,arm,region,plane,weighting"]
    for subject, ((plane, _, _), write) in CASES.items():
        write(folder / subject / "SOC", folder / subject / "FAST")
        rows += [f"{subject}/{arm},{subject},{arm},brain,{plane},T2" for arm in ("SOC", "FAST")]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")


class Spectrum:
    """A volume without its mean, ready to be correlated with others of its shape."""

    def __init__(self, volume: np.ndarray) -> None:
        self.shape, centred = volume.shape, (volume - volume.mean()).astype(np.float32)
        self.size = [fft.next_fast_len(2 * n, real=True) for n in self.shape]
        self.values, self.energy = fft.rfftn(centred, self.size), float((centred.astype(float) ** 2).sum())

    def best_shift(self, truth: Spectrum) -> tuple[tuple[int, ...], float]:
        """Whole voxels by which the truth is to be moved to fit, and the correlation there."""
        found = fft.irfftn(self.values * np.conj(truth.values), self.size)
        place = np.unravel_index(int(np.argmax(found)), found.shape)
        shift = tuple(int(n) if n < size / 2 else int(n) - size for n, size in zip(place, found.shape, strict=True))
        return shift, float(found[place] / np.sqrt(self.energy * truth.energy))


def check_pair_shown(page: Page, study: str) -> str:
    """Check both sides of the pair whose turn it is against the scene; returns its plane."""
    said = page.request.get(f"{study}reading/current/").json()
    shown = said.get("presentation", said)
    geometry, token = shown["geometry"], shown["token"]
    slices, rows, columns = geometry["slices"], geometry["rows"], geometry["columns"]
    frames = [page.request.get(f"{study}reading/{token}/frames/{n}/").body() for n in range(slices)]
    sides = np.array([decode(frame, geometry) for frame in frames], float)  # slices, 2, rows, columns
    # By the letters alone: what a radiologist goes by.
    letters = geometry["letters"]
    directions = [
        TOWARD[letters["e"][0]],
        TOWARD[letters["s"][0]],
        TOWARD[THROUGH[geometry["plane"]]],
    ]
    if len(letters["e"]) > 1:  # turned
        directions = [list(each) for each in TURNED]
    spacing = (geometry["spacing"][1], geometry["spacing"][0], geometry["slice_spacing"])
    truth = scene.sampled(scene.grid(directions, spacing, (slices, rows, columns)), (slices, rows, columns))
    truths = {
        mirrored: Spectrum(np.flip(truth, [axis for axis in range(3) if mirrored[axis]]))
        for mirrored in product((False, True), repeat=3)
    }
    as_it_is = truths.pop((False, False, False))
    places = []
    for side in (0, 1):
        shown_here = Spectrum(sides[:, side])
        shift, fits = shown_here.best_shift(as_it_is)
        places.append(np.array(shift))
        assert fits > 0.93, (geometry, side, fits)
        for mirrored, turned in truths.items():
            other = shown_here.best_shift(turned)[1]
            assert 1 - other > 1.5 * (1 - fits) + 0.005, (geometry, side, mirrored, fits, other)
    assert np.abs(places[0] - places[1]).max() <= 1, "the sides show different places"
    assert np.abs(places[0]).max() <= 2, "the middle of the pair is not the middle of the scene"
    # The canvas shows these frames, each on its side.
    middle = int(page.locator("#pane-left").get_attribute("data-slice"))
    upper = geometry["window"]["upper"]
    for side, name in enumerate(("left", "right")):
        grey = shown_pixels(page, name, rows, columns)
        assert np.abs(grey - np.clip(sides[middle, side] / upper, 0, 1) * 255).mean() < 6
    return geometry["plane"]


def test_eight_geometries_reach_the_reader_as_the_patient_lies(
    browser: Browser, site: Site, study: str, tmp_path: Path
):
    deliver(tmp_path / "delivery")
    admin = sign_in(browser, site, "boss", "a long password")
    admin.goto(study + "material/")
    admin.locator("[data-folder] input").set_input_files(tmp_path / "delivery")
    admin.get_by_role("button", name="Send").click()
    expect(admin.get_by_role("heading", name="16 series to confirm")).to_be_visible(timeout=90_000)
    for tick in admin.locator("input[type=checkbox][name$=-tick]").all():
        tick.check()
    admin.locator("#confirm-ticked").click()
    expect(admin.get_by_text("16 series placed.")).to_be_visible(timeout=30_000)
    admin.goto(study + "protocol/")

    def prepared() -> bool:
        admin.reload()
        return bool(admin.get_by_text("8 of 8 pairs prepared").count())

    until(prepared, 90, every=1)
    admin.goto(study + "protocol/checks/")
    against = admin.inner_text("main")
    assert "held back" not in against
    for said in ("lengths in the micron", "padding", "Slice distances differ a little"):
        assert said in against, said
    admin.goto(f"{study}protocol/to/open/")
    admin.get_by_label("Type the study's title").fill("Geometry")
    admin.locator("form button.primary").click()
    expect(admin.get_by_text("Frozen on")).to_be_visible(timeout=60_000)

    reader = sign_in(browser, site, "anna", "a long password")
    reader.goto(study + "reading/room/")
    reader.get_by_role("button", name="Begin reading").click()
    planes = []
    for pair in range(len(CASES)):
        expect(reader.locator(".position")).to_contain_text(re.compile(rf"{pair + 1} of {len(CASES)}"), timeout=30_000)
        expect(reader.locator("#pane-left")).to_have_attribute("data-ready", "true", timeout=30_000)
        reader.wait_for_timeout(450)
        planes.append(check_pair_shown(reader, study))
        see_every_slice(reader)
        for key in ("3", "q", "w", "Space"):
            reader.keyboard.press(key)
    assert sorted(planes) == sorted(plane for (plane, _, _), _ in CASES.values())
