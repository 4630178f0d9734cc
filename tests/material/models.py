"""Model folders in seconds: a small untrained network with all that a trained one has beside it."""

from __future__ import annotations

import json
from pathlib import Path

CONFIG = """
[model]
name = "{name}"
version = "0.1"
description = "For a test."
use = "Tests only."
licence = "CC0 1.0."
limits = "It has learnt nothing. Nothing else."

[network]
architecture = "residual_unet"
channels = [4, 8]
blocks = [1, 1, 1]

[data]
[[data.groups]]
name = "shapes"
weight = 1.0
"""
CARD = """# {name} 0.1

For a test. <script>alert(1)</script> [a link](javascript:alert(2)) ![a picture](http://example.org/x.png)

## Limits

| group | noisy |
|---|--:|
| shapes | 1.00 |
"""


def make_model(root: Path, name: str = "own") -> Path:
    """A folder below `root` that enhances, with card, metrics and log."""
    import torch
    from safetensors.torch import save

    from processing.enhancement.networks.registry import build
    from processing.enhancement.networks.store import LOG, write_model

    torch.manual_seed(len(name))
    network = build({"architecture": "residual_unet", "channels": [4, 8], "blocks": [1, 1, 1]})
    weights = save({key: 0.5 * tensor.contiguous() for key, tensor in network.state_dict().items()})
    rows = {
        "shapes at 5 %": {"input": 20.0, "output": 30.0, "input_foreground": 18.0, "output_foreground": 26.0},
        "discs at 5 %": {"input": 20.0, "output": 19.0, "input_foreground": 18.0, "output_foreground": 17.0},
    }
    metrics = {"parameters": 1234, "steps": 20, "of": 20, "training_seconds": 3, "validation_psnr_db": rows}
    folder = root / name
    write_model(
        folder,
        weights=weights,
        name=name,
        version="0.1",
        description="For a test.",
        metrics=metrics,
        card=CARD.format(name=name),
    )
    (folder / "config.toml").write_text(CONFIG.format(name=name))
    lines = [{"step": 10, "loss": 0.5, "rate": 1e-3}, {"step": 20, "loss": 0.2, "rate": 1e-3}]
    lines += [{"step": step, "validation": rows} for step in (10, 20)]
    (folder / LOG).write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 30, "lo')
    return folder
