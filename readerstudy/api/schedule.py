"""What readers see in which order, how balanced it is, and how an opened study is amended."""

from typing import ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.accounts import invitations
from readerstudy.api import asked
from readerstudy.api import serializers as out
from readerstudy.api.endpoint import LIMITS, StudyEndpoint, page
from readerstudy.api.models import Scope
from readerstudy.protocol.models import Amendment
from readerstudy.reading import amendments, balance
from readerstudy.reading.schedule_summary import schedule_summary


class Schedule(StudyEndpoint):
    action = "see_progress"

    @extend_schema(responses=out.ScheduleOut, operation_id="schedule")
    def get(self, request: Request, slug: str) -> Response:
        """How many pairs readers see, on which sides, how far apart: in a draft as it would be made from its seed now,
        then as opening made it."""
        return Response(out.ScheduleOut(schedule_summary(self.study)).data)


class Balance(StudyEndpoint):
    action = "see_schedule"

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT}, operation_id="balance")
    def get(self, request: Request, slug: str) -> Response:
        """The report of balance: sides, positions, distances and repeats of each reader."""
        return Response(balance.report(self.study))


class Amendments(StudyEndpoint):
    action = "see_protocol"
    changes: ClassVar = {"POST": ("withdraw_subject", Scope.PROTOCOL)}

    @extend_schema(responses=page(out.AmendmentOut), parameters=LIMITS, operation_id="amendments")
    def get(self, request: Request, slug: str) -> Response:
        """Changes after opening, the first first."""
        return self.page_of(self.study.amendments.order_by("number"), out.AmendmentOut)

    @extend_schema(request=asked.AmendmentIn, responses={201: out.AmendedOut}, operation_id="amend")
    def post(self, request: Request, slug: str) -> Response:
        """One reader or cases more, or a subject withdrawn, which cannot be taken back."""
        said = self.asked(asked.AmendmentIn)
        made, link = self._make(said["kind"], said)
        answer = out.AmendedOut({"amendment": made, "invitation": link}).data
        return Response(answer, status=status.HTTP_201_CREATED)

    def _make(self, kind: str, said: dict) -> tuple[Amendment, dict | None]:
        shared = {"study": self.study, "actor": self.user, "reason": said["reason"]}
        wanted = {"reader": "username", "cases": "cases", "subject": "subject"}[kind]
        if wanted not in said:
            raise ValidationError({wanted: ["Say which."]})
        if kind == "subject":
            subject = get_object_or_404(self.study.subjects, code=said["subject"])
            return amendments.withdraw_subject(subject=subject, **shared), None
        self.ensure_may("amend")
        if kind == "cases":
            cases = list(self.study.cases.filter(code__in=said["cases"]).select_related("subject"))
            if missing := sorted({*said["cases"]} - {case.code for case in cases}):
                raise ValidationError({"cases": [f"There is no case “{code}” in this study." for code in missing]})
            return amendments.add_cases(cases=cases, **shared), None
        member, token, made = amendments.add_reader(username=said["username"], new=said["new"], **shared)
        link = invitations.hand_out(self.request._request, user=member.user, token=token) if token else None
        return made, link
