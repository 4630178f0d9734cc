"""Paint tissues, given as signed distances, onto a plane in the patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from processing.volume import Array

_LATTICE = 96
# Correlation lengths in mm along x (left), y (posterior) and z (head).
FIELDS = {
    "contour": (9.0, 9.0, 9.0),
    "blotches": (5.0, 5.0, 5.0),
    "grain": (1.3, 1.3, 1.7),
    "fibres": (1.5, 1.8, 11.0),
    "lobules": (4.0, 3.0, 6.0),
    "patches": (16.0, 16.0, 16.0),
}


@lru_cache(maxsize=len(FIELDS))
def _lattice(name: str) -> Array:
    """Periodic Gaussian random field of unit variance, correlation length 3 lattice steps."""
    rng = np.random.default_rng([97, *name.encode()])
    noise = rng.standard_normal((_LATTICE,) * 3, dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, 1.5, mode="wrap")
    return smooth / smooth.std()


def sample_field(name: str, x: Array, y: Array, z: Array, offset: Array) -> Array:
    """Random field `name` at points in mm; `offset` (3,) in lattice steps makes it the subject's own.

    The lattice is turned against the axes, so that its period does not line up in an image.
    """
    steps = [length / 3 for length in FIELDS[name]]
    points = [
        (x + 0.21 * y) / steps[0] + offset[0],
        (y - 0.21 * x) / steps[1] + offset[1],
        (z + 0.13 * y) / steps[2] + offset[2],
    ]
    shape = np.broadcast_shapes(*(p.shape for p in points))
    grid = np.stack([np.broadcast_to(p, shape) for p in points])
    return ndimage.map_coordinates(_lattice(name), grid, order=1, mode="grid-wrap")


def field_on_plane(name: str, x: Array, y: Array, z: Array, offset: Array, shape: tuple[int, int]) -> Array:
    """Random field on a plane of `shape`, whose coordinates broadcast to it; offset as above.

    A field that is smooth against the pixels is drawn on every third pixel and interpolated linearly.
    """
    if min(FIELDS[name]) < 3:
        return sample_field(name, x, y, z, offset)
    coarse = [np.append(np.arange(0, n - 1, 3), n - 1) for n in shape]

    def thin(values: Array) -> Array:
        rows, columns = (coarse[k] if values.shape[k] > 1 else np.zeros(1, int) for k in (0, 1))
        return values[np.ix_(rows, columns)]

    field = sample_field(name, thin(x), thin(y), thin(z), offset)
    weights = [_interpolation(n) for n in shape]
    return weights[0] @ field @ weights[1].T


@lru_cache(maxsize=8)
def _interpolation(size: int) -> Array:
    """Matrix that interpolates values at every third of `size` points, and the last, to all of them."""
    known = np.append(np.arange(0, size - 1, 3), size - 1)
    identity = np.eye(len(known))
    columns = [np.interp(np.arange(size), known, column) for column in identity]
    return np.stack(columns, axis=1).astype(np.float32)


@dataclass
class Canvas:
    """A plane, or a window of it, while tissues are painted onto it, back to front.

    x, y, z: patient coordinates (LPS, mm) of the pixels, shapes that broadcast to the plane's: (1, columns),
    (rows, 1) or (1, 1). image: signal, changed in place. fields: random fields on the plane. pixel: mm.
    signals: signal per tissue.
    """

    x: Array
    y: Array
    z: Array
    image: Array
    fields: Mapping[str, Array]
    pixel: float
    signals: Mapping[str, float]

    def window(
        self,
        x: tuple[float, float] = (-1e9, 1e9),
        y: tuple[float, float] = (-1e9, 1e9),
        z: tuple[float, float] = (-1e9, 1e9),
    ) -> Canvas | None:
        """The part of the plane within the box, sharing its memory; None where there is none."""
        rows, columns = np.ones((self.image.shape[0], 1), bool), np.ones((1, self.image.shape[1]), bool)
        for values, (low, high) in ((self.x, x), (self.y, y), (self.z, z)):
            inside = (values >= low) & (values <= high)
            if inside.shape[0] > 1:
                rows &= inside
            elif inside.shape[1] > 1:
                columns &= inside
            elif not inside.all():
                return None
        row, column = np.flatnonzero(rows), np.flatnonzero(columns)
        if not row.size or not column.size:
            return None
        part = (slice(row[0], row[-1] + 1), slice(column[0], column[-1] + 1))

        def cut(values: Array) -> Array:
            rows, columns = (part[axis] if values.shape[axis] > 1 else slice(None) for axis in (0, 1))
            return values[rows, columns]

        fields = {name: field[part] for name, field in self.fields.items()}
        return Canvas(cut(self.x), cut(self.y), cut(self.z), self.image[part], fields, self.pixel, self.signals)

    def paint(self, distance: Array, tissue: str | Array | float, *, rough: float = 0.4, soft: float = 0.0) -> None:
        """Cover what lies at negative signed `distance` (mm) with a tissue or a signal.

        rough: amplitude in mm of the natural unevenness of the border; soft: width in mm of a gradual
        border; a sharp one is as wide as a pixel, which is its partial volume.
        """
        value = self.signals[tissue] if isinstance(tissue, str) else tissue
        width = max(self.pixel, soft)
        cover: Array = distance * np.float32(-1 / width)
        if rough:
            cover = cover - np.float32(rough / width) * self.fields["contour"]
        cover = np.clip(cover + np.float32(0.5), 0, 1)
        if cover.any():
            self.image += cover * (value - self.image)

    def sheet(
        self, distance: Array, thickness: float, tissue: str | Array | float, *, within: Array, rough: float = 0.4
    ) -> None:
        """Paint the part of the surface `distance` = 0 that lies at negative `within`, `thickness` mm thick.

        The surface is uneven by `rough` mm, its thickness is not.
        """
        bent = np.abs(distance + rough * self.fields["contour"]) - thickness / 2
        self.paint(np.maximum(bent, within), tissue, rough=0.0)


def ellipse(u: Array, v: Array, a: Array | float, b: Array | float) -> Array:
    """Signed distance, near the border, to an ellipse of half axes a and b."""
    return (np.sqrt((u / a) ** 2 + (v / b) ** 2) - 1) * np.minimum(a, b)


def ellipsoid(u: Array, v: Array, w: Array, a: float, b: float, c: float) -> Array:
    """Signed distance, near the border, to an ellipsoid of half axes a, b and c."""
    return (np.sqrt((u / a) ** 2 + (v / b) ** 2 + (w / c) ** 2) - 1) * min(a, b, c)


def capsule(
    u: Array, v: Array, w: Array, start: tuple[float, float, float], end: tuple[float, float, float], r: float
) -> Array:
    """Signed distance to a rod of radius r with round ends."""
    axis = np.subtract(end, start)
    du, dv, dw = u - start[0], v - start[1], w - start[2]
    t = np.clip((du * axis[0] + dv * axis[1] + dw * axis[2]) / float(axis @ axis), 0, 1)
    return np.sqrt((du - t * axis[0]) ** 2 + (dv - t * axis[1]) ** 2 + (dw - t * axis[2]) ** 2) - r


def smooth_max(a: Array, b: Array, radius: float) -> Array:
    """Intersection of two distances with an edge rounded over `radius`."""
    h = np.clip(0.5 + 0.5 * (a - b) / radius, 0, 1)
    return b + (a - b) * h + radius * h * (1 - h)
