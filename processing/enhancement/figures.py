"""What a benchmark measured of a model as it ships: the network with all that is done beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from processing.enhancement.networks.model_record import KINDS, gains
from processing.enhancement.networks.store import FIGURES, put_section, read_identity, seal_figures, write_whole

HEADING = "## Measured"
_WORSE = "No nearer to the truth than what came in: "
_OF_TRAINING = "No nearer to the truth than the "  # as a training writes it, of the network alone


def write(folder: Path, rows: Sequence[dict[str, Any]], command: str) -> None:
    """Keep rows with the model that they are of, and on its card, where they replace those of the training.

    Parameters
    ----------
    folder : Path
        Of the model.
    rows : sequence of dict
        ``name`` in words, and PSNR in dB, range: maximum of the truth: ``input``, ``output``, ``input_foreground``,
        ``output_foreground``.
    command : str
        That measured them.
    """
    seal_figures(folder, FIGURES, {"command": command, "rows": list(rows)})
    card = folder / "card.md"
    put_section(card, markdown(rows, read_identity(folder).version, command))
    before, heading, limits = card.read_text(encoding="utf-8").partition("## Limits\n")
    own, *others = limits.split("\n## ")
    said = [one for one in own.strip().split("\n\n") if not one.startswith((_WORSE, _OF_TRAINING))]
    worse = [f"{name} ({place})" for name, place, gain in gains(rows) if round(gain, 2) <= 0]
    said += [f"{_WORSE}{', '.join(worse)}."] if worse else []
    text = "\n## ".join(["\n" + "\n\n".join(said) + "\n", *others])
    write_whole(card, (before + heading + text if heading else before).encode())


def markdown(rows: Sequence[dict[str, Any]], version: str, command: str) -> str:
    """The section of the card."""
    lines = ["| | input | output | foreground input | foreground output |", "|---|---|---|---|---|"]
    lines += [f"| {row['name']} | " + " | ".join(f"{row[kind]:.2f}" for kind in KINDS) + " |" for row in rows]
    return (
        f"{HEADING}\n\nPSNR in dB on subjects outside training, range = maximum of the truth, of version {version} as "
        f"it ships, with all that is done beside the network. By `{command}`; its opponents stand in the document that "
        "this writes.\n\n" + "\n".join(lines) + "\n"
    )
