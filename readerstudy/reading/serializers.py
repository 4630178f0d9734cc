"""What the reading room may send."""

from rest_framework import serializers

from readerstudy.reading.models import Finding, Guess, Rating


class RatingIn(serializers.Serializer):
    key = serializers.UUIDField()
    status = serializers.ChoiceField(Rating.Status.choices, default=Rating.Status.RATED)
    score = serializers.IntegerField(min_value=1, max_value=5, allow_null=True, default=None)

    def validate(self, data: dict) -> dict:
        if (data["status"] == Rating.Status.RATED) != (data["score"] is not None):
            raise serializers.ValidationError("A score from 1 to 5 belongs to “rated”, and to nothing else.")
        return data


class IntegrityIn(serializers.Serializer):
    key = serializers.UUIDField()
    value = serializers.ChoiceField(["none", "findings", ""])


class DiagnosticIn(serializers.Serializer):
    key = serializers.UUIDField()
    value = serializers.ChoiceField(["both", "left", "right", "neither", ""])


class CommentIn(serializers.Serializer):
    key = serializers.UUIDField()
    text = serializers.CharField(allow_blank=True, max_length=4000)


class FindingIn(serializers.Serializer):
    key = serializers.UUIDField()
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


class ConfirmIn(serializers.Serializer):
    key = serializers.UUIDField(required=False)


class SkipIn(serializers.Serializer):
    key = serializers.UUIDField()
    reason = serializers.CharField(max_length=200)


class GuessIn(serializers.Serializer):
    key = serializers.UUIDField()
    side = serializers.ChoiceField(Guess.Side.choices)
