"""Scan a synthetic subject: signal, coil, k-space, excitations, magnitude."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from processing.errors import InputError
from processing.model_identity import PHANTOM
from processing.simulate.phantom import cervical, lumbar
from processing.simulate.phantom.anatomy import Anatomy
from processing.simulate.phantom.canvas import FIELDS, Canvas, field_on_plane
from processing.simulate.phantom.spine import paint_spine
from processing.simulate.phantom.tissue import TISSUES, signal
from processing.volume import Array, Parameters, Volume

ARMS = ("SOC", "FAST")
FINER = 1.25  # the plane is painted on a finer grid; cutting its k-space gives the truncation of a real scan
_PROFILE = ((-0.42, 0.13), (-0.2, 0.235), (0.0, 0.27), (0.2, 0.235), (0.42, 0.13))  # slice profile, weights


@dataclass(frozen=True)
class PulseSequence:
    """One pulse sequence. tr, te, ti in ms; fov, thickness and gap in mm; seconds: scan time.

    matrix: pixels along frequency and phase encoding; the image has matrix[0] rows and columns. noise:
    standard deviation of one excitation's noise where water at the coil has signal 1.
    """

    weighting: str
    plane: str
    tr: float
    te: float
    ti: float | None
    echo_train_length: int
    averages: int
    matrix: tuple[int, int]
    fov: float
    slices: int
    thickness: float
    gap: float
    noise: float
    seconds: float


# Times, echo trains and excitations of Bash et al. 2021, Table 1 (1.5 T); the sagittal T1 has those of the
# axial T1, because TR 1550 ms gives hardly any T1 contrast.
_SAGITTAL = PulseSequence(
    weighting="T2",
    plane="sagittal",
    tr=2584,
    te=110,
    ti=None,
    echo_train_length=21,
    averages=2,
    matrix=(288, 216),
    fov=270,
    slices=13,
    thickness=4,
    gap=0.6,
    noise=0.013,
    seconds=91,
)
PROTOCOLS = {
    "sag-t2": _SAGITTAL,
    "sag-t1": replace(_SAGITTAL, weighting="T1", tr=634, te=13, echo_train_length=3, noise=0.020, seconds=195),
    "sag-stir": replace(_SAGITTAL, weighting="STIR", tr=4850, te=33, ti=140, echo_train_length=8, seconds=121),
    "ax-t2": replace(
        _SAGITTAL,
        plane="axial",
        tr=4459,
        te=102,
        echo_train_length=32,
        averages=3,
        matrix=(256, 208),
        fov=190,
        slices=14,
        gap=1,
        noise=0.017,
        seconds=98,
    ),
}
_FAST = {"sag-t2": (1, 36), "sag-t1": (1, 107), "sag-stir": (1, 73), "ax-t2": (2, 30)}


def protocol_for(name: str, *, region: str = "lumbar", arm: str = "SOC") -> PulseSequence:
    """Protocol `name` of PROTOCOLS for a region; arm FAST: fewer excitations, nothing else.

    Cervical: smaller field of view, thinner slices. Raises InputError for what there is not.
    """
    if name not in PROTOCOLS or arm not in ARMS:
        raise InputError(f"The phantom has the sequences {', '.join(PROTOCOLS)} and the arms SOC and FAST.")
    protocol = PROTOCOLS[name]
    if region == "cervical":
        fov, thickness = (230, 3.2) if protocol.plane == "sagittal" else (170, 3.6)
        protocol = replace(protocol, fov=fov, thickness=thickness, gap=0.4)
    if arm == "FAST":
        averages, seconds = _FAST[name]
        protocol = replace(protocol, averages=averages, seconds=seconds)
    return protocol


def acquire(anatomy: Anatomy, protocol: PulseSequence, seed: int) -> Volume:
    """Scan a subject; the same arguments give the same volume. Arbitrary units, integers, air not zero.

    Partial volume: exact in the plane (painted with soft borders on a finer grid), five planes through the
    slice. k-space is cut to the matrix, each excitation adds complex Gaussian noise there, what the phase
    encoding leaves out is zero-filled, the magnitude taken: Rician noise. `seed` draws the noise, a position
    of the subject up to half a millimetre off, and the receiver's gain. There is no motion during the scan.
    """
    rng = np.random.default_rng([20211130, anatomy.seed, seed])
    shift, gain = rng.uniform(-0.5, 0.5, 3), rng.uniform(0.92, 1.08)
    signals = _signals(protocol)
    affine = _affine(anatomy, protocol)
    deviation = protocol.noise / np.sqrt(protocol.averages)
    slices = [
        _receive(_plane(anatomy, protocol, affine, k, shift, signals), protocol, deviation, rng)
        for k in range(protocol.slices)
    ]
    array = np.rint(1600 * gain * np.stack(slices)).astype(np.float32)
    return Volume(array, affine, parameters=_parameters(anatomy, protocol))


def _signals(protocol: PulseSequence) -> dict[str, float]:
    """Signal of each tissue. T2 sequences restore the magnetisation after the train, as is usual in spines."""
    return {
        name: signal(
            tissue,
            tr=protocol.tr,
            te=protocol.te,
            ti=protocol.ti,
            train=10.5 * protocol.echo_train_length,  # ms, at a usual distance of the echoes
            restore=protocol.weighting == "T2",
        )
        for name, tissue in TISSUES.items()
    }


def _affine(anatomy: Anatomy, protocol: PulseSequence) -> Array:
    """Columns to the back and rows to the feet (sagittal), or to the left and to the back, tilted as the
    middle disc of the region (axial)."""
    pixel, step, middle = protocol.fov / protocol.matrix[0], protocol.thickness + protocol.gap, protocol.fov / 2
    affine = np.eye(4)
    curves = anatomy.curves
    if protocol.plane == "sagittal":
        centre = np.array([0.0, float(curves.at(curves.wall, np.array(0.0))) + 5, -6.0])
        if anatomy.region == "cervical":
            centre[1:] += (-4, 2)
        axes = np.array([[0, 1, 0], [0, 0, -1], [-1, 0, 0]], dtype=float)
    else:
        level = anatomy.level("L4" if anatomy.region == "lumbar" else "C5")
        tilt = level.angle - (0.5 * (level.angle - anatomy.level("L5").angle) if level.name == "L4" else 0)
        centre = level.place(0, level.b + 6, -level.h - 4)
        centre[0] = 0
        axes = np.array([[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)], [0, -np.sin(tilt), np.cos(tilt)]])
    affine[:3, :3] = axes.T * [pixel, pixel, step]
    affine[:3, 3] = centre - middle * (axes[0] + axes[1]) - step * (protocol.slices - 1) / 2 * axes[2]
    return affine


def _plane(
    anatomy: Anatomy, protocol: PulseSequence, affine: Array, k: int, shift: Array, signals: dict[str, float]
) -> Array:
    """Signal of one slice, noise-free, on the finer grid."""
    size = round(protocol.matrix[0] * FINER)
    index = np.arange(size) / FINER
    pixel = protocol.fov / size

    def axes(slice_index: float) -> tuple[Array, Array, Array]:
        origin = affine[:3, 3] + affine[:3, 2] * slice_index - shift
        lines = []
        for axis in range(3):
            along = affine[axis, 0] * index[None, :] if affine[axis, 0] else np.zeros((1, 1))
            down = affine[axis, 1] * index[:, None] if affine[axis, 1] else np.zeros((1, 1))
            lines.append((origin[axis] + along + down).astype(np.float32))
        return lines[0], lines[1], lines[2]

    fields = _fields(anatomy, axes(k), (size, size), signals)
    thickness = protocol.thickness / (protocol.thickness + protocol.gap)

    def canvas(place: float, image: Array) -> Canvas:
        return Canvas(*axes(k + place * thickness), image, fields, pixel, signals)

    # What lies around the spine changes slowly across a slice: two planes do.
    surroundings = lumbar if anatomy.region == "lumbar" else cervical
    halves = [canvas(place, np.zeros((size, size), np.float32)) for place in (-0.25, 0.25)]
    for half in halves:
        surroundings.paint_surroundings(half, anatomy)
    image = np.zeros((size, size), np.float32)
    for place, weight in _PROFILE:
        plane = canvas(place, halves[place > 0].image.copy())
        paint_spine(plane, anatomy)
        image += weight * plane.image
    return image * _sensitivity(anatomy, *axes(k))


def _fields(
    anatomy: Anatomy, axes: tuple[Array, Array, Array], shape: tuple[int, int], signals: dict[str, float]
) -> dict[str, Array]:
    """Random fields on the plane, and the textured signals of fat, muscle and marrow made from them."""
    fields = {name: field_on_plane(name, *axes, anatomy.offset, shape) for name in FIELDS}
    fat, lean = signals["fat"], signals["muscle"]
    # Septa between the lobules of fat; fatty streaks along the fibres of muscle.
    septa = np.exp(-((fields["lobules"] / 0.07) ** 2))
    fields["fat"] = fat * (1 - 0.05 * np.tanh(fields["blotches"]) - 0.22 * septa)
    streaks = np.exp(fields["fibres"] + 0.5 * fields["lobules"] - 1.4)
    share = np.clip(anatomy.muscle_fat * (0.4 + 0.2 * fields["patches"] + streaks), 0, 0.8)
    fields["muscle"] = (lean + share * (fat - lean)) * (1 + 0.05 * fields["fibres"] + 0.04 * fields["blotches"])
    # Bands of septa and ligament.
    mixed = np.clip(0.45 + 0.30 * fields["fibres"] + 0.2 * fields["blotches"], 0, 1)
    fields["interspinous"] = signals["interspinous"] + mixed * (0.8 * fat - signals["interspinous"])
    spread = 0.045 * fields["blotches"] + 0.055 * fields["grain"] + 0.035 * fields["patches"]
    fields["marrow fat"] = np.clip(anatomy.marrow_fat + spread, 0, 1)
    fields["marrow"] = signals["red marrow"] + np.clip(fields["marrow fat"] + 0.1, 0, 1) * (fat - signals["red marrow"])
    return fields


def _sensitivity(anatomy: Anatomy, x: Array, y: Array, z: Array) -> Array:
    """Array coil under the back, whose sensitivity falls with depth, times the saturation band in front."""
    curves = anatomy.curves
    back = curves.at(curves.tips, z) + anatomy.fat
    depth = np.maximum(np.hypot(back - y, 0.35 * x), 0)
    even = 0.32 if anatomy.region == "lumbar" else 0.55  # a neck coil also has elements in front
    coil = even + (1 - even) * np.exp(-depth / 75)
    coil = coil * (1 + 0.04 * np.cos(2 * np.pi * z / 105)) / (1 + (np.maximum(np.abs(z) - 115, 0) / 55) ** 2)
    deepest = max(2 * level.b for level in anatomy.levels if level.name[0] != "S")
    band = curves.at(curves.wall, z) - deepest - (14 if anatomy.region == "lumbar" else 12)
    band = np.maximum(band, curves.at(curves.wall, np.zeros(1))[0] - deepest - 18)
    return coil * (0.3 + 0.7 / (1 + np.exp(-(y - band) / 7)))


def _receive(plane: Array, protocol: PulseSequence, deviation: float, rng: np.random.Generator) -> Array:
    """Cut k-space, add noise, reconstruct the magnitude. Phase encoding runs along the rows' axis (head to
    feet) in sagittal, along the columns' axis (left to right) in axial images."""
    size, phase = protocol.matrix
    kept = (phase, size) if protocol.plane == "sagittal" else (size, phase)
    space = np.fft.fftshift(np.fft.fft2(plane, norm="forward"))
    corner = [(n - k) // 2 + (n - k) % 2 * (n % 2 == 1) for n, k in zip(space.shape, kept, strict=True)]
    space = space[corner[0] : corner[0] + kept[0], corner[1] : corner[1] + kept[1]]
    window = np.outer(*(_window(n) for n in kept))
    noise = rng.standard_normal((2, *kept)).astype(np.float32)
    # Standard deviation in the image per channel: `deviation`, before the raw data filter.
    space = (space + deviation / np.sqrt(kept[0] * kept[1]) * (noise[0] + 1j * noise[1])) * window
    full = np.zeros((size, size), np.complex64)
    start = [(size - k) // 2 for k in kept]
    full[start[0] : start[0] + kept[0], start[1] : start[1] + kept[1]] = space
    return np.abs(np.fft.ifft2(np.fft.ifftshift(full), norm="forward"))


@lru_cache(maxsize=8)
def _window(size: int) -> Array:
    """Raw data filter against ringing: flat, with a cosine slope over the outer third to one half."""
    place = np.abs(np.arange(size) - size // 2) / (size / 2)
    return 1 - 0.25 * (1 - np.cos(np.pi * np.clip((place - 0.67) / 0.33, 0, 1)))


def _parameters(anatomy: Anatomy, protocol: PulseSequence) -> Parameters:
    return Parameters(
        region=anatomy.region,
        plane=protocol.plane,
        weighting=protocol.weighting,
        manufacturer=PHANTOM,
        model="Spine phantom",
        software="1",
        field_strength=1.5,
        tr=protocol.tr,
        te=protocol.te,
        ti=protocol.ti,
        flip_angle=90.0,
        echo_train_length=protocol.echo_train_length,
        averages=float(protocol.averages),
        slice_thickness=protocol.thickness,
        acquisition_seconds=protocol.seconds,
        age=float(anatomy.age),
        sex=anatomy.sex,
    )
