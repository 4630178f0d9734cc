"""Subjects, cases and series, and what may be changed of each."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.api import asked
from readerstudy.api import serializers as out
from readerstudy.api.endpoint import LIMITS, StudyEndpoint, page
from readerstudy.api.models import Scope
from readerstudy.api.versions import ETAG, IF_MATCH, Versioned
from readerstudy.intake import undoing
from readerstudy.material import services
from readerstudy.material.models import Case, Series, Subject

PLACE = ("add_material", Scope.MATERIAL)
KEEP = OpenApiParameter("keep", bool, description="what was sent waits to be placed again; else it goes with its files")


class Subjects(StudyEndpoint):
    action = "see_material"

    @extend_schema(responses=page(out.SubjectOut), parameters=LIMITS, operation_id="subjects")
    def get(self, request: Request, slug: str) -> Response:
        """Subjects by their pseudonyms."""
        return self.page_of(self.study.subjects.select_related("site"), out.SubjectOut)


class OneSubject(Versioned):
    action = "see_material"
    changes: ClassVar = {"PATCH": ("edit_protocol", Scope.MATERIAL), "DELETE": PLACE}

    def found(self) -> Subject:
        return get_object_or_404(self.study.subjects.select_related("site", "study"), pk=self.kwargs["number"])

    def said(self) -> Any:
        return out.SubjectOut(self.found()).data

    @extend_schema(responses=out.SubjectOut, parameters=[ETAG], operation_id="subject")
    def get(self, request: Request, slug: str, number: int) -> Response:
        """One subject."""
        return self.answer()

    @extend_schema(
        request=asked.SubjectIn, responses=out.SubjectOut, parameters=[ETAG, IF_MATCH], operation_id="change_subject"
    )
    def patch(self, request: Request, slug: str, number: int) -> Response:
        """Give a subject another site, in a draft."""
        code = self.asked(asked.SubjectIn)["site"]
        with self.changing():
            services.set_site(subject=self.found(), site=self.named("sites", code), actor=self.user)
        return self.answer()

    @extend_schema(responses={204: None}, parameters=[IF_MATCH, KEEP], operation_id="remove_subject")
    def delete(self, request: Request, slug: str, number: int) -> Response:
        """Take a subject out with its cases, as long as no reader's list holds one."""
        with self.changing():
            undoing.remove_subject(subject=self.found(), keep=self.flag("keep"), actor=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Cases(StudyEndpoint):
    action = "see_material"

    @extend_schema(
        responses=page(out.CaseOut), parameters=[*LIMITS, OpenApiParameter("subject", str)], operation_id="cases"
    )
    def get(self, request: Request, slug: str) -> Response:
        """Cases: region, plane and weighting of a subject."""
        found: QuerySet[Case] = self.study.cases.select_related("subject").order_by("code")
        if subject := self.query("subject"):
            found = found.filter(subject__code=subject)
        return self.page_of(found, out.CaseOut)


class OneCase(Versioned):
    action = "see_material"
    changes: ClassVar = {"PATCH": PLACE, "DELETE": PLACE}

    def found(self) -> Case:
        return get_object_or_404(self.study.cases.select_related("subject", "study"), pk=self.kwargs["case"])

    def said(self) -> Any:
        return out.CaseOut(self.found()).data

    @extend_schema(responses=out.CaseOut, parameters=[ETAG], operation_id="case")
    def get(self, request: Request, slug: str, case: int) -> Response:
        """One case."""
        return self.answer()

    @extend_schema(request=asked.CaseIn, responses=out.CaseOut, parameters=[ETAG, IF_MATCH], operation_id="change_case")
    def patch(self, request: Request, slug: str, case: int) -> Response:
        """Use it for training, say what readers are told, set it aside or take it up again."""
        said = self.asked(asked.CaseIn, partial=True)
        with self.changing():
            one = self.found()
            if said.get("training", one.training) != one.training:
                services.set_training(case=one, training=said["training"], actor=self.user)
            if said.get("feedback", one.feedback) != one.feedback:
                services.set_feedback(case=one, text=said["feedback"], actor=self.user)
            if (reason := said.get("set_aside", one.set_aside)) != one.set_aside:
                if reason:
                    services.set_aside(case=one, reason=reason, actor=self.user)
                else:
                    services.take_up(case=one, actor=self.user)
        return self.answer()

    @extend_schema(responses={204: None}, parameters=[IF_MATCH, KEEP], operation_id="remove_case")
    def delete(self, request: Request, slug: str, case: int) -> Response:
        """Take a case out, as long as no reader's list holds it."""
        with self.changing():
            undoing.remove_case(case=self.found(), keep=self.flag("keep"), actor=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SeriesList(StudyEndpoint):
    action = "see_material"

    @extend_schema(
        responses=page(out.SeriesOut),
        parameters=[
            *LIMITS,
            OpenApiParameter("case", str),
            OpenApiParameter("arm", str),
            OpenApiParameter("all", bool, description="earlier versions too"),
        ],
        operation_id="series",
    )
    def get(self, request: Request, slug: str) -> Response:
        """Series, each the pixels of one case in one arm."""
        found: QuerySet[Series] = self.study.series.select_related("case", "arm").order_by("pk")
        if not self.flag("all"):
            found = found.filter(active=True)
        for name, field in (("case", "case__code"), ("arm", "arm__code")):
            if code := self.query(name):
                found = found.filter(**{field: code})
        return self.page_of(found, out.SeriesOut)


class _Series(Versioned):
    def found(self) -> Series:
        rows = self.study.series.select_related("study", "case__subject__site", "arm")
        return get_object_or_404(rows, pk=self.kwargs["series"])

    def said(self) -> Any:
        return out.SeriesOut(self.found()).data


class OneSeries(_Series):
    action = "see_material"
    changes: ClassVar = {"PATCH": ("type_scan_times", Scope.MATERIAL)}

    @extend_schema(responses=out.SeriesOut, parameters=[ETAG], operation_id="one_series")
    def get(self, request: Request, slug: str, series: int) -> Response:
        """One series."""
        return self.answer()

    @extend_schema(
        request=asked.SeriesIn, responses=out.SeriesOut, parameters=[ETAG, IF_MATCH], operation_id="change_series"
    )
    def patch(self, request: Request, slug: str, series: int) -> Response:
        """Type the scan time, which a person knows better than the header."""
        said = self.asked(asked.SeriesIn)
        with self.changing():
            seconds = said["acquisition_seconds"]
            services.set_acquisition_seconds(series=self.found(), seconds=seconds, actor=self.user)
        return self.answer()


class _SentSeries(_Series):
    """A series that was sent, as long as no reader's list holds it."""

    action = "add_material"
    scope = Scope.MATERIAL

    def found(self) -> Series:
        one = super().found()
        if not one.active or one.case.subject.withdrawn_at:
            raise ValidationError({"series": ["This version of the series is not in use any more."]})
        return one


class TakeBack(_SentSeries):
    @extend_schema(request=None, responses=out.CandidateOut, parameters=[IF_MATCH], operation_id="take_back")
    def post(self, request: Request, slug: str, series: int) -> Response:
        """It waits to be placed again, and what was made from it goes."""
        with self.changing():
            candidate = undoing.back_to_confirm(series=self.found(), actor=self.user)
        return Response(out.CandidateOut(candidate).data)


class MoveSeries(_SentSeries):
    @extend_schema(request=asked.MoveIn, responses=out.SeriesOut, parameters=[IF_MATCH], operation_id="move_series")
    def post(self, request: Request, slug: str, series: int) -> Response:
        """It goes to another case or arm, and what was made from it goes."""
        said = self.asked(asked.MoveIn)
        with self.changing():
            one = self.found()
            code = said.get("subject", one.case.subject.code)
            known = self.study.subjects.filter(code=code).first()
            site = self.named("sites", said["site"]) if "site" in said else None if known else one.case.subject.site
            placing = {name: said.get(name, getattr(one.case, name)) for name in ("region", "plane", "weighting")}
            arm = self.named("arms", said["arm"]) if "arm" in said else one.arm
            moved = undoing.move_series(series=one, actor=self.user, subject_code=code, site=site, arm=arm, **placing)
        return Response(out.SeriesOut(moved).data)
