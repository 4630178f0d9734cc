"""Synthetic MR studies of the spine for demonstration and tests; always labelled synthetic.

Not a model of any person: shapes are analytic, sizes and relaxation times have the order of magnitude of
published averages, and what varies between subjects is drawn from a seed.
"""

from processing.simulate.phantom.acquisition import ARMS, PROTOCOLS, PulseSequence, acquire, protocol_for
from processing.simulate.phantom.anatomy import Anatomy, make_subject
from processing.simulate.phantom.study import make_study, write_dicom

__all__ = [
    "ARMS",
    "PROTOCOLS",
    "Anatomy",
    "PulseSequence",
    "acquire",
    "make_study",
    "make_subject",
    "protocol_for",
    "write_dicom",
]
