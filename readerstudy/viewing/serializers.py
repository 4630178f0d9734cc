"""What the display check and the room's log may send."""

from rest_framework import serializers

from analysis import viewing_log
from analysis.display_check import CONTRASTS, SIZES, STEPS
from analysis.errors import InputError


def _pixels() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=100_000)


class DiscIn(serializers.Serializer):
    size = serializers.ChoiceField(SIZES)
    contrast = serializers.ChoiceField(CONTRASTS)
    quarter = serializers.IntegerField(min_value=1, max_value=4)
    answer = serializers.IntegerField(min_value=1, max_value=4)


class CheckIn(serializers.Serializer):
    """One finished check: every disc once."""

    key = serializers.UUIDField()
    missed = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=STEPS - 1), max_length=STEPS - 1, allow_empty=True
    )
    dark = serializers.BooleanField()
    bright = serializers.BooleanField()
    discs = DiscIn(many=True)
    seconds = serializers.FloatField(min_value=0, max_value=86_400)
    window_width = _pixels()
    window_height = _pixels()
    screen_width = _pixels()
    screen_height = _pixels()
    device_pixel_ratio = serializers.FloatField(min_value=0.1, max_value=20)
    colour_depth = serializers.IntegerField(min_value=1, max_value=64)

    def validate_discs(self, discs: list[dict]) -> list[list]:
        asked = sorted((size, contrast) for size in SIZES for contrast in CONTRASTS)
        if sorted((disc["size"], disc["contrast"]) for disc in discs) != asked:
            raise serializers.ValidationError("A check asks for every disc once.")
        return [[disc["size"], disc["contrast"], disc["quarter"], disc["answer"]] for disc in discs]


class LogPartIn(serializers.Serializer):
    visit = serializers.UUIDField()
    number = serializers.IntegerField(min_value=0, max_value=9999)
    dropped = serializers.IntegerField(min_value=0, max_value=9999, default=0)
    entries = serializers.CharField(max_length=4000)
    end = serializers.CharField(max_length=200, default="", allow_blank=True)
    checksum = serializers.IntegerField(min_value=0, max_value=2**32 - 1, default=None, allow_null=True)

    def validate_entries(self, entries: str) -> str:
        if not viewing_log.is_piece(entries):
            raise serializers.ValidationError("This is no piece of the log.")
        return entries

    def validate_end(self, end: str) -> str:
        try:
            if end:
                viewing_log.read_view(end)
        except InputError as error:
            raise serializers.ValidationError(str(error)) from None
        return end

    def validate(self, data: dict) -> dict:
        if bool(data["end"]) != (data["checksum"] is not None):
            raise serializers.ValidationError("The end of a log comes with its checksum.")
        return data
