"""Architectures by the name that a configuration gives."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor, nn

from processing.enhancement.networks.autoencoder import DenoisingAutoencoder
from processing.enhancement.networks.cascade import Cascade
from processing.enhancement.networks.dncnn import DnCNN
from processing.enhancement.networks.espcn import ESPCN
from processing.enhancement.networks.moummad import MoummadUNet
from processing.enhancement.networks.unet import ResidualUNet
from processing.errors import InputError

ARCHITECTURES: dict[str, type[nn.Module]] = {
    "residual_unet": ResidualUNet,
    "moummad_unet": MoummadUNet,
    "dncnn": DnCNN,
    "espcn": ESPCN,
    "autoencoder": DenoisingAutoencoder,
    "cascade": Cascade,
}


class Denoiser(Protocol):
    """What every architecture offers besides being a torch module.

    slices: how many neighbouring slices it takes, odd; estimates: whether it is shown what
    `networks.estimates` estimates; stride: rows and columns must be a multiple of it.
    """

    slices: int
    estimates: bool
    stride: int

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Clean middle slices (n, 1, rows, columns) of x (n, slices, rows, columns), sigma (n, 1, 1, 1)."""
        ...


def build(settings: dict[str, Any]) -> Any:
    """The network of the table [network] of a configuration, untrained: `architecture` and its keywords.

    Returns a module that is a Denoiser. Raises InputError for an unknown architecture or keyword.
    """
    keywords = dict(settings)
    name = keywords.pop("architecture", "residual_unet")
    if name not in ARCHITECTURES:
        raise InputError(f"There is no architecture “{name}”; there are {', '.join(ARCHITECTURES)}.")
    try:
        return ARCHITECTURES[name](**keywords)
    except TypeError as error:
        raise InputError(f"The architecture {name} does not take these settings: {error}.") from error
