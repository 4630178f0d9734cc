"""The pictures of faults that readers are shown are those that the phantom gives."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from processing.simulate.faults import SIZE, write_examples

SHOWN = Path(__file__).parents[2] / "static" / "briefing"
LARGEST = 300_000  # bytes of all of them: they come before the first pair, and lie under every one


def grey(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"), float)


def strange(shown: Path, made: list[Path]) -> list[str]:
    """Names of pictures that are not there as they are computed."""
    there = [path.name for path in sorted(shown.glob("*.png"))]
    wrong = [one.name for one in made if one.name in there and np.abs(grey(one) - grey(shown / one.name)).mean() > 2]
    return sorted(wrong + sorted({one.name for one in made} ^ set(there)))


@pytest.mark.slow
def test_the_pictures_are_those_of_the_phantom_and_their_fault_is_plain(tmp_path):
    made = write_examples(tmp_path / "made")
    assert strange(SHOWN, made) == []
    for sound, fault in zip(made[::2], made[1::2], strict=True):
        assert grey(sound).shape == SIZE
        differs = np.abs(grey(sound) - grey(fault)) > 25
        assert 0.02 < differs.mean() < 0.5, fault.name
    assert sum(path.stat().st_size for path in SHOWN.iterdir()) < LARGEST

    planted = tmp_path / "planted"
    shutil.copytree(SHOWN, planted)
    shutil.copy(planted / "loss-sound.png", planted / "loss-fault.png")
    (planted / "creation-fault.png").unlink()
    assert strange(planted, made) == ["creation-fault.png", "loss-fault.png"]
