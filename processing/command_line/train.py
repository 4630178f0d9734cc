"""Train a network; interrupted training goes on from its last checkpoint.

In: a configuration in TOML, and a folder of training volumes.
Out: the folder of a model, which `enhance --model` takes; what is said goes to stderr.
Example: python -m processing train denoise --config denoise.toml --data volumes --out model
"""

from __future__ import annotations

import argparse
from pathlib import Path

from processing.enhancement.tasks import TASKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """TASK --config FILE --data DIR --out DIR [--device cpu|cuda]."""
    parser.add_argument("task", metavar="TASK", help=", ".join(TASKS))
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="TOML, as in processing/enhancement/weights"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the training volumes")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the model")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")


def run(arguments: argparse.Namespace) -> None:
    """Train and leave the model in --out."""
    from processing.enhancement.training import train

    train(arguments.task, config=arguments.config, data=arguments.data, out=arguments.out, device=arguments.device)
