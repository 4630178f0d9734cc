"""What tissues are made of, and what signal a pulse sequence gets from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tissue:
    """pd: proton density relative to water; t1, t2: relaxation times in ms at 1.5 T."""

    pd: float
    t1: float
    t2: float


# Order of magnitude after Stanisz et al. 2005 (muscle, cord), de Bazelaire et al. 2004 (fat, marrow, kidney)
# and Perry et al. 2006 (disc). Two are effective values: cerebrospinal fluid moves, which shortens its T2;
# fat's T1 lies at the short end so that TI 140 ms nulls it, its T2 is long as in echo trains (J-coupling).
TISSUES = {
    "skin": Tissue(0.60, 700, 30),
    "fat": Tissue(0.92, 215, 95),
    "muscle": Tissue(0.80, 950, 38),
    "fascia": Tissue(0.25, 700, 15),
    "ligament": Tissue(0.22, 700, 14),
    "interspinous": Tissue(0.50, 600, 35),
    "cortex": Tissue(0.08, 500, 8),
    "red marrow": Tissue(0.62, 820, 62),
    "modic 1": Tissue(0.80, 1200, 105),
    "haemangioma": Tissue(0.90, 500, 140),
    "vein": Tissue(0.85, 1300, 130),
    "nucleus": Tissue(0.88, 1250, 135),
    "worn nucleus": Tissue(0.62, 900, 48),
    "annulus": Tissue(0.50, 850, 34),
    "outer annulus": Tissue(0.28, 800, 20),
    "fissure": Tissue(0.85, 1400, 140),
    "cartilage": Tissue(0.65, 900, 45),
    "csf": Tissue(1.00, 3500, 900),
    "cord": Tissue(0.72, 880, 78),
    "grey matter": Tissue(0.82, 980, 88),
    "nerve": Tissue(0.72, 900, 74),
    "ganglion": Tissue(0.78, 1000, 85),
    "brain": Tissue(0.76, 850, 82),
    "cortical grey": Tissue(0.84, 1050, 92),
    "flowing blood": Tissue(0.08, 1400, 100),
    "bowel": Tissue(0.70, 1000, 75),
    "gas": Tissue(0.0, 1000, 50),
    "kidney": Tissue(0.82, 1000, 90),
    "mucosa": Tissue(0.78, 1000, 80),
    "gland": Tissue(0.80, 800, 70),
}


def signal(
    tissue: Tissue, *, tr: float, te: float, ti: float | None = None, train: float = 0.0, restore: bool = False
) -> float:
    """Signal of a spin echo, turbo spin echo (effective TE) or, with `ti`, an inversion recovery sequence.

    Times in ms; train: length of the echo train, after which recovery starts. With E = exp(−(TR − train)/T1)
    a (turbo) spin echo gives PD (1 − E) exp(−TE/T2); with `restore`, what is left after the train is turned
    back (driven equilibrium), so PD (1 − E) / (1 − E exp(−train/T2)) exp(−TE/T2). Inversion recovery,
    magnitude: PD |1 − 2 exp(−TI/T1) + exp(−TR/T1)| exp(−TE/T2) (Bydder & Young 1985).
    """
    decay = np.exp(-te / tissue.t2)
    if ti is not None:
        return float(tissue.pd * abs(1 - 2 * np.exp(-ti / tissue.t1) + np.exp(-tr / tissue.t1)) * decay)
    lost = np.exp(-(tr - train) / tissue.t1)
    left = lost * np.exp(-train / tissue.t2) if restore else 0.0
    return float(tissue.pd * (1 - lost) / (1 - left) * decay)
