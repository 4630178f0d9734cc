"""Two series of a case on one grid: as acquired, or the one registered to the other."""

import numpy as np

from processing.volume import Volume


def as_acquired(reference: Volume, test: Volume, plane: str) -> tuple[Volume, Volume, np.ndarray | None, dict]:
    """Both on the grid that readers see."""
    from processing.grid import common_grid, on_grid, padding_on_grid

    grid = common_grid([reference, test], plane=plane)
    a, b = (
        Volume(on_grid(volume, grid), grid.affine, padding=padding_on_grid(volume, grid))
        for volume in (reference, test)
    )
    return a, b, None, {"registered": False, "resampled": grid.resampled}


def registered(reference: Volume, test: Volume, matrix: np.ndarray) -> tuple[Volume, Volume, np.ndarray, dict]:
    """The test moved onto the reference's own grid, and where it has values."""
    from processing.registration import CONVENTIONS, apply

    moved, inside = apply(matrix, test, like=reference)
    return reference, moved, inside, {"registered": True, "registration": CONVENTIONS}
