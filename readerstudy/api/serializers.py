"""What the interface says of things, and takes."""

from rest_framework import serializers

from readerstudy.accounts.models import Membership
from readerstudy.audit.models import Event
from readerstudy.intake.models import Candidate, Upload
from readerstudy.jobs.models import Job
from readerstudy.material.models import Case, Series, Subject
from readerstudy.protocol.models import Site
from readerstudy.states import State


class StudyOut(serializers.Serializer):
    """A study as this person may know it: a reader sees the title for readers."""

    slug = serializers.SlugField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=[(state.value, state.value) for state in State])
    role = serializers.CharField()


class PersonOut(serializers.ModelSerializer):
    username = serializers.CharField(source="user.username")
    name = serializers.CharField(source="user.get_full_name")

    class Meta:
        model = Membership
        fields = ("username", "name", "role", "code")


class SiteOut(serializers.ModelSerializer):
    class Meta:
        model = Site
        fields = ("code", "name")


class SubjectOut(serializers.ModelSerializer):
    site = serializers.CharField(source="site.code")

    class Meta:
        model = Subject
        fields = ("code", "site", "age", "sex", "withdrawn_at")


class CaseOut(serializers.ModelSerializer):
    subject = serializers.CharField(source="subject.code")

    class Meta:
        model = Case
        fields = ("id", "code", "subject", "region", "plane", "weighting", "training", "set_aside")


class SeriesOut(serializers.ModelSerializer):
    """A de-identified series. simulated: how no scanner acquired it, "" if one did; spacing in mm; affine in NIfTI's
    axes."""

    case = serializers.CharField(source="case.code")
    arm = serializers.CharField(source="arm.code")
    simulated = serializers.CharField()

    class Meta:
        model = Series
        fields = (
            *("id", "case", "arm", "echo", "version", "active", "format", "sha256", "slices", "rows", "columns"),
            *("spacing", "affine", "parameters", "simulated", "cautions", "made_from", "model_name", "model_version"),
            *("model_sha256", "processing_seconds", "created_at"),
        )


class UploadOut(serializers.ModelSerializer):
    """refused: files that were not used, by reason."""

    refused = serializers.SerializerMethodField()
    series = serializers.IntegerField()

    class Meta:
        model = Upload
        fields = ("id", "state", "files", "bytes", "known_files", "series", "refused", "created_at", "sorted_at")

    def get_refused(self, upload: Upload) -> list[dict[str, str | int]]:
        return [{"reason": one.reason, "files": one.count} for one in upload.refusals.all()]


class CandidateOut(serializers.ModelSerializer):
    """A series that waits to be placed, as it is proposed."""

    subject = serializers.CharField(source="subject_code")
    arm = serializers.CharField(source="arm.code", default=None)
    site = serializers.CharField(source="site.code", default=None)

    class Meta:
        model = Candidate
        fields = (
            *("id", "upload", "state", "subject", "site", "region", "plane", "weighting", "arm", "certain"),
            *("objections", "slices", "rows", "columns", "spacing", "cautions", "conflict"),
        )


class JobOut(serializers.ModelSerializer):
    class Meta:
        model = Job
        fields = (
            *("id", "function", "label", "state", "progress", "message", "error", "attempts"),
            *("created_at", "started_at", "finished_at"),
        )


class EventOut(serializers.ModelSerializer):
    actor = serializers.CharField(source="actor_name")

    class Meta:
        model = Event
        fields = ("number", "at", "actor", "action", "data", "sha256", "previous")


class ProgressOut(serializers.Serializer):
    """How far a reader is; no answer in it."""

    reader = serializers.CharField()
    confirmed = serializers.IntegerField()
    total = serializers.IntegerField()
    last = serializers.DateTimeField(allow_null=True)


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


class StartedOut(serializers.Serializer):
    upload = serializers.IntegerField()


class MissingOut(serializers.Serializer):
    """By their place in the keys that were sent."""

    missing = serializers.ListField(child=serializers.IntegerField())
    known = serializers.ListField(child=serializers.IntegerField())


class LackingOut(serializers.Serializer):
    """Places of the pieces that are not there; none: the upload is being sorted."""

    missing = serializers.ListField(child=serializers.IntegerField())


class ReceivedOut(serializers.Serializer):
    new = serializers.IntegerField()


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


class AskedOut(serializers.Serializer):
    """How many jobs are new."""

    new = serializers.IntegerField()


class ChangedOut(serializers.Serializer):
    """Whether anything changed."""

    changed = serializers.BooleanField()
