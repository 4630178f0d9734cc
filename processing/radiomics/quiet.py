"""pyradiomics without its log, and without what it leaves behind for the whole process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import SimpleITK


@contextmanager
def quiet(tolerance: float | None = None) -> Iterator[None]:
    """Silence pyradiomics and numpy; `tolerance` of place and direction holds inside alone."""
    loggers, process = [logging.getLogger(name) for name in ("radiomics", "pykwalify")], SimpleITK.ProcessObject
    levels = [logger.level for logger in loggers]
    before = process.GetGlobalDefaultCoordinateTolerance(), process.GetGlobalDefaultDirectionTolerance()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    if tolerance is not None:
        process.SetGlobalDefaultCoordinateTolerance(tolerance)
        process.SetGlobalDefaultDirectionTolerance(tolerance)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        process.SetGlobalDefaultCoordinateTolerance(before[0])
        process.SetGlobalDefaultDirectionTolerance(before[1])
