"""Cells of tables under the names by which the pages of images know them."""

from analysis.report.table import TableCell as Shown
from analysis.report.table_cells import adjusted_p as adjusted
from analysis.report.table_cells import estimate, interval, mean_sd, quartiles
from analysis.report.table_cells import estimate_with_interval as with_interval
from analysis.report.table_cells import p_of_test as test

__all__ = ["Shown", "adjusted", "estimate", "interval", "mean_sd", "quartiles", "test", "with_interval"]
