"""Take a model in ONNX for `enhance` and for the site: checked, tried in a confined process, written as a folder.

In: MODEL.onnx and MANIFEST.toml with the tables [model] and [onnx] (docs/training.md).
Out: OUT, a new folder with model, identity, card and metrics; put it below READERSTUDY_MODELS.
Example: python -m processing adopt denoiser.onnx denoiser.toml models/denoiser
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL MANIFEST OUT."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="ONNX file")
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="TOML with [model] and [onnx]")
    parser.add_argument("out", type=Path, metavar="OUT", help="new folder")


def run(arguments: argparse.Namespace) -> None:
    """Write the folder, and say what was found."""
    from processing.enhancement.onnx.adopt import adopt

    identity = adopt(arguments.model, arguments.manifest, arguments.out)
    print(f"{identity.name} {identity.version}, SHA-256 {identity.sha256}: {arguments.out}")
