"""What the jobs of the results are called."""

ANALYSE = "results.analyse"
ANALYSE_IMPORTED = "results.analyse_imported"
WRITE = "results.write"
