"""What the reading room may send."""

from rest_framework import serializers

from readerstudy.reading.models import Finding, Guess, Presentation, Rating
from readerstudy.reading.writes import KnownState


class OnIn(serializers.Serializer):
    state = serializers.ChoiceField(Presentation.State.choices)
    revision = serializers.IntegerField(min_value=0, max_value=2**31 - 1)

    def to_internal_value(self, data) -> KnownState:
        return KnownState(**super().to_internal_value(data))


class KeyIn(serializers.Serializer):
    key = serializers.UUIDField()


class WriteIn(KeyIn):
    """A write without `on` comes from a page of an earlier version."""

    on = OnIn(default=None, allow_null=True)


class WriteAddress(KeyIn):
    """Key, state and revision of a write that has no body."""

    state = serializers.ChoiceField(Presentation.State.choices, required=False)
    revision = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)

    def validate(self, data: dict) -> dict:
        known = "state" in data and "revision" in data
        return {"key": data["key"], "on": KnownState(data["state"], data["revision"]) if known else None}


class RatingIn(WriteIn):
    status = serializers.ChoiceField(Rating.Status.choices, default=Rating.Status.RATED)
    score = serializers.IntegerField(min_value=1, max_value=5, allow_null=True, default=None)

    def validate(self, data: dict) -> dict:
        if (data["status"] == Rating.Status.RATED) != (data["score"] is not None):
            raise serializers.ValidationError("A score from 1 to 5 belongs to “rated”, and to nothing else.")
        return data


class IntegrityIn(WriteIn):
    value = serializers.ChoiceField(["none", "findings", ""])


class DiagnosticIn(WriteIn):
    value = serializers.ChoiceField(["both", "left", "right", "neither", ""])


class CommentIn(WriteIn):
    text = serializers.CharField(allow_blank=True, max_length=4000)


class FindingIn(WriteIn):
    kind = serializers.ChoiceField(Finding.Kind.choices)
    side = serializers.ChoiceField(Finding.On.choices)
    structure = serializers.CharField(allow_blank=True, max_length=120, default="")
    remark = serializers.CharField(allow_blank=True, max_length=1000, default="")
    i = serializers.IntegerField(min_value=0, max_value=65535, allow_null=True, default=None)
    j = serializers.IntegerField(min_value=0, max_value=65535, allow_null=True, default=None)
    k = serializers.IntegerField(min_value=0, max_value=65535, allow_null=True, default=None)


class SeenIn(serializers.Serializer):
    left = serializers.ListField(child=serializers.IntegerField(min_value=0, max_value=5000), max_length=5000)
    right = serializers.ListField(child=serializers.IntegerField(min_value=0, max_value=5000), max_length=5000)


class TimeIn(serializers.Serializer):
    key = serializers.UUIDField()
    seconds = serializers.FloatField(min_value=0, max_value=3600)
    seen = SeenIn(required=False)


class ConfirmIn(WriteIn):
    seen = SeenIn(required=False)


class SkipIn(WriteIn):
    reason = serializers.CharField(max_length=200)


class GuessIn(WriteIn):
    side = serializers.ChoiceField(Guess.Side.choices)
