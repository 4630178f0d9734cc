"""The features of a study under the settings that hold, beside those under settings that held before."""

from analysis import two_settings
from analysis.errors import InputError
from readerstudy.images import analyses
from readerstudy.images.models import FeatureSettings
from readerstudy.images.radiomics import active_settings, present_features
from readerstudy.images.stability import compared_arms, features_frame
from readerstudy.images.stability_criteria import criteria_of
from readerstudy.protocol.models import ReaderStudy

KIND = "two-settings"
MOST = 40_000  # values that a page compares; more is the command's work


def compare(study: ReaderStudy, earlier: FeatureSettings) -> dict:
    """What `python -m analysis settings` says of both, the earlier first, made once and kept. Raises InputError."""
    reference, _, _ = compared_arms(study)
    if reference is None:
        raise InputError("It needs features of the reference arm.")
    both = [present_features(study, one) for one in (earlier, active_settings(study))]
    if sum(one.count() for one in both) > MOST:
        raise InputError(
            "These are too many values for a page: take both tables away and have python -m analysis settings compare "
            "them."
        )
    frames = [features_frame(one) for one in both]
    said = {name: frame.to_csv().encode() for name, frame in zip(("first", "second"), frames, strict=True)}
    said["how"] = f"{reference.code} {criteria_of(study)}".encode()
    return analyses.analysed_once(
        study,
        KIND,
        said,
        lambda _: two_settings.analyse(*frames, reference=reference.code, criteria=criteria_of(study)),
    )
