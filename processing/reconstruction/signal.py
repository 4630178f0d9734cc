"""What is reconstructed: the complex images of a series whose k-space is whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from processing import nifti, series
from processing.reconstruction.ismrmrd import is_hdf5, read_ismrmrd
from processing.simulate.kspace import smooth_phase
from processing.volume import Array, Volume


@dataclass(frozen=True)
class Signal:
    """images: complex64 (coils, slices, rows, columns); their Fourier transform along the rows' axis is k-space, phase
    encoding in that direction. volume: magnitude, place and units. origin: where k-space is from, in words."""

    images: Array
    volume: Volume
    origin: str


def read_signal(source: Path, seed: int) -> Signal:
    """Read a magnitude series, a complex NIfTI image, or raw data in ISMRMRD's HDF5.

    seed: of the phase that a magnitude is given. Raises InputError if the file cannot be read, or shows a phase, a real
    or an imaginary part.
    """
    if is_hdf5(source):
        images, volume = read_ismrmrd(source)
        coils = len(images)
        combined = f" by {coils} coils, combined by root sum of squares" if coils > 1 else " by one coil"
        return Signal(images, volume, f"acquired{combined}")
    if source.is_file() and nifti.is_volume_file(source) and not source.name.lower().endswith((".nrrd", ".nhdr")):
        found = nifti.read_complex(source)
        if found is not None:
            return Signal(found[1][None], found[0], "of a complex image")
    return simulated(series.read(source), seed)


def simulated(volume: Volume, seed: int) -> Signal:
    """A magnitude series with a smooth random phase, the same in all slices.

    Raises InputError if the series is no magnitude.
    """
    volume.require_magnitude()
    turn = smooth_phase(volume.shape[1:], np.random.default_rng([seed, 2]))
    return Signal((np.maximum(volume.array, 0) * turn)[None], volume, "simulated with a smooth random phase")
