"""Arms that are simulated: what a protocol can name, in words and as `processing degrade` and `reconstruct` take it.

A recipe is one step of processing, {"degrade": {"half_nex_fraction": 0.05, "seed": 12}}: the name of the command and
its arguments.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from processing.enhancement.networks.store import SHIPPED
from processing.errors import InputError
from processing.model_identity import DEGRADATION, RECONSTRUCTION

DEGRADE, RECONSTRUCT = "degrade", "reconstruct"
CASCADE = "cascade"  # the method of a reconstruction that needs a network
LARGEST_SEED = 999_999_999
MAKERS = (DEGRADATION, RECONSTRUCTION)  # the names of models that series bear which a recipe made


@dataclass(frozen=True)
class RecipeKind:
    """What an arm can be simulated by. settings: arguments of `command`; strength: the one that people set, as so much
    of `unit`, which is `per` times its value; chance: whether the seed matters."""

    name: str
    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    strength: str = ""
    unit: str = ""
    per: int = 1
    chance: bool = False
    command: str = DEGRADE

    @property
    def label(self) -> str:
        """As it stands in a list to choose from."""
        return f"{self.title}, strength in {self.unit}" if self.unit else self.title

    def fits(self, command: str, settings: Mapping[str, Any]) -> bool:
        """Whether these arguments are of this kind."""
        names = {*self.settings, *filter(None, [self.strength]), "seed"}
        fixed = all(settings.get(name) == value for name, value in self.settings.items())
        return command == self.command and names == set(settings) and fixed


_PERCENT = "% of the 99.9th percentile"
KINDS = {
    kind.name: kind
    for kind in (
        RecipeKind("half_matrix_linear", "half matrix, linear", {"half_matrix": "linear"}),
        RecipeKind("half_matrix_kspace", "half matrix, k-space", {"half_matrix": "kspace"}),
        RecipeKind("half_nex", "half NEX", strength="half_nex_fraction", unit=_PERCENT, per=100, chance=True),
        RecipeKind("half_nex_sigma", "half NEX, sigma", strength="half_nex_sigma", unit="image units", chance=True),
        RecipeKind("gibbs", "Gibbs ringing", strength="gibbs", unit="% of the frequencies cut off", per=100),
        RecipeKind("ghosting", "ghosting", strength="ghosting", unit="% less in every second line", per=100),
        RecipeKind("motion", "motion", strength="motion", unit="mm", chance=True),
        RecipeKind("patches", "line patches", {"patches": True}, chance=True),
        *(RecipeKind(f"thick_{n}", f"thick slices, {n} in one", {"thick": n}) for n in (2, 3, 4)),
        *(RecipeKind(f"undersample_{n}", f"undersampled ×{n}", {"undersample": n}, chance=True) for n in (4, 8)),
        *(
            RecipeKind(
                f"{method}_{n}",
                f"{method.replace('-', ' ')} of 1 line in {n}",
                {"method": method, "undersample": n},
                chance=True,
                command=RECONSTRUCT,
            )
            for method in ("zero-filled", "compressed-sensing", CASCADE)
            for n in (4, 8)
        ),
    )
}


def offered(command: str) -> list[RecipeKind]:
    """The kinds of a command that can be done here: a cascade needs its network."""
    from processing.reconstruction.cascade import DEFAULT_MODEL

    here = (SHIPPED / DEFAULT_MODEL / "identity.json").is_file()
    found = [kind for kind in KINDS.values() if kind.command == command]
    return [kind for kind in found if here or kind.settings.get("method") != CASCADE]


@dataclass(frozen=True)
class Step:
    """A recipe as people set it. strength: None where its kind has none."""

    kind: RecipeKind
    strength: float | None
    seed: int

    def __str__(self) -> str:
        strength = f" {self.strength_in_words} {self.kind.unit}" if self.strength_in_words else ""
        return f"{self.kind.title}{strength}{f', seed {self.seed}' if self.kind.chance else ''}"

    @property
    def strength_in_words(self) -> str:
        """The strength to the last digit that was set; "" where its kind has none."""
        return "" if self.strength is None else f"{self.strength:.15g}"

    @property
    def recipe(self) -> dict:
        """As an arm keeps it. InputError for a strength that is missing or out of its range."""
        settings = {**self.kind.settings, "seed": self.seed if self.kind.chance else 0}
        if self.kind.strength:
            if self.strength is None:
                raise InputError(f"Give the strength of {self.kind.title} in {self.kind.unit}.")
            settings[self.kind.strength] = round(self.strength / self.kind.per, 9)
        if self.kind.command == DEGRADE:
            from processing.simulate.degrade import Degradation

            Degradation(**settings)
        return {self.kind.command: settings}


def step(recipe: dict) -> Step:
    """What people set, of a recipe."""
    ((command, settings),) = recipe.items()
    kind = next(one for one in KINDS.values() if one.fits(command, settings))
    return Step(kind, settings[kind.strength] * kind.per if kind.strength else None, settings["seed"])


def of_case(recipe: dict, case: str, arm: str) -> dict:
    """The recipe for the series of one case in one arm, by their codes. Each has a seed of its own, which follows from
    the arm's, so that no two have the same noise; but arms of one seed leave out the same lines of k-space."""
    ((command, settings),) = recipe.items()
    if step(recipe).kind.chance:
        own = case if "undersample" in settings else f"{case} {arm}"
        digest = hashlib.sha256(f"{settings['seed']} {own}".encode()).hexdigest()
        settings = settings | {"seed": int(digest[:7], 16)}  # nine digits at most, as files tell it
    return {command: settings}


def sha256(recipe: dict) -> str:
    """As it is written beside every series that the recipe makes."""
    from processing.reconstruction.reconstruct import settings_sha256
    from processing.simulate.degrade import Degradation

    ((command, settings),) = recipe.items()
    return Degradation(**settings).identity.sha256 if command == DEGRADE else settings_sha256(**settings)
