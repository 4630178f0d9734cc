"""Simulate fast scans and artefacts on magnitude series."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage

from processing.errors import InputError
from processing.model_identity import DEGRADATION, SIMULATED, ModelIdentity
from processing.noise import add_complex_noise
from processing.simulate.kspace import CENTRE, sampled_lines
from processing.simulate.thickness import THICKEST, thicken
from processing.volume import Array, Volume

_NO_STEPS = ("seed", "ghosting_lines", "ghosting_phase")


@dataclass(frozen=True)
class Degradation:
    """What is to be done, in the order of the parameters; None or False leaves a step out.

    Parameters
    ----------
    patches : bool, default False
        One bright bar per slice, of random place, length, thickness up to an eighth of the rows (soft edges included),
        and opacity, never brighter than the slice (Lorente 2021).
    motion : float, optional
        Largest displacement in mm; the subject sways up and down while the lines of k-space are read one after the
        other, at rest while the middle is.
    ghosting : float, optional
        Above 0 to 1; every second line of k-space is multiplied by 1 − ghosting, which lays a copy of ghosting / 2 of
        the signal half a field of view away (Lorente 2021).
    ghosting_lines : {"odd", "even"}, optional
        Which lines, "odd" by default; "even" holds the middle of k-space: the copy is then negative.
    ghosting_phase : float, optional
        In degrees, −180 to 180: by how much the phase of those lines is wrong besides, as where odd and even echoes do
        not match; a magnitude image then no longer tells what the copy was added to.
    undersample : {4, 8}, optional
        Random lines and the middle of k-space are kept as in fastMRI (Zbontar et al. 2018), the same in all slices, the
        rest is zero.
    gibbs : float, optional
        Above 0 to 0.95; share of the highest frequencies that is cut off sharply in both directions.
    half_matrix : {"linear", "kspace"}, optional
        To half the rows and columns: "linear" and back, both bilinearly (Moummad et al. 2022); "kspace": the middle
        half of the lines of k-space in both directions, zero-filled.
    half_nex_sigma : float, optional
        Standard deviation in image units of Gaussian noise added to the real and the imaginary channel before the
        magnitude is taken. Image units depend on the scanner: Moummad et al. (2022) print no level, and in their
        workbook noise adds the variance of an SD of 25 (median of 40 lesions), 4.8 % of the lesion's mean.
    half_nex_fraction : float, optional
        The same as a share of the volume's 99.9th percentile, above 0 to 1.
    thick : int, optional
        2 to 8; before all else, each slice becomes the mean of so many neighbours without gap or overlap, a rectangular
        slice profile; there are fewer slices then, and each is thicker.
    seed : int, default 0
        Of everything random; each step has its own stream.

    Raises
    ------
    InputError
        If no step is named, or a value lies outside its range.

    Notes
    -----
    Phase encoding is taken to run along the rows' axis (up and down in the image) throughout.

    References
    ----------
    Lorente 2021; Moummad et al. 2022; Zbontar et al. 2018.

    Examples
    --------
    >>> from processing.simulate.degrade import Degradation
    >>> Degradation(half_matrix="kspace", half_nex_fraction=0.02).identity.description
    'Simulated, not acquired: half matrix kspace, half nex fraction 0.02, seed 0.'
    """

    patches: bool = False
    motion: float | None = None
    ghosting: float | None = None
    ghosting_lines: str | None = None
    ghosting_phase: float | None = None
    undersample: int | None = None
    gibbs: float | None = None
    half_matrix: str | None = None
    half_nex_sigma: float | None = None
    half_nex_fraction: float | None = None
    thick: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        steps = {name: value for name, value in asdict(self).items() if name not in _NO_STEPS}
        if not any(value is not None and value is not False for value in steps.values()):
            raise InputError("Name at least one degradation.")
        if self.half_matrix not in (None, "linear", "kspace"):
            raise InputError("The half matrix is made by “linear” or “kspace”.")
        if self.ghosting_lines not in (None, "odd", "even") or (self.ghosting_lines and self.ghosting is None):
            raise InputError("Ghosting scales the “odd” or the “even” lines of k-space.")
        if self.ghosting_phase is not None and (self.ghosting is None or not -180 <= self.ghosting_phase <= 180):
            raise InputError("The phase of ghosting lies between −180 and 180 degrees and needs ghosting.")
        if self.half_nex_sigma is not None and self.half_nex_fraction is not None:
            raise InputError("Give the noise in image units or as a fraction, not both.")
        if self.undersample not in (None, *CENTRE):
            raise InputError("Undersampling is 4 or 8.")
        if self.thick is not None and not 2 <= self.thick <= THICKEST:
            raise InputError(f"A thick slice is the mean of 2 to {THICKEST} slices.")
        for name, largest in (("ghosting", 1.0), ("gibbs", 0.95), ("half_nex_fraction", 1.0)):
            if steps[name] is not None and not 0 < steps[name] <= largest:
                raise InputError(f"The value of {name} must lie above 0 and not above {largest:g}.")
        for name in ("motion", "half_nex_sigma"):
            if steps[name] is not None and not 0 < steps[name] < float("inf"):
                raise InputError(f"The value of {name} must be above 0.")

    @property
    def identity(self) -> ModelIdentity:
        """What to write into derived images: name, settings in words, SHA-256 of the settings."""
        used = {k: v for k, v in asdict(self).items() if v is not None and v is not False}
        text = json.dumps(used, sort_keys=True)
        words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in used.items())
        return ModelIdentity(
            name=DEGRADATION,
            version="1",
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            precision="float32",
            description=f"{SIMULATED} {words}.",
        )


def degrade(volume: Volume, degradation: Degradation, *, progress: Callable[[int, int], None] | None = None) -> Volume:
    """Apply a degradation slice by slice.

    Parameters
    ----------
    volume : Volume
        A magnitude series.
    degradation : Degradation
        What is to be done.
    progress : callable, optional
        Called with slices done and in all.

    Returns
    -------
    Volume
        Same shape, place and units, unless slices were made thick; the same arguments give the same volume.

    Raises
    ------
    InputError
        If negative values go beyond 15 % of the largest value.

    Notes
    -----
    Negative values, which a magnitude has not but a scanner's interpolation leaves, count as 0.

    Examples
    --------
    Ghosting of one half lays a quarter of a point half a field of view away.

    >>> import numpy as np
    >>> from processing.simulate.degrade import Degradation, degrade
    >>> from processing.volume import Volume
    >>> array = np.zeros((1, 16, 16))
    >>> array[0, 8, 8] = 100
    >>> found = degrade(Volume(array, np.eye(4)), Degradation(ghosting=0.5)).array[0, :, 8]
    >>> round(float(found[8])), round(float(found[0]))
    (75, 25)
    """
    volume.require_magnitude()
    if degradation.thick is not None:
        volume = thicken(volume, degradation.thick)
    array = np.maximum(volume.array, 0)
    sigma = degradation.half_nex_sigma or 0.0
    if degradation.half_nex_fraction is not None:
        sigma = degradation.half_nex_fraction * float(np.percentile(np.maximum(volume.measured, 0), 99.9))
    rows = array.shape[1]
    lines = None
    if degradation.undersample:
        lines = sampled_lines(rows, degradation.undersample, np.random.default_rng([degradation.seed, 1]))
    out = np.empty_like(array)
    for index, slice_ in enumerate(array):
        if degradation.patches:
            slice_ = slice_ + _bar(slice_, _random(degradation, "patches", index))
        if degradation.motion is not None:
            slice_ = _move(slice_, degradation.motion / volume.spacing[1], _random(degradation, "motion", index))
        if degradation.ghosting is not None:
            slice_ = _filtered(slice_, ghost_weights(rows, degradation)[:, None])
        if lines is not None:
            slice_ = _filtered(slice_, lines[:, None])
        if degradation.gibbs is not None:
            slice_ = _filtered(slice_, _low_pass(slice_.shape, 1 - degradation.gibbs))
        if degradation.half_matrix == "kspace":
            slice_ = _filtered(slice_, _middle_half(slice_.shape))
        elif degradation.half_matrix == "linear":
            slice_ = _coarsened(slice_)
        if sigma:
            slice_, _ = add_complex_noise(slice_, sigma, _random(degradation, "half nex", index))
        out[index] = slice_
        if progress is not None:
            progress(index + 1, len(out))
    return volume.with_array(out)


def ghost_weights(rows: int, degradation: Degradation) -> Array:
    """What ghosting multiplies each line of k-space by.

    Parameters
    ----------
    rows : int
        Number of lines.
    degradation : Degradation
        With ghosting.

    Returns
    -------
    ndarray of complex128, shape (rows,)
        Zero frequency first.

    Examples
    --------
    >>> from processing.simulate.degrade import Degradation, ghost_weights
    >>> ghost_weights(4, Degradation(ghosting=0.25)).real
    array([1.  , 0.75, 1.  , 0.75])
    """
    line = np.fft.ifftshift(np.arange(rows) - rows // 2)  # 0 is the middle of k-space
    scaled = line % 2 == (0 if degradation.ghosting_lines == "even" else 1)
    turned = np.exp(1j * np.deg2rad(degradation.ghosting_phase or 0.0))
    return np.where(scaled, (1 - (degradation.ghosting or 0.0)) * turned, 1.0)


def _random(degradation: Degradation, step: str, index: int) -> np.random.Generator:
    return np.random.default_rng([degradation.seed, index, *step.encode()])


def _filtered(slice_: Array, weights: Array) -> Array:
    """Magnitude after k-space, zero frequency first, is multiplied by `weights`."""
    return np.abs(np.fft.ifft2(np.fft.fft2(slice_) * weights)).astype(np.float32)


def _low_pass(shape: tuple[int, ...], keep: float) -> Array:
    """Ones for the lower share `keep` of the frequencies in both directions, else zeros."""
    rows, columns = (np.abs(np.fft.fftfreq(n)) <= keep / 2 for n in shape)
    return np.outer(rows, columns)


def _middle_half(shape: tuple[int, ...]) -> Array:
    """Ones for the middle half of the lines in both directions, from −n/4 to n/4 − 1, else zeros."""
    rows, columns = (np.arange(n) - n // 2 for n in shape)
    kept = [(k >= -(k.size // 4)) & (k < max(k.size // 2, 1) - k.size // 4) for k in (rows, columns)]
    return np.fft.ifftshift(np.outer(*kept))


def _coarsened(slice_: Array) -> Array:
    """To half the rows and columns and back by bilinear interpolation between pixel centres."""
    half = [max(n // 2, 1) / n for n in slice_.shape]
    small = ndimage.zoom(slice_, half, order=1, mode="nearest", grid_mode=True)
    back = [n / m for n, m in zip(slice_.shape, small.shape, strict=True)]
    return ndimage.zoom(small, back, order=1, mode="nearest", grid_mode=True)


def _move(slice_: Array, pixels: float, rng: np.random.Generator) -> Array:
    """Shift the subject by up to `pixels` along the rows' axis while the lines are read in order."""
    rows = slice_.shape[0]
    time = np.linspace(-1, 1, rows)
    waves = [a * np.sin(np.pi * f * time + p) for a, f, p in zip(*_waves(rng), strict=True)]
    path = np.sum(waves, axis=0)
    path -= path[rows // 2]
    path *= np.clip(np.abs(time) * 8, 0, 1)  # at rest in the middle, so that the image stays where it was
    largest = np.abs(path).max()
    path = np.fft.ifftshift(path / largest * pixels if largest > 0 else path)
    return _filtered(slice_, np.exp(-2j * np.pi * np.fft.fftfreq(rows) * path)[:, None])


def _waves(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Amplitudes, frequencies and phases of four sways."""
    return rng.uniform(0.3, 1, 4), rng.uniform(1, 9, 4), rng.uniform(0, 2 * np.pi, 4)


def _bar(slice_: Array, rng: np.random.Generator) -> Array:
    """A bright bar to add to a slice, near its middle, cut where the sum would exceed the slice's maximum."""
    rows, columns = slice_.shape
    start, end = (rng.uniform(0.25, 0.75, 2) * (rows - 1, columns - 1) for _ in range(2))
    thickest = max(rows / 8 - 1, 0)  # and half a pixel of soft edge on both sides
    thickness = rng.uniform(min(1, thickest), thickest)
    axis = end - start
    place = np.moveaxis(np.indices((rows, columns)), 0, -1) - start
    along = np.clip(place @ axis / max(float(axis @ axis), 1e-9), 0, 1)
    distance = np.linalg.norm(place - along[..., None] * axis, axis=-1)
    cover = np.clip(thickness / 2 + 0.5 - distance, 0, 1) * rng.uniform(0.2, 1)
    brightest = float(slice_.max())
    return np.minimum(cover * brightest, brightest - slice_).astype(np.float32)
