"""What the interface takes."""

from rest_framework import serializers

from readerstudy.accounts.models import Role
from readerstudy.material.models import Plane
from readerstudy.material.services import LONGEST_FEEDBACK, LONGEST_REASON
from readerstudy.protocol.models import Arm, Claim, PrimaryTest, Region
from readerstudy.protocol.recipes import KINDS, LARGEST_SEED
from readerstudy.states import State

LARGEST = 32767  # of a small whole number in the database


def _count(least: int = 0, **more) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=least, max_value=LARGEST, **more)


class UploadIn(serializers.Serializer):
    files = serializers.IntegerField(min_value=1, max_value=10**7)
    bytes = serializers.IntegerField(min_value=0, max_value=2**50)


class KeysIn(serializers.Serializer):
    """keys: of each piece SHA-256 of head, line feed and bytes, in hex."""

    keys = serializers.ListField(child=serializers.RegexField(r"^[0-9a-f]{64}\Z"), max_length=100_000)


class FinishIn(KeysIn):
    """known: files that were not sent, as the site has them."""

    files = serializers.IntegerField(min_value=1, max_value=10**7)
    known = serializers.IntegerField(min_value=0, max_value=10**7, default=0)


class MasksIn(serializers.Serializer):
    """masks: files, of 256 MB together; drawn_on: number of the series; name: of the volume, where no file says one."""

    masks = serializers.ListField(child=serializers.FileField(), min_length=1, max_length=100)
    drawn_on = serializers.IntegerField(min_value=0, max_value=2**63 - 1)
    name = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)


class PlaceIn(serializers.Serializer):
    """Where a series belongs; what is left out is as proposed."""

    subject = serializers.CharField(max_length=20, required=False)
    site = serializers.CharField(max_length=20, required=False)
    region = serializers.CharField(max_length=10, required=False)
    plane = serializers.CharField(max_length=10, required=False)
    weighting = serializers.CharField(max_length=20, required=False)
    arm = serializers.CharField(max_length=20, required=False)
    replace = serializers.BooleanField(default=False)
    incomplete = serializers.BooleanField(default=False)


class MoveIn(serializers.Serializer):
    """Where a series goes; what is left out stays."""

    subject = serializers.CharField(max_length=20, required=False)
    site = serializers.CharField(max_length=20, required=False)
    region = serializers.ChoiceField(choices=Region.values, required=False)
    plane = serializers.ChoiceField(choices=Plane.values, required=False)
    weighting = serializers.CharField(max_length=20, required=False)
    arm = serializers.CharField(max_length=20, required=False)


class SettingsIn(serializers.Serializer):
    """Settings of a draft. primary_comparison, primary_criterion: by their id."""

    title = serializers.CharField(max_length=120)
    reader_title = serializers.CharField(max_length=120)
    description = serializers.CharField(allow_blank=True, max_length=10_000)
    ask_integrity = serializers.BooleanField()
    ask_diagnostic = serializers.BooleanField()
    allow_cannot_judge = serializers.BooleanField()
    allow_back = serializers.BooleanField()
    require_all_slices = serializers.BooleanField()
    show_values = serializers.BooleanField()
    guesses = _count()
    min_distance = _count()
    repeat_share = serializers.FloatField(min_value=0, max_value=1)
    practice_pairs = _count(allow_null=True)
    parts = _count(1)
    washout_days = _count()
    break_minutes = _count()
    primary_comparison = serializers.IntegerField(allow_null=True)
    primary_criterion = serializers.IntegerField(allow_null=True)
    primary_test = serializers.ChoiceField(choices=PrimaryTest.values)
    claim = serializers.ChoiceField(choices=Claim.values)
    margin_mean = serializers.FloatField(allow_null=True)
    margin_net = serializers.FloatField(allow_null=True)
    random_readers = serializers.BooleanField()


MAKERS = f"“model:NAME”, or one of {', '.join(KINDS)}; “” for an uploaded arm"


class ArmIn(serializers.Serializer):
    """made_from: code of the arm that this one is made from."""

    code = serializers.CharField(max_length=20)
    acquisition = serializers.ChoiceField(choices=Arm.Acquisition.values)
    reconstruction = serializers.ChoiceField(choices=Arm.Reconstruction.values)
    made_from = serializers.CharField(max_length=20, allow_null=True, required=False)
    made_by = serializers.CharField(max_length=70, allow_blank=True, required=False, help_text=MAKERS)
    strength = serializers.FloatField(allow_null=True, required=False, help_text="in the unit of the page")
    seed = serializers.IntegerField(min_value=0, max_value=LARGEST_SEED, allow_null=True, required=False)


class ComparisonIn(serializers.Serializer):
    """first, second: codes of arms."""

    first = serializers.CharField(max_length=20)
    second = serializers.CharField(max_length=20)
    question = serializers.CharField(max_length=200, allow_blank=True, required=False)


class CriterionIn(serializers.Serializer):
    """anchors: words of the scale from 1 (left) to 5 (right); regions: where it is asked for, none: everywhere."""

    name = serializers.CharField(max_length=60)
    asks = serializers.CharField(max_length=200)
    better = serializers.CharField(max_length=200)
    anchors = serializers.ListField(child=serializers.CharField(max_length=200), min_length=5, max_length=5)
    regions = serializers.ListField(child=serializers.ChoiceField(choices=Region.values), required=False)


class SiteIn(serializers.Serializer):
    code = serializers.CharField(max_length=20)
    name = serializers.CharField(max_length=120, allow_blank=True, required=False)


class StepIn(serializers.Serializer):
    """title: the study's, where a step cannot be taken back."""

    to = serializers.ChoiceField(choices=[state.value for state in State if state != State.DRAFT])
    title = serializers.CharField(max_length=120, required=False)


class PersonIn(serializers.Serializer):
    """new: nobody of this name has an account; an invitation is made."""

    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Role.values)
    new = serializers.BooleanField(default=False)
    email = serializers.CharField(max_length=254, allow_blank=True, default="")


class AmendmentIn(serializers.Serializer):
    """kind reader: username and new; cases: their codes; subject: the one that is withdrawn, for good."""

    kind = serializers.ChoiceField(choices=["reader", "cases", "subject"])
    reason = serializers.CharField(max_length=500)
    username = serializers.CharField(max_length=150, required=False)
    new = serializers.BooleanField(default=False)
    cases = serializers.ListField(child=serializers.CharField(max_length=60), required=False, max_length=10_000)
    subject = serializers.CharField(max_length=20, required=False)


class SubjectIn(serializers.Serializer):
    """site: code."""

    site = serializers.CharField(max_length=20)


class CaseIn(serializers.Serializer):
    """set_aside: why the case is not used; "" takes it up again. feedback: told after a practice pair."""

    training = serializers.BooleanField()
    feedback = serializers.CharField(allow_blank=True, max_length=LONGEST_FEEDBACK)
    set_aside = serializers.CharField(allow_blank=True, max_length=LONGEST_REASON)


class SeriesIn(serializers.Serializer):
    """acquisition_seconds: that a person knows; null takes it back to what the header says."""

    acquisition_seconds = serializers.FloatField(allow_null=True)


class RunIn(serializers.Serializer):
    """arm: code of the arm that is to be made."""

    arm = serializers.CharField(max_length=20)
