"""Train the networks that a shipped one is compared with, on the same volumes, degradations and patches.

    python -m benchmarks.train_peers NAME --out DIR [--task denoise|restore] [--data DIR] [--steps N]

NAME: moummad-unet (Moummad et al. 2022, with its loss MixE), dncnn (Zhang et al. 2017, with its squared error) or
espcn (Shi et al. 2016, likewise). The configuration is that of the task's model with another network, loss and rate,
and as many steps unless told otherwise; as published, each sees one slice, not its neighbours nor what is estimated
of the whole of it. Interrupted, it goes on. `benchmarks.denoising --peer DIR`, or `benchmarks.restoration`, puts
the result into the table.
"""

from __future__ import annotations

import argparse
import os
import re
import tomllib
from pathlib import Path

from processing.enhancement.networks.store import SHIPPED
from processing.enhancement.tasks import DENOISE, RESTORE
from processing.enhancement.training import CONFIG, train

PEERS = {
    "moummad-unet": ('architecture = "moummad_unet"', "mix_e", 3e-4),
    "dncnn": ('architecture = "dncnn"', "l2", 1e-3),
    "espcn": ('architecture = "espcn"', "l2", 1e-3),
}


def main() -> None:
    """Write the configuration into --out and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--task", choices=(DENOISE, RESTORE), default=DENOISE)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("READERSTUDY_DATA", "../shared/data")))
    parser.add_argument("--steps", type=int, help="those of the task's model if not given")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    config = arguments.out / CONFIG
    config.write_text(configuration(arguments.name, arguments.task, arguments.steps))
    train(arguments.task, config=config, data=arguments.data, out=arguments.out)


def configuration(name: str, task: str, steps: int | None) -> str:
    """That of the task's model for another network; as many steps if None."""
    network, loss, rate = PEERS[name]
    text = (SHIPPED / task / CONFIG).read_text()
    steps = steps or int(tomllib.loads(text)["schedule"]["steps"])
    for pattern, value in (
        (r"^name = .*", f'name = "{name}"'),
        (r"^description = .*", 'description = "For comparison with the shipped network."'),
        (r"^\[network\]\n(.+\n)+", f"[network]\n{network}\n"),
        (r"^steps = .*", f"steps = {steps}"),
        (r"^epoch = .*", f"epoch = {max(steps // 4, 1)}"),
        (r"^rate = .*(\nrestarts = .*\nrestart_rates = .*)?", f"rate = {rate}"),
        (r"^losses = .*", f'losses = [{{ name = "{loss}", until = 1.0 }}]'),
    ):
        text, found = re.subn(pattern, lambda _, value=value: value, text, count=1, flags=re.MULTILINE)
        assert found, pattern
    return text


if __name__ == "__main__":
    main()
