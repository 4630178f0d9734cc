"""The anatomy of one synthetic subject: a chain of vertebrae and discs, and what varies between people."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from processing.errors import InputError
from processing.volume import Array

# Height, depth (front to back) and width in mm of vertebral bodies, height of the disc below, forward tilt in
# degrees of the upward axis (lying), wedge in mm (front minus back height): order of magnitude of adults
# after Panjabi et al. 1991 and 1992. Top to bottom.
_LUMBAR: dict[str, tuple[float, ...]] = {
    "T9": (21.5, 28, 30, 4.5, -6, -0.5),
    "T10": (22.5, 29, 32, 5, -9, -0.5),
    "T11": (23.5, 30, 35, 5.5, -11, -1),
    "T12": (25, 31, 39, 6.5, -12, -1),
    "L1": (26, 32, 42, 8, -11, -1),
    "L2": (27, 33, 44, 9.5, -7, 0),
    "L3": (27, 34, 46, 10.5, 0, 1),
    "L4": (27, 34.5, 48, 11.5, 9, 2),
    "L5": (27, 35, 50, 10.5, 22, 4),
    "S1": (27, 31, 50, 3.5, 40, 3),
    "S2": (23, 22, 40, 2, 50, 1),
    "S3": (19, 16, 32, 1.5, 50, 0),
    "S4": (16, 12, 26, 1.2, 40, 0),
    "S5": (14, 9, 20, 1, 20, 0),
}
_CERVICAL: dict[str, tuple[float, ...]] = {
    "C2": (19, 15.5, 19, 4.6, -6, 0),
    "C3": (13.8, 15.5, 20, 4.8, -4, 0),
    "C4": (13.3, 15.5, 21, 5.0, 1, 0),
    "C5": (12.8, 16, 22, 5.2, 7, 0),
    "C6": (12.8, 16.5, 24, 5.3, 13, 0),
    "C7": (14.2, 16.5, 27, 5.0, 20, 0),
    "T1": (16, 17, 28, 4.2, 24, 0),
    "T2": (17.3, 18, 28, 4.0, 23, -0.5),
    "T3": (18.2, 19.5, 27, 4.0, 19, -1),
    "T4": (18.8, 21, 26, 4.0, 14, -1),
    "T5": (19.3, 22, 26, 4.2, 9, -1),
}
_CENTRE = {"lumbar": "L3", "cervical": "C5"}


@dataclass(frozen=True)
class Disc:
    """The disc below a vertebra.

    wear: 0 (young) to 1 (black, narrow); bulge: mm beyond the bodies; hernia: mm into the canal, 0 for none,
    at hernia_x mm to the left; fissure: a bright cleft at the back.
    """

    height: float
    wear: float
    bulge: float
    hernia: float
    hernia_x: float
    fissure: bool


@dataclass(frozen=True)
class Level:
    """One vertebra: half width a, half depth b and half height h of the body in mm, wedge in mm.

    centre: of the body, LPS in mm; angle: forward tilt of its upward axis in radians. marrow: relative fat
    of the marrow; modic: 0 none, 1 oedema, 2 fat at the lower endplate; lesion: centre (u, v, w) and radius of
    a haemangioma; schmorl: depth in mm of a node in the upper endplate; osteophyte: mm.
    """

    name: str
    centre: tuple[float, float, float]
    angle: float
    a: float
    b: float
    h: float
    wedge: float
    disc: Disc
    marrow: float
    modic: int
    lesion: tuple[float, float, float, float] | None
    schmorl: float
    osteophyte: float

    def local(self, x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
        """Coordinates in the vertebra's frame: u to the left, v to the back, w along its axis."""
        dy, dz = y - self.centre[1], z - self.centre[2]
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return x - self.centre[0], dy * cos + dz * sin, dz * cos - dy * sin

    def place(self, u: float, v: float, w: float) -> Array:
        """Patient coordinates of a point of the vertebra's frame."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.add(self.centre, (u, v * cos - w * sin, v * sin + w * cos))


@dataclass(frozen=True)
class SpineCurves:
    """Quantities along the spine, tabulated over z (mm): x of the midline, y of the back wall of the bodies,
    forward tilt (radians), y of the tips of the spinous processes."""

    z: Array
    x: Array
    wall: Array
    tilt: Array
    tips: Array

    def at(self, table: Array, z: Array) -> Array:
        """Interpolate one of the tables at z; keeps shape and precision."""
        return np.interp(z, self.z, table).astype(z.dtype)


@dataclass(frozen=True)
class Anatomy:
    """A synthetic subject. region: lumbar or cervical; age in years; sex F or M; fat: thickness in mm of the
    subcutaneous fat at the back; muscle_fat: share of fat in the muscles of the back; marrow_fat: in marrow;
    conus: z in mm of the tip of the cord; offset: place in the random fields."""

    seed: int
    region: str
    age: int
    sex: str
    levels: tuple[Level, ...]
    curves: SpineCurves
    fat: float
    muscle_fat: float
    marrow_fat: float
    conus: float
    offset: Array = field(repr=False)

    def level(self, name: str) -> Level:
        """The vertebra called `name`."""
        return next(level for level in self.levels if level.name == name)


def make_subject(seed: int, region: str = "lumbar") -> Anatomy:
    """Draw a subject; the same seed and region give the same one.

    region: "lumbar" or "cervical". Raises InputError for another.
    """
    if region not in _CENTRE:
        raise InputError(f"The phantom has a lumbar and a cervical spine, not “{region}”.")
    rng = np.random.default_rng([20211130, seed, sorted(_CENTRE).index(region)])
    age, sex = int(rng.integers(24, 79)), str(rng.choice(["F", "M"]))
    levels = _chain(rng, _LUMBAR if region == "lumbar" else _CERVICAL, _CENTRE[region], age, sex)
    curves = _curves(levels, region)
    anatomy = {level.name: level for level in levels}
    if region == "lumbar":
        tip = anatomy["L1"].centre[2] + rng.uniform(-24, 8)
    else:
        tip = -1e6
    return Anatomy(
        seed=seed,
        region=region,
        age=age,
        sex=sex,
        levels=levels,
        curves=curves,
        fat=float(rng.gamma(6, 2.6) + 5) * (1.0 if region == "lumbar" else 0.5),
        muscle_fat=float(np.clip(0.03 + 0.003 * (age - 25) + rng.normal(0, 0.04), 0.02, 0.3)),
        marrow_fat=float(np.clip(0.28 + 0.0045 * (age - 25) + rng.normal(0, 0.05), 0.22, 0.65)),
        conus=float(tip),
        offset=rng.uniform(0, 96, 3),
    )


def _chain(
    rng: np.random.Generator, table: dict[str, tuple[float, ...]], middle: str, age: int, sex: str
) -> tuple[Level, ...]:
    size = (0.96 if sex == "F" else 1.04) * rng.normal(1, 0.025)
    curvature, sway = rng.uniform(0.65, 1.15), rng.normal(0, 1.5)
    names = list(table)
    worn = np.clip(rng.normal((age - 30) / 75, 0.18, len(names)), 0, 1)
    worst = rng.choice(
        [n for n in names if n in ("L3", "L4", "L5", "C4", "C5", "C6")], size=1 + (age > 45), replace=False
    )
    shape = []
    for index, name in enumerate(names):
        height, depth, width, gap, tilt, wedge = table[name]
        wear = float(np.clip(worn[index] + (0.35 if name in worst else 0), 0, 1))
        if name.startswith("S"):
            wear = 0.6
        space = float(gap * size * (1 - 0.45 * wear**2) * rng.normal(1, 0.04))
        shape.append((height * size * rng.normal(1, 0.02), depth * size, width * size, space, tilt, wedge, wear))
    angles = [float(np.radians(curvature * row[4] + rng.normal(0, 1.2))) for row in shape]
    axes = [np.array([0.0, -np.sin(angle), np.cos(angle)]) for angle in angles]
    centres = [np.zeros(3)]
    for i in range(1, len(names)):  # downwards
        upper = axes[i - 1] * (shape[i - 1][0] + shape[i - 1][3]) / 2
        lower = axes[i] * (shape[i][0] + shape[i - 1][3]) / 2
        centres.append(centres[-1] - upper - lower)
    origin = centres[names.index(middle)]
    phase = rng.uniform(0, 2 * np.pi)
    levels = []
    for name, centre, angle, row in zip(names, centres, angles, shape, strict=True):
        height, depth, width, space, _, wedge, wear = row
        bad = name in worst and not name.startswith("S")
        small = 0.45 if name[0] == "C" else 1.0
        y, z = (centre - origin)[1:]
        disc = Disc(
            height=space,
            wear=wear,
            bulge=small * max(0.0, rng.normal(3.2 * wear - 0.4, 0.5)),
            hernia=small * rng.uniform(4, 8) if bad and rng.random() < 0.75 else 0.0,
            hernia_x=small * rng.normal(0, 5),
            fissure=bool(bad and rng.random() < 0.5),
        )
        lesion = None
        if name[0] in "LT" and rng.random() < 0.12:
            lesion = (rng.normal(0, 6), rng.normal(-3, 4), rng.normal(0, 3), rng.uniform(4, 8.5))
        modic = int(rng.choice([0, 1, 2], p=[0.35, 0.3, 0.35])) if bad and wear > 0.5 else 0
        levels.append(
            Level(
                name=name,
                centre=(float(sway * np.sin(z / 90 + phase)), float(y), float(z)),
                angle=float(angle),
                a=width / 2,
                b=depth / 2,
                h=height / 2,
                wedge=wedge,
                disc=disc,
                marrow=float(rng.normal(1, 0.06)),
                modic=modic,
                lesion=lesion,
                schmorl=rng.uniform(2.5, 4.5) if name[0] in "LT" and rng.random() < 0.1 else 0.0,
                osteophyte=small * max(0.0, rng.normal(4.5 * (wear - 0.45), 0.7)) * (name[0] != "S"),
            )
        )
    return tuple(levels)


def _curves(levels: tuple[Level, ...], region: str) -> SpineCurves:
    walls = np.array([level.place(0, level.b, f * level.h) for level in levels for f in (-0.9, 0, 0.9)])
    walls = walls[np.argsort(walls[:, 2])]
    # Beyond the chain the ends go on straight.
    z = np.arange(walls[0, 2] - 60, walls[-1, 2] + 120, 0.5)
    wall = _extended(z, walls[:, 2], walls[:, 1])
    wall = ndimage.gaussian_filter1d(wall, 8, mode="nearest")
    middle = np.array([level.centre for level in levels])[::-1]
    x = ndimage.gaussian_filter1d(np.interp(z, middle[:, 2], middle[:, 0]), 20, mode="nearest")
    tilt = -np.arctan(ndimage.gaussian_filter1d(np.gradient(wall, z), 10, mode="nearest"))
    behind = {"lumbar": 56.0, "cervical": 42.0}[region]
    tips = ndimage.gaussian_filter1d(wall, 40, mode="nearest") + behind
    return SpineCurves(z, x, wall, tilt, tips)


def _extended(z: Array, known: Array, values: Array) -> Array:
    """Linear interpolation that continues with the slope of the outermost points."""
    out = np.interp(z, known, values)
    count = max(3, len(known) // 8)
    below, above = z < known[0], z > known[-1]
    out[below] = values[0] + np.polyfit(known[:count], values[:count], 1)[0] * (z[below] - known[0])
    out[above] = values[-1] + np.polyfit(known[-count:], values[-count:], 1)[0] * (z[above] - known[-1])
    return out
