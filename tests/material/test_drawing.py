"""Volumes of interest that are drawn: voxel for voxel, versions, looks at other arms, second drawings."""

import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
from django.test import Client
from scipy.spatial.transform import Rotation

from processing.drawn import coded_slice, mask_of, runs_of, scale_of, window_of
from processing.errors import InputError
from processing.masks import carry
from processing.volume import Volume
from readerstudy.accounts.models import Role
from readerstudy.accounts.services import add_member
from readerstudy.archive import store
from readerstudy.audit.models import Event
from readerstudy.audit.verify import problems
from readerstudy.images import radiomics
from readerstudy.images.models import RADIOMICS
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import ask_for_missing
from readerstudy.material import drawing, site_lists, volumes, volumes_of_interest
from readerstudy.material.models import Alignment, Case, VolumeOfInterest
from readerstudy.material.services import set_aside
from readerstudy.material.views_drawing import looks_as_json
from readerstudy.material.volumes_of_interest import load_mask
from readerstudy.protocol.services import create_study
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = pytest.mark.django_db
SHAPE = (6, 11, 9)
SAGITTAL = np.array([[0.0, 0.0, 4.0, -8.0], [0.9, 0.0, 0.0, 5.0], [0.0, -0.9, 0.0, 30.0], [0.0, 0.0, 0.0, 1.0]])


def turned(degrees: float) -> np.ndarray:
    affine = SAGITTAL.copy()
    affine[:3, :3] = (
        Rotation.from_euler("xyz", [degrees, degrees / 2, -degrees], degrees=True).as_matrix() @ affine[:3, :3]
    )
    return affine


def mirrored(affine: np.ndarray, *axes: int) -> np.ndarray:
    return affine @ np.diag([-1.0 if axis in axes else 1.0 for axis in range(4)])


# How series are stored: as they are looked at, mirrored in each way, with other axes as slices, oblique.
STORED = {
    "as looked at": SAGITTAL,
    "columns mirrored": mirrored(SAGITTAL, 0),
    "rows and slices mirrored": mirrored(SAGITTAL, 1, 2),
    "all mirrored": mirrored(SAGITTAL, 0, 1, 2),
    "rows before columns": SAGITTAL[:, [1, 0, 2, 3]],
    "slices first": SAGITTAL[:, [2, 0, 1, 3]],
    "oblique": turned(17.0),
    "oblique and mirrored": mirrored(turned(-21.0), 0, 2),
}


@made_once()
def study():
    study = create_study(title="Drawn", user=factories.make_user(staff=True), model_name="m")
    factories.two_acquisitions(study)
    series = {one.arm.code: one for one in study.series.select_related("arm")}
    quality = {"used": True, "translation_mm": [0, 0, 0], "overlap": 1.0}
    fixed = {"fixed": series["SOC"], "moving": series["FAST"], "matrix": np.eye(4).tolist()}
    Alignment.objects.create(study=study, quality=quality, conventions={}, picture="", **fixed)
    factories.log_as_is(study)
    return study


@pytest.fixture
def case(study) -> Case:
    return study.cases.select_related("subject", "study").get()


@pytest.fixture
def admin(study):
    return study.memberships.get(role="admin").user


def on(case: Case, arm: str = "SOC"):
    return case.series.select_related("arm", "case").get(active=True, arm__code=arm)


def block(shape: tuple[int, ...], at: int = 8, size: int = 6) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[2:4, at : at + size, 5 : 5 + size] = True
    return mask


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def draw(case: Case, actor, mask: np.ndarray | None = None, *, name="Lesion 1", base=None, second=False, arm="SOC"):
    series = on(case, arm)
    image = volumes.load_cached(series)
    runs = runs_of(block(image.shape) if mask is None else mask)
    return drawing.save(
        case=case, series=series, image=image, name=name, runs=runs, base=base, second=second, actor=actor
    )


@pytest.mark.parametrize("stored", STORED)
def test_what_is_drawn_on_the_screen_is_that_voxel_of_the_series(study, admin, stored):
    rng = np.random.default_rng(3)
    array = rng.integers(0, 900, SHAPE)
    bright = rng.random(SHAPE) < 0.03
    array[bright] = 2000
    series = factories.place_pixels(study, "SOC", Volume(array, STORED[stored]), subject="S02")
    image = volumes.load_cached(series)
    drawn = image.array > 1500
    if stored not in ("as looked at", "oblique"):  # the order of the screen, kept as the series', would be wrong
        assert drawn.shape != SHAPE or (drawn != bright).any()
    volume = draw(series.case, admin, drawn)
    kept, own = load_mask(volume), volumes.load(series)
    assert kept.array.shape == own.array.shape
    assert (kept.array == (own.array > 1500)).all()
    assert np.allclose(kept.affine, own.affine)
    assert volume.voxels == bright.sum()
    (shown,) = drawing.drawings(case=series.case, series=series, image=image)
    assert (mask_of(shown["runs"], image.shape) == drawn).all()
    # What measures the volume sees the bright voxels and no other.
    assert (own.array[carry(kept, own.shape, own.affine).mask.array] == 2000).all()


def test_the_browser_gets_every_intensity(study, admin, case):
    page = f"/studies/{study.slug}/material/cases/{case.pk}/draw/"
    client = client_of(admin)
    series = on(case)
    image = volumes.load_cached(series)
    assert f'"shape": {json.dumps(list(image.shape))}' in client.get(page).content.decode()
    answer = client.get(f"{page}{series.pk}/voxels.bin?slice=4")
    plain = np.frombuffer(zlib.decompress(answer.content), np.uint8).astype(np.uint16).reshape(2, *image.shape[1:])
    values = np.cumsum(plain[0] | plain[1] << 8, axis=1, dtype=np.uint16)
    low, step = scale_of(image)
    assert (values * step + low == image.array[4]).all()
    assert client.get(f"{page}{series.pk}/voxels.bin?slice={image.shape[0]}").status_code == 404
    assert client.get(f"{page}{series.pk}/voxels.bin?slice=x").status_code == 404


def test_intensities_that_are_not_whole_keep_a_65535th_of_their_range():
    volume = Volume(np.array([[[-1.0, 0.25, 2.0]]]), np.eye(4))
    low, step = scale_of(volume)
    plain = zlib.decompress(coded_slice(volume, 0, (low, step)))
    values = np.cumsum(np.frombuffer(plain, np.uint8).reshape(2, 3).T @ [1, 256]) % 65536 * step + low
    assert np.abs(values - [-1.0, 0.25, 2.0]).max() <= step / 2
    flat = Volume(np.full((1, 2, 2), 7.5), np.eye(4))
    assert (scale_of(flat), window_of(flat, scale_of(flat))) == ((7.5, 1.0), (0, 1))


@pytest.mark.parametrize(
    "runs", [[1], [0, 0], [0, 5, 3, 2], [5, 2, 1, 1], [22, 3], [-1, 2], [1.5, 2], ["1", 2], [True, 2]]
)
def test_runs_that_are_none_are_refused(runs):
    with pytest.raises(InputError, match="does not fit its series"):
        mask_of(runs, (2, 3, 4))


def test_every_save_is_a_version_a_stale_one_is_refused_and_an_earlier_one_can_hold_again(study, admin, case):
    other = factories.make_user(staff=True)
    first = draw(case, admin)
    second = draw(case, other, block((6, 40, 32), at=9), base=first.pk)
    with pytest.raises(drawing.StaleError, match=f"Version 2 of Lesion 1 was saved by {other.username} meanwhile"):
        draw(case, admin, block((6, 40, 32), at=10), base=first.pk)
    with pytest.raises(drawing.StaleError):
        draw(case, admin)  # as if nobody had drawn it
    drawing.back_to(volume=first, actor=admin)
    held = VolumeOfInterest.objects.get(case=case, removed_at=None)
    assert (held.pk, held.version) == (first.pk, 1)
    third = draw(case, admin, block((6, 40, 32), at=11), base=first.pk)
    assert (second.version, third.version, third.drawn_by, third.origin) == (2, 3, admin, "drawn")
    assert VolumeOfInterest.objects.filter(case=case).count() == 3
    drawn = Event.objects.filter(study=study, action="volume of interest drawn").order_by("number")
    assert [(line.actor, line.data["version"]) for line in drawn] == [(admin, 1), (other, 2), (admin, 3)]
    assert list(problems(study)) == []


def test_who_sends_what_is_none_is_told_in_words(study, admin, case):
    address = f"/studies/{study.slug}/material/cases/{case.pk}/draw/{on(case).pk}/"
    client = client_of(admin)

    def sent(**fields):
        body = {"name": "Lesion 1", "runs": [0, 4], "base": None, "second": False} | fields
        answer = client.post(address, json.dumps(body), content_type="application/json")
        return answer.status_code, answer.json().get("detail", "")

    assert sent(name="Müller")[1].startswith("A name has up to 40 letters")
    assert sent(runs=[])[1].startswith("Nothing is drawn yet")
    assert sent(runs="all")[1].startswith("The drawing did not arrive whole")
    assert sent() == (200, "")
    assert sent()[0] == 409
    assert client.post(address, b"{", content_type="application/json").status_code == 400


def test_a_drawn_volume_is_measured_on_another_acquisition_once_a_person_says_that_it_fits(study, admin, case):
    volume = draw(case, admin)
    fast = on(case, "FAST")

    def measured() -> set[str]:
        ask_for_missing(study, case=case)
        return {job.label.split()[-1] for job in Job.objects.filter(function=RADIOMICS)}

    def states() -> dict[str, str]:
        ((_, cells),) = radiomics.feature_grid(
            study,
            radiomics.active_settings(study),
            volumes_of_interest.active_volumes(study=study),
            drawing.unseen(study),
        )
        return {cell.arm.code: cell.state for cell in cells}

    assert (measured(), states()["FAST"], drawing.to_look_at(study)) == ({"SOC"}, "unseen", 1)
    client = client_of(admin)
    page = f"/studies/{study.slug}/material/cases/{case.pk}/"
    assert "look whether it fits" in html(client.get(page))

    def seen() -> str:
        (look,) = looks_as_json(study, volume.pk, drawing.looks(volume, [fast]))
        shown = client.get(page).content.decode()
        assert f'action="{look["url"]}"' in shown
        assert look["fits"] is not None or f'src="{look["picture"]}"' in shown
        assert client.get(look["picture"]).status_code == 200
        pictures.append(look["picture"])
        return look["url"]

    pictures: list[str] = []
    address = seen()
    client.post(address, {"fits": "1"})
    assert (measured(), states()["FAST"]) == ({"SOC", "FAST"}, "waiting")
    client.post(address, {"not": "1"})
    assert (states()["FAST"], drawing.to_look_at(study)) == ("unseen", 0)
    client.post(address, {"fits": "1"})
    # Another alignment carries it elsewhere: somebody has to look again.
    matrix = np.eye(4)
    matrix[1, 3] = 2.0
    Alignment.objects.update(matrix=matrix.tolist())
    client.post(address, {"fits": "1"})  # said of what was seen before
    assert client.get(pictures[0]).status_code == 409  # nor is it shown as if it were that
    assert client.get(pictures[0].split("?")[0]).status_code == 200
    assert (states()["FAST"], drawing.to_look_at(study)) == ("unseen", 1)
    client.post(seen(), {"fits": "1"})
    assert (states()["FAST"], drawing.to_look_at(study)) == ("waiting", 0)
    Alignment.objects.update(matrix=np.eye(4).tolist())
    factories.log_as_is(study)
    assert list(problems(study)) == []
    assert drawing.to_look_at(study) == 1
    set_aside(case=case, reason="moved", actor=admin)
    assert drawing.to_look_at(study) == 0


def test_a_drawing_that_reaches_beyond_another_series_is_not_cut_there(study, admin, case):
    whole = volumes.load(on(case))
    case = factories.place_pixels(study, "SOC", whole, subject="S02").case
    affine = whole.affine.copy()
    affine[:3, 3] += 9 * affine[:3, 1]  # nine rows fewer at one side
    fast = factories.place_pixels(study, "FAST", replace(whole, affine=affine), subject="S02")
    volume = draw(case, admin)
    client = client_of(admin)
    said = html(client.get(f"/studies/{study.slug}/material/cases/{case.pk}/draw/?on={fast.pk}"))
    assert "Lesion 1 reaches beyond this series</span> and is changed on SOC only." in said
    image = volumes.load_cached(fast)
    with pytest.raises(InputError, match="Draw it on SOC"):
        drawing.save(
            case=case,
            series=fast,
            image=image,
            name="Lesion 1",
            runs=runs_of(block(image.shape)),
            base=volume.pk,
            second=False,
            actor=admin,
        )


def test_a_mask_that_is_gone_is_said_in_words(study, admin, case):
    volume = draw(case, admin)
    draw(case, admin, second=True)
    store.erase(volume.sha256)
    client = client_of(admin)
    page = f"/studies/{study.slug}/material/cases/{case.pk}/"
    assert "Second drawing by" in html(client.get(page))
    assert "1 of 1 files are not in the archive." in html(client.get(f"{page}draw/", follow=True))


def test_a_second_drawing_is_compared_and_never_measured(study, admin, case):
    draw(case, admin)
    other = factories.make_user(staff=True)
    add_member(study=study, user=other, role=Role.ADMIN)
    factories.log_as_is(study)
    # 2 × 6 × 6 voxels of 4 × 1 × 1 mm, and the same three rows further: half in common.
    moved = draw(case, other, block((6, 40, 32), at=11), second=True)
    (shown,) = drawing.of_case(case)["there"]
    ((found, agreement),) = shown.seconds
    assert (found, agreement["dice"]) == (moved, 0.5)
    # In two slices every voxel is at the surface: of six rows three lie in the other square, three 1, 2 and 3 mm away.
    distances = [agreement[name] for name in ("average_surface_distance", "hausdorff_95", "hausdorff")]
    assert distances == [1.0, 3.0, 3.0]
    ask_for_missing(study, case=case)
    assert all(job.parameters["voi"] != moved.pk for job in Job.objects.filter(function=RADIOMICS))
    client = client_of(other)
    page = f"/studies/{study.slug}/material/cases/{case.pk}/draw/"
    sees = json.loads(
        client.get(page + "?second").content.decode().split('id="scene" type="application/json">')[1].split("<")[0]
    )
    assert [one["base"] for one in sees["volumes"]] == [moved.pk]
    page = f"/studies/{study.slug}/material/cases/{case.pk}/"
    assert "Dice 0.500" in html(client.get(page))

    third = draw(case, admin, second=True)
    address = f"/studies/{study.slug}/material/masks/{moved.pk}/"
    assert f'action="{address}"' in client.get(page).content.decode()
    client.post(address)
    assert [one.pk for one, _ in drawing.of_case(case)["there"][0].seconds] == [third.pk]
    assert f"second drawing by {other.username}, removed" in html(client.get(page))
    client.post(address, {"back": "1"})  # though another person has one of this name
    assert {one.pk for one, _ in drawing.of_case(case)["there"][0].seconds} == {moved.pk, third.pk}
    assert list(problems(study)) == []


def test_the_list_of_sites_says_what_is_to_be_drawn_and_how_far_it_is(study, admin, case):
    client = client_of(admin)
    client.post(f"/studies/{study.slug}/material/sites/change/", {"preset": "abdomen"})
    assert len(site_lists.names_of(study)) == 10
    draw(case, admin, name="Spleen")
    draw(case, admin, name="Lesion 1")
    page = html(client.get(f"/studies/{study.slug}/material/sites/"))
    assert "1 of 10 drawn" in page
    assert "1 other volume" in page
    answer = client.post(f"/studies/{study.slug}/material/sites/change/", {"names": "Liver\nliver"})
    assert "Each site stands once in the list." in html(answer)
    assert len(site_lists.names_of(study)) == 10
    assert list(problems(study)) == []


@pytest.mark.parametrize("preset", [one["key"] for one in site_lists.presets()])
def test_each_preset_can_be_taken(study, admin, preset):
    names = next(one["names"] for one in site_lists.presets() if one["key"] == preset)
    site_lists.set_names(study=study, names=names, actor=admin)
    assert site_lists.names_of(study) == names
