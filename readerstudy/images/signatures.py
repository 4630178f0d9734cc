"""A radiomic signature in every arm: computed when asked for, nothing of it is stored."""

from analysis import signature
from analysis.errors import InputError
from readerstudy.images.stability import compared_arms, features_named
from readerstudy.images.stability_criteria import criteria_of
from readerstudy.protocol.models import ReaderStudy


def analyse(study: ReaderStudy, model: str) -> dict:
    """What `python -m analysis signature` says of the features that hold. Raises InputError."""
    read = signature.read_signature(model)
    reference, arms, _ = compared_arms(study)
    if reference is None or len(arms) < 2:
        raise InputError("It needs features of the reference arm and of one more arm.")
    named = features_named(study, {one.feature for one in read.inputs})
    if named.empty:
        raise InputError("None of the features of this signature are computed under the settings that hold.")
    return signature.analyse(named, read, reference=reference.code, criteria=criteria_of(study))
