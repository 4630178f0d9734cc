"""Reference values from R (see reference/make_reference.R) and a made-up reader study."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import tables

FOLDER = Path(__file__).parent / "reference"


@pytest.fixture(scope="session")
def r() -> dict[str, float]:
    """Values that R computed, by name."""
    frame = pd.read_csv(FOLDER / "reference.csv")
    return dict(zip(frame["name"], frame["value"], strict=True))


@pytest.fixture(scope="session")
def scores() -> pd.DataFrame:
    """60 cases of 25 subjects rated by r1, r2, r3: the input of R's values."""
    return pd.read_csv(FOLDER / "scores.csv")


@pytest.fixture(scope="session")
def two_samples() -> pd.DataFrame:
    """Columns a and b, 40 paired numbers: the input of R's values."""
    return pd.read_csv(FOLDER / "two_samples.csv")


@pytest.fixture(scope="session")
def study() -> pd.DataFrame:
    """A full ratings table: 12 subjects, 20 cases, 3 readers, 3 comparisons, 3 criteria, repeats and training."""
    return made_up_study()


def made_up_study(*, subjects: int = 12, cases: int = 20, readers: int = 3, seed: int = 3) -> pd.DataFrame:
    """Ratings of simulated readers: FAST-DL and SOC beat FAST at snr, all else is nearly neutral."""
    random = np.random.default_rng(seed)
    owner = np.concatenate([np.arange(subjects), random.integers(0, subjects, cases - subjects)])
    taste = random.normal(0, 0.3, subjects)
    comparisons = (("SOC", "FAST", 0.7), ("FAST-DL", "SOC", 0.3), ("FAST-DL", "FAST", 0.9))
    rows = []
    for reader in range(1, readers + 1):
        planned = [(case, pair, "main") for case in range(cases) for pair in comparisons]
        planned += [(0, comparisons[0], "training")] + [(case, comparisons[0], "repeat") for case in range(4)]
        sides: dict[tuple, str] = {}
        for position, (case, (first, second, effect), kind) in enumerate(planned, start=1):
            side = str(random.choice(["left", "right"]))
            if kind == "repeat":
                side = "left" if sides[case, first] == "right" else "right"
            elif kind == "main":
                sides[case, first] = side
            seconds = round(float(20 + random.exponential(10)), 1)
            for criterion, weight in (("snr", 1.0), ("artifacts", 0.3), ("disc", 0.0)):
                latent = weight * (effect + taste[owner[case]]) + random.normal(0, 0.5 if weight else 0.2)
                preference = int(np.clip(round(3 + latent), 1, 5))
                rows.append(
                    {
                        "study": "demo",
                        "site": "A",
                        "subject": f"S{owner[case]:02d}",
                        "case": f"C{case:03d}",
                        "region": "lumbar",
                        "plane": "sagittal",
                        "weighting": "T2",
                        "scanner": "Maker Model",
                        "field_strength": 1.5,
                        "reader": f"R{reader}",
                        "presentation": f"R{reader}-{position:04d}",
                        "position": position,
                        "part": 1,
                        "kind": kind,
                        "repeat_of": "",
                        "comparison": f"{first} vs {second}",
                        "first": first,
                        "second": second,
                        "first_side": side,
                        "criterion": criterion,
                        "score": preference if side == "right" else 6 - preference,
                        "status": "rated",
                        "revision": 1,
                        "seconds": seconds,
                        "confirmed_at": "2026-11-20T10:00:00Z",
                        "rated_at": "2026-11-20T09:59:00Z",
                    }
                )
    return pd.DataFrame(rows)[tables.column_names("ratings")]
