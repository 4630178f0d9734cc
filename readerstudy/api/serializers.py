"""What the interface says of things."""

from rest_framework import serializers

from readerstudy.accounts.models import Membership
from readerstudy.api.asked import SettingsIn
from readerstudy.api.models import Token
from readerstudy.audit.models import Event
from readerstudy.enhancement.model_runs import Run
from readerstudy.intake.models import Candidate, Upload
from readerstudy.jobs.models import Job
from readerstudy.material.models import Case, Series, Subject, VolumeOfInterest
from readerstudy.protocol import recipes
from readerstudy.protocol.forms import MODEL
from readerstudy.protocol.models import Amendment, Arm, Comparison, Criterion, ReaderStudy, Site
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
        fields = ("id", "username", "name", "role", "code")


class InvitationOut(serializers.Serializer):
    """link: by which the person sets a password, said once; sent: whether it went by mail; problem: why it did not."""

    link = serializers.CharField()
    sent = serializers.BooleanField()
    problem = serializers.CharField(allow_blank=True)


class InvitedOut(serializers.Serializer):
    """invitation: null where the account was there."""

    person = PersonOut()
    invitation = InvitationOut(allow_null=True)


class AmendmentOut(serializers.ModelSerializer):
    schedule = serializers.CharField(source="schedule_sha256")

    class Meta:
        model = Amendment
        fields = ("number", "kind", "reason", "at", "schedule")


class AmendedOut(serializers.Serializer):
    """invitation: null where no account is new."""

    amendment = AmendmentOut()
    invitation = InvitationOut(allow_null=True)


class ProgramOut(serializers.ModelSerializer):
    """A token that is good; its words are kept nowhere."""

    person = serializers.CharField(source="user.username")
    scopes = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Token
        fields = ("id", "person", "name", "scopes", "created_at", "expires_at", "used_at")


class SettingsOut(serializers.ModelSerializer):
    """Titles, questions, schedule, hypothesis; primary_comparison, primary_criterion: by their id."""

    repeat_share = serializers.FloatField()
    margin_mean = serializers.FloatField(allow_null=True)
    margin_net = serializers.FloatField(allow_null=True)

    class Meta:
        model = ReaderStudy
        fields = tuple(SettingsIn().fields)


class ArmOut(serializers.ModelSerializer):
    """made_from: code of an arm; made_by, strength, seed: as they are sent."""

    made_from = serializers.CharField(source="made_from.code", default=None, allow_null=True)
    made_by = serializers.SerializerMethodField()
    strength = serializers.SerializerMethodField()
    seed = serializers.SerializerMethodField()

    class Meta:
        model = Arm
        fields = ("id", "code", "acquisition", "reconstruction", "made_from", "made_by", "strength", "seed")

    def get_made_by(self, arm: Arm) -> str:
        if arm.recipe:
            return recipes.step(arm.recipe).kind.name
        return f"{MODEL}{arm.model_name}" if arm.model_name else ""

    def get_strength(self, arm: Arm) -> float | None:
        return recipes.step(arm.recipe).strength if arm.recipe else None

    def get_seed(self, arm: Arm) -> int | None:
        step = recipes.step(arm.recipe) if arm.recipe else None
        return step.seed if step and step.kind.chance else None


class ComparisonOut(serializers.ModelSerializer):
    first = serializers.CharField(source="first.code")
    second = serializers.CharField(source="second.code")

    class Meta:
        model = Comparison
        fields = ("id", "first", "second", "question")


class CriterionOut(serializers.ModelSerializer):
    anchors = serializers.ListField(child=serializers.CharField())
    regions = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Criterion
        fields = ("id", "code", "name", "asks", "better", "anchors", "regions")


class SiteOut(serializers.ModelSerializer):
    class Meta:
        model = Site
        fields = ("id", "code", "name")


class StepOut(serializers.Serializer):
    """title: whether the study's must be sent, as the step cannot be taken back."""

    to = serializers.CharField()
    title = serializers.BooleanField()


class StateOut(serializers.Serializer):
    """missing: before the study can be opened."""

    state = serializers.ChoiceField(choices=[(state.value, state.value) for state in State])
    steps = StepOut(many=True)
    missing = serializers.ListField(child=serializers.CharField())


class ScheduleOut(serializers.Serializer):
    """Of all readers together; in a draft as it would be made now. distance: the least between pairs of a subject."""

    pairs = serializers.IntegerField()
    readers = serializers.IntegerField()
    each = serializers.IntegerField()
    training = serializers.IntegerField()
    repeats = serializers.IntegerField()
    left = serializers.IntegerField()
    right = serializers.IntegerField()
    distance = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField(allow_blank=True)
    notes = serializers.ListField(child=serializers.CharField())


class SubjectOut(serializers.ModelSerializer):
    site = serializers.CharField(source="site.code")

    class Meta:
        model = Subject
        fields = ("id", "code", "site", "age", "sex", "withdrawn_at")


class CaseOut(serializers.ModelSerializer):
    subject = serializers.CharField(source="subject.code")

    class Meta:
        model = Case
        fields = ("id", "code", "subject", "region", "plane", "weighting", "training", "feedback", "set_aside")


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


class VolumeOut(serializers.ModelSerializer):
    """A volume of interest. drawn_on: number of its series; sha256: of the cleaned mask."""

    case = serializers.CharField(source="case.code")

    class Meta:
        model = VolumeOfInterest
        fields = (
            "id",
            "case",
            "name",
            "drawn_on",
            "sha256",
            "voxels",
            "millilitres",
            "origin",
            "version",
            "created_at",
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
    arm = serializers.CharField(source="arm.code", default=None, allow_null=True)
    site = serializers.CharField(source="site.code", default=None, allow_null=True)

    class Meta:
        model = Candidate
        fields = (
            *("id", "upload", "state", "subject", "site", "region", "plane", "weighting", "arm", "certain"),
            *("objections", "slices", "rows", "columns", "spacing", "cautions", "conflict"),
        )


class ModelOut(serializers.Serializer):
    """A model that can make an arm. problem: why it cannot be used; weakness: where it is known to lose."""

    name = serializers.CharField()
    version = serializers.CharField(allow_blank=True)
    sha256 = serializers.CharField(allow_blank=True)
    shipped = serializers.BooleanField()
    problem = serializers.CharField(allow_blank=True)
    weakness = serializers.CharField(allow_blank=True)


class RunOut(serializers.Serializer):
    """A made arm, and how many of its series are there, wait, work, failed or could be made now."""

    arm = serializers.CharField(source="arm.code")
    model = serializers.CharField(source="arm.model_name")
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    left = serializers.IntegerField()
    waiting = serializers.IntegerField()
    running = serializers.IntegerField()
    failed = serializers.SerializerMethodField()

    def get_failed(self, run: Run) -> int:
        return len(run.failed)


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


class AskedOut(serializers.Serializer):
    """How many jobs are new."""

    new = serializers.IntegerField()


class ChangedOut(serializers.Serializer):
    """Whether anything changed."""

    changed = serializers.BooleanField()
