"""Windows that a reader can choose by a key, by tissue and weighting."""

# In percent of the common range, which `processing.pair.grey_levels` sets for every series: 0 is black, 100 its 99.8th
# percentile. A window begins at `lower` and ends at the 97th percentile of what the middle slices of both sides show
# together, but within `upper` (`frontend/src/room/viewing.js:windowOf`). Where fat or CSF is brightest, it leaves the
# range to cord and marrow; where the cord itself is, it stays wide. Neither is black or white in any of them.
WINDOWS = [
    {"name": "whole range", "lower": 0, "upper": [100, 100]},
    {"name": "cord, in T2", "lower": 0, "upper": [70, 100]},
    {"name": "CSF and roots, in T2 and STIR", "lower": 5, "upper": [127, 127]},
    {"name": "marrow, in T1 and STIR", "lower": 8, "upper": [70, 100]},
]
