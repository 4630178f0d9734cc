"""The protocol of a draft, part by part; the study's way from state to state."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django import forms as django_forms
from django.db.models import Model
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from processing.errors import InputError
from readerstudy.api import asked
from readerstudy.api import serializers as out
from readerstudy.api.endpoint import LIMITS, StudyEndpoint, page
from readerstudy.api.models import Scope
from readerstudy.api.problems import WrongState, refused
from readerstudy.api.versions import ETAG, IF_MATCH, Versioned
from readerstudy.protocol import forms, services
from readerstudy.protocol.models import Arm, ReaderStudy
from readerstudy.protocol.selectors import moves_from, protocol_document
from readerstudy.reading.opening import request_opening
from readerstudy.reading.opening_checklist import not_ready
from readerstudy.states import State

CHANGE = ("edit_protocol", Scope.PROTOCOL)
SETTINGS = (forms.StudyForm, forms.QuestionsForm, forms.ScheduleForm, forms.HypothesisForm)


class Protocol(StudyEndpoint):
    action = "see_protocol"

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT}, operation_id="protocol")
    def get(self, request: Request, slug: str) -> Response:
        """The protocol, as in the file protocol.json of the exports."""
        return Response(protocol_document(self.study))


class Settings(Versioned):
    action = "see_protocol"
    changes: ClassVar = {"PATCH": CHANGE}

    def said(self) -> Any:
        return out.SettingsOut(self.study).data

    @extend_schema(responses=out.SettingsOut, parameters=[ETAG], operation_id="settings")
    def get(self, request: Request, slug: str) -> Response:
        """Titles, questions, schedule, hypothesis and margins."""
        return self.answer()

    @extend_schema(
        request=asked.SettingsIn, responses=out.SettingsOut, parameters=[ETAG, IF_MATCH], operation_id="change_settings"
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Change what is sent, in a draft; the rest stays."""
        changes = self.asked(asked.SettingsIn, partial=True)
        with self.changing():
            changed, errors = _with_forms(self.study, changes)
            if errors:
                raise refused(errors)
            services.save_settings(study=self.study, actor=self.user, **changed)
        return self.answer()


def _with_forms(study: ReaderStudy, changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changes, as the forms of the pages clean it, and what they say against it."""
    kinds = SETTINGS[:1] if study.images_only else SETTINGS
    changed: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    left = set(changes)
    for kind in kinds:
        form = kind(instance=ReaderStudy.objects.get(pk=study.pk))
        names = left & set(form.fields)
        left -= names
        if names:
            data = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
            form = kind({**data, **{name: changes[name] for name in names}}, instance=form.instance)
            errors |= {name: said for name, said in form.errors.items() if name in names or name == "__all__"}
            changed |= {name: form.cleaned_data[name] for name in form.changed_data if name in form.cleaned_data}
    return changed, errors | {name: ["This study compares images alone."] for name in left}


def _of_readers(part: str, study: ReaderStudy) -> None:
    if study.images_only and part in ("comparisons", "criteria"):
        raise Http404


def _arm(study: ReaderStudy, code: str | None, field: str) -> Arm | None:
    if not code:
        return None
    if found := study.arms.filter(code=code).first():
        return found
    raise ValidationError({field: [f"There is no arm “{code}” in this study."]})


def _numbers_of_arms(*names: str) -> Callable[[ReaderStudy, dict], dict]:
    """Forms know arms by number, programs by code."""

    def numbered(study: ReaderStudy, said: dict) -> dict:
        return said | {name: getattr(_arm(study, said.get(name), name), "pk", None) for name in names}

    return numbered


def _lines(study: ReaderStudy, said: dict) -> dict:
    return said | {"anchors": "\n".join(said["anchors"])} if "anchors" in said else said


class _Part:
    """One kind of rows of the protocol: how they are said and asked for, and what their form takes."""

    def __init__(
        self,
        answers: type[serializers.Serializer],
        takes: type[serializers.Serializer],
        as_form: Callable[[ReaderStudy, dict], dict] = lambda study, said: said,
    ) -> None:
        self.answers, self.takes, self.as_form = answers, takes, as_form


PARTS = {
    "arms": _Part(out.ArmOut, asked.ArmIn, _numbers_of_arms("made_from")),
    "comparisons": _Part(out.ComparisonOut, asked.ComparisonIn, _numbers_of_arms("first", "second")),
    "criteria": _Part(out.CriterionOut, asked.CriterionIn, _lines),
    "sites": _Part(out.SiteOut, asked.SiteIn),
}


def _filled(part: str, study: ReaderStudy, instance: Model | None, said: dict) -> Any:
    """A row of this part as the form of the page makes it. ValidationError says by field what is wrong."""
    _, form_class = forms.PARTS[part]
    place = getattr(instance, "place", None) if instance else getattr(study, part).count()
    data = {"place": place, **PARTS[part].as_form(study, said)}
    form: django_forms.ModelForm = form_class(data, instance=instance, study=study)
    if not form.is_valid():
        raise refused(form.errors)
    return form.save(commit=False)


def _found(study: ReaderStudy, part: str, number: int) -> Any:
    _of_readers(part, study)
    return get_object_or_404(getattr(study, part), pk=number)


def _addresses(part: str, one: str, action_: str) -> tuple[type[StudyEndpoint], type[StudyEndpoint]]:
    """The addresses of all rows of a part of the protocol, and of one of them."""
    kind = PARTS[part]
    answers, takes = kind.answers, kind.takes

    class Rows(StudyEndpoint):
        action = action_
        changes: ClassVar = {"POST": CHANGE}

        @extend_schema(responses=page(answers), parameters=LIMITS, operation_id=part)
        def get(self, request: Request, slug: str) -> Response:
            """In the order in which they stand."""
            _of_readers(part, self.study)
            return self.page_of(getattr(self.study, part).all(), answers)

        @extend_schema(request=takes, responses={201: answers}, operation_id=f"add_{one}")
        def post(self, request: Request, slug: str) -> Response:
            """One more, in a draft."""
            _of_readers(part, self.study)
            made = _filled(part, self.study, None, self.asked(takes))
            services.change_parts(study=self.study, actor=self.user, changed=[made], removed=[])
            return Response(answers(made).data, status=status.HTTP_201_CREATED)

    class Row(Versioned):
        action = action_
        changes: ClassVar = {"PATCH": CHANGE, "DELETE": CHANGE}

        def said(self) -> Any:
            return answers(_found(self.study, part, self.kwargs["number"])).data

        @extend_schema(responses=answers, parameters=[ETAG], operation_id=one)
        def get(self, request: Request, slug: str, number: int) -> Response:
            """One of them."""
            return self.answer()

        @extend_schema(request=takes, responses=answers, parameters=[ETAG, IF_MATCH], operation_id=f"change_{one}")
        def patch(self, request: Request, slug: str, number: int) -> Response:
            """Change what is sent, in a draft; the rest stays."""
            changes = self.asked(takes, partial=True)
            with self.changing():
                before = {name: value for name, value in self.said().items() if name in takes().fields}
                changed = _filled(part, self.study, _found(self.study, part, number), before | changes)
                services.change_parts(study=self.study, actor=self.user, changed=[changed], removed=[])
            return self.answer()

        @extend_schema(responses={204: None}, parameters=[IF_MATCH], operation_id=f"remove_{one}")
        def delete(self, request: Request, slug: str, number: int) -> Response:
            """Take it out of a draft; nothing may need it."""
            with self.changing():
                row = _found(self.study, part, number)
                services.change_parts(study=self.study, actor=self.user, changed=[], removed=[row])
            return Response(status=status.HTTP_204_NO_CONTENT)

    return Rows, Row


Arms, OneArm = _addresses("arms", "arm", "see_protocol")
Comparisons, OneComparison = _addresses("comparisons", "comparison", "see_protocol")
Criteria, OneCriterion = _addresses("criteria", "criterion", "see_protocol")
Sites, OneSite = _addresses("sites", "site", "see_material")


class StateOfStudy(Versioned):
    action = "see_protocol"
    scope = Scope.READ
    changes: ClassVar = {"POST": ("see_protocol", Scope.PROTOCOL)}

    def said(self) -> Any:
        steps = moves_from(self.study)
        missing = [point.text for point in not_ready(self.study)] if self.study.state == State.DRAFT else []
        said = {"state": self.study.state, "steps": [{"to": one.to, "title": one.final} for one in steps]}
        return out.StateOut(said | {"missing": missing}).data

    @extend_schema(responses=out.StateOut, parameters=[ETAG], operation_id="state")
    def get(self, request: Request, slug: str) -> Response:
        """The state of the study, where it may go from there, and what is missing before it can be opened."""
        return self.answer()

    @extend_schema(
        request=asked.StepIn,
        responses={200: out.StateOut, 202: out.JobOut},
        parameters=[ETAG, IF_MATCH],
        operation_id="move",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Open, pause, resume, close or lock. Opening is a job: it makes the schedule."""
        said = self.asked(asked.StepIn)
        with self.changing():
            step = next((one for one in moves_from(self.study) if one.to == said["to"]), None)
            if step is None:
                raise WrongState(self.study.state)
            self.ensure_may(step.action)
            if step.final and said.get("title", "").strip() != self.study.title:
                raise InputError(f"This is not the title. Type: {self.study.title}")
            if step.action == "open_study":
                job = request_opening(study=self.study, actor=self.user)
                return Response(out.JobOut(job).data, status=status.HTTP_202_ACCEPTED)
            services.move(study=self.study, to=step.to, actor=self.user)
        return self.answer()
