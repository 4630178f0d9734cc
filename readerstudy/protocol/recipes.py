"""Arms that are simulated: the degradations a protocol can name, in words and as `processing degrade` takes them.

A recipe is one step of processing, {"degrade": {"half_nex_fraction": 0.05, "seed": 12}}: the name of the command and
its arguments.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from processing.errors import InputError
from processing.simulate.degrade import Degradation

DEGRADE = "degrade"
LARGEST_SEED = 999_999_999


@dataclass(frozen=True)
class DegradationKind:
    """What an arm can be degraded by. setting: of `Degradation`; value: which it gets, None where that is the strength
    over `per`; unit: of the strength; chance: whether the seed matters."""

    name: str
    title: str
    setting: str
    value: object = None
    unit: str = ""
    per: int = 1
    chance: bool = False

    @property
    def label(self) -> str:
        """As it stands in a list to choose from."""
        return f"{self.title}, strength in {self.unit}" if self.unit else self.title


KINDS = {
    kind.name: kind
    for kind in (
        DegradationKind("half_matrix_linear", "half matrix, linear", "half_matrix", "linear"),
        DegradationKind("half_matrix_kspace", "half matrix, k-space", "half_matrix", "kspace"),
        DegradationKind(
            "half_nex",
            "half NEX",
            "half_nex_fraction",
            unit="% of the 99.9th percentile",
            per=100,
            chance=True,
        ),
        DegradationKind("half_nex_sigma", "half NEX, sigma", "half_nex_sigma", unit="image units", chance=True),
        DegradationKind("gibbs", "Gibbs ringing", "gibbs", unit="% of the frequencies cut off", per=100),
        DegradationKind("ghosting", "ghosting", "ghosting", unit="% less in every second line", per=100),
        DegradationKind("motion", "motion", "motion", unit="mm", chance=True),
        DegradationKind("patches", "line patches", "patches", True, chance=True),
        DegradationKind("undersample_4", "undersampled ×4", "undersample", 4, chance=True),
        DegradationKind("undersample_8", "undersampled ×8", "undersample", 8, chance=True),
    )
}


@dataclass(frozen=True)
class Step:
    """A recipe as people set it. strength: None where its kind has none."""

    kind: DegradationKind
    strength: float | None
    seed: int

    def __str__(self) -> str:
        strength = "" if self.strength is None else f" {self.strength:g} {self.kind.unit}"
        return f"{self.kind.title}{strength}{f', seed {self.seed}' if self.kind.chance else ''}"

    @property
    def recipe(self) -> dict:
        """As an arm keeps it. InputError for a strength that is missing or out of its range."""
        value = self.kind.value
        if value is None:
            if self.strength is None:
                raise InputError(f"Give the strength of {self.kind.title} in {self.kind.unit}.")
            value = round(self.strength / self.kind.per, 9)
        settings: dict[str, Any] = {self.kind.setting: value, "seed": self.seed if self.kind.chance else 0}
        Degradation(**settings)
        return {DEGRADE: settings}


def step(recipe: dict) -> Step:
    """What people set, of a recipe."""
    settings = recipe[DEGRADE]
    kind = next(
        one for one in KINDS.values() if one.value in (None, settings.get(one.setting)) and one.setting in settings
    )
    strength = None if kind.value is not None else settings[kind.setting] * kind.per
    return Step(kind, strength, settings["seed"])


def degradation(recipe: dict, case: str) -> Degradation:
    """What is done to the series of one case, by its code. Each case has a seed of its own, which follows from the
    arm's, so that no two have the same noise."""
    settings = recipe[DEGRADE]
    if step(recipe).kind.chance:
        digest = hashlib.sha256(f"{settings['seed']} {case}".encode()).hexdigest()
        settings = settings | {"seed": int(digest[:7], 16)}  # nine digits at most, as files tell it
    return Degradation(**settings)
