"""Overlap and distances of masks against SimpleITK and closed forms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from processing.__main__ import main
from processing.errors import InputError
from processing.metrics.overlap import MEASURES, overlap
from processing.nifti import write_nifti
from processing.volume import Volume

SPACING = (3.0, 0.7, 0.9)  # slices, rows, columns


def blob(shift: float = 0.0, size: float = 1.0) -> np.ndarray:
    z, y, x = np.mgrid[:14, :48, :52].astype(float)
    return ((z - 7) / 4) ** 2 + ((y - 24 - shift) / (13 * size)) ** 2 + ((x - 25 + shift / 2) / 15) ** 2 < 1


def as_itk(mask: np.ndarray, spacing: tuple[float, ...] = SPACING) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing[::-1])
    return image


@pytest.mark.parametrize(("shift", "size"), [(0.0, 1.0), (3.0, 1.0), (0.0, 0.7), (9.0, 0.4), (-6.0, 1.3)])
@pytest.mark.reference("overlap", "SimpleITK", package="SimpleITK")
def test_measures_equal_simpleitk(shift: float, size: float) -> None:
    a, b = blob(), blob(shift, size)
    found = overlap(a, b, spacing=SPACING).values
    measures = SimpleITK.LabelOverlapMeasuresImageFilter()
    measures.Execute(as_itk(a), as_itk(b))
    assert found["dice"] == pytest.approx(measures.GetDiceCoefficient(), abs=1e-12)
    assert found["volume_similarity"] == pytest.approx(1 - abs(measures.GetVolumeSimilarity()) / 2, abs=1e-12)
    # Outlines by SimpleITK, distances from each to the other by its exact distance map.
    outlines = [SimpleITK.LabelContour(as_itk(mask), fullyConnected=False, backgroundValue=0) for mask in (a, b)]
    hausdorff = SimpleITK.HausdorffDistanceImageFilter()
    hausdorff.Execute(*outlines)
    assert found["hausdorff"] == pytest.approx(hausdorff.GetHausdorffDistance(), abs=1e-5)
    maps = [
        SimpleITK.GetArrayFromImage(
            SimpleITK.SignedMaurerDistanceMap(one, squaredDistance=False, useImageSpacing=True, insideIsPositive=False)
        )
        for one in outlines
    ]
    sets = [SimpleITK.GetArrayFromImage(one) > 0 for one in outlines]
    there, back = np.maximum(maps[1][sets[0]], 0), np.maximum(maps[0][sets[1]], 0)
    assert found["hausdorff_95"] == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-5)
    assert found["average_surface_distance"] == pytest.approx((there.mean() + back.mean()) / 2, abs=1e-5)


def test_cubes_by_hand() -> None:
    """A cube of 10 voxels and the same moved by 2 along an axis with 1.5 mm between voxels."""
    a, b = np.zeros((2, 30, 30, 30), bool)
    a[5:15, 5:15, 5:15] = True
    b[7:17, 5:15, 5:15] = True
    found = overlap(a, b, spacing=(1.5, 1.0, 1.0)).values
    assert found["dice"] == pytest.approx(0.8)
    assert found["volume_similarity"] == 1
    assert found["hausdorff"] == pytest.approx(3.0)


def test_concentric_discs_lie_apart_by_the_difference_of_their_radii() -> None:
    y, x = np.mgrid[-200:201, -200:201]
    a, b = (x**2 + y**2 <= radius**2 for radius in (150, 120))
    for mask in ((a, b), (a[None], b[None])):  # a single slice is an outline
        steps = (0.5,) * 2 if mask[0].ndim == 2 else (4.0, 0.5, 0.5)
        found = overlap(*mask, spacing=steps).values
        assert found["hausdorff"] == pytest.approx(15, abs=0.5)
        assert found["average_surface_distance"] == pytest.approx(15, abs=0.3)
        assert found["dice"] == pytest.approx(2 * 120**2 / (150**2 + 120**2), abs=0.002)
        assert found["volume_similarity"] == pytest.approx(1 - (150**2 - 120**2) / (150**2 + 120**2), abs=0.002)


def test_empty_masks_have_reasons() -> None:
    empty = np.zeros_like(blob())
    one = overlap(blob(), empty, spacing=SPACING)
    assert (one.values["dice"], one.values["volume_similarity"]) == (0, 0)
    assert set(one.reasons) == set(MEASURES[2:])
    both = overlap(empty, empty, spacing=SPACING)
    assert set(both.values.values()) == {None}
    assert "both masks are empty" in both.reasons["dice"]
    point = np.ones((1, 1), bool)
    assert overlap(point, point, spacing=(1, 1)).values["hausdorff"] == 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="shape"):
        overlap(blob(), blob()[:5], spacing=SPACING)
    with pytest.raises(InputError, match="spacing"):
        overlap(blob(), blob(), spacing=(1.0, 1.0))


def test_the_command_takes_each_label_in_millimetres(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    affine = np.diag([0.9, 0.7, 3.0, 1.0])
    first = Volume(blob() + 2.0 * (blob(0, 0.5)), affine)  # labels 1 and 3
    second = Volume(blob(3).astype(float), affine)
    paths = [str(write_nifti(volume, tmp_path / f"{n}.nii.gz")) for n, volume in enumerate((first, second))]
    assert main(["overlap", *paths]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["conventions"]["spacing"] == pytest.approx([3.0, 0.7, 0.9])
    one, three = result["labels"]
    expected = overlap(first.array == 1, second.array == 1, spacing=SPACING).values
    assert {name: one[name] for name in MEASURES} == pytest.approx(expected, abs=1e-5)
    assert three["dice"] == 0
    assert three["hausdorff"] is None
    assert "empty" in three["reasons"]["hausdorff"]
    assert main(["overlap", *paths, "--label", "7"]) == 2
    assert "label 7" in capsys.readouterr().err
