"""Windows that a reader can choose by a key, by tissue and weighting."""

# Window and level in percent of the common range, which `processing.pair.grey_levels` sets for every series: 0 is
# black, 100 its 99.8th percentile. Cord and vertebrae lie between, and stay between black and white in each of these.
WINDOWS = [
    {"name": "whole range", "window": 100, "level": 50},
    {"name": "cord, in T1 and T2", "window": 66, "level": 33},
    {"name": "CSF and roots, in T2 and STIR", "window": 122, "level": 66},
    {"name": "marrow, in T1 and STIR", "window": 62, "level": 41},
]
