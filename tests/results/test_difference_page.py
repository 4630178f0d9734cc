"""The page of differences: a volume of interest lies where the patient has it, however the series is stored."""

import numpy as np
import pytest
from django.http import QueryDict

from processing.masks import Mask, write_mask
from processing.pictures.difference_map import slice_pair
from processing.volume import Volume
from readerstudy.archive.store import put_file
from readerstudy.images.difference import choose
from readerstudy.material import volumes
from readerstudy.material.models import VolumeOfInterest
from readerstudy.protocol.services import create_study
from tests import factories

pytestmark = pytest.mark.django_db
# Of a sagittal series in the order of the file: as it is looked at, mirrored in each direction, axes exchanged.
STORED = {
    "as looked at": [[0, 0, 4], [1, 0, 0], [0, -1, 0]],
    "mirrored": [[0, 0, -4], [-1, 0, 0], [0, 1, 0]],
    "upside down": [[0, 0, 4], [1, 0, 0], [0, 1, 0]],
    "rows along the body": [[0, 0, 4], [0, 1, 0], [-1, 0, 0]],
    "slices along the first index": [[4, 0, 0], [0, 1, 0], [0, 0, -1]],
}


@pytest.mark.parametrize("order", STORED)
def test_a_volume_of_interest_covers_what_it_was_drawn_on(order, tmp_path):
    study = create_study(title="Where", user=factories.make_user(staff=True), model_name="m")
    affine = np.eye(4)
    affine[:3, :3] = np.array(STORED[order], float)
    array = np.full((12, 40, 30), 100.0)
    array[2, 5:9, 20:27] = 900
    for arm in ("SOC", "FAST"):
        factories.place_pixels(study, arm, Volume(array + (arm == "FAST"), affine))
    series = study.series.get(arm__code="SOC")
    mask = Mask("", 1, array > 500, np.array(series.affine))
    voi = VolumeOfInterest.objects.create(
        study=study,
        case=series.case,
        drawn_on=series,
        name="L4",
        sha256=put_file(write_mask(mask, tmp_path / "mask.nii.gz"))[0],
        voxels=mask.voxels,
        millilitres=mask.millilitres,
    )
    seen = 0
    for place in range(1, volumes.slices_of(series) + 1):
        choice = choose(series.case, QueryDict(f"voi={voi.pk}&slice={place}"))
        loaded = volumes.load_cached(series)
        pair = slice_pair(loaded, loaded, place - 1, voi=choice.inside())
        assert ((pair.reference > 500) == pair.voi).all()
        seen += int(pair.voi.sum())
    assert seen == mask.voxels
    first = choose(series.case, QueryDict(f"voi={voi.pk}"))
    bright = (volumes.load_cached(series).array > 500).sum(axis=(1, 2))
    assert bright[first.slice - 1] == bright.max()
