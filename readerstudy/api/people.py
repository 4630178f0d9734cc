"""Who has which role, and whose programs come in."""

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.accounts import invitations, services
from readerstudy.accounts.forms import MemberForm
from readerstudy.api import asked, tokens
from readerstudy.api import serializers as out
from readerstudy.api.endpoint import LIMITS, StudyEndpoint, page
from readerstudy.api.models import Scope
from readerstudy.api.problems import refused
from readerstudy.api.versions import ETAG, IF_MATCH, Versioned

CHANGE = ("manage_members", Scope.PEOPLE)


class People(StudyEndpoint):
    action = "manage_members"
    changes: ClassVar = {"POST": CHANGE}

    @extend_schema(responses=page(out.PersonOut), parameters=LIMITS, operation_id="people")
    def get(self, request: Request, slug: str) -> Response:
        """Who has which role."""
        return self.page_of(self.study.memberships.select_related("user").order_by("pk"), out.PersonOut)

    @extend_schema(request=asked.PersonIn, responses={201: out.InvitedOut}, operation_id="add_person")
    def post(self, request: Request, slug: str) -> Response:
        """Give a person a role; a new account gets an invitation, which is said once."""
        form = MemberForm(self.asked(asked.PersonIn), readers=not self.study.images_only)
        if not form.is_valid():
            raise refused(form.errors)
        member, token = services.add_person(study=self.study, actor=self.user, **form.cleaned_data)
        link = invitations.hand_out(request._request, user=member.user, token=token) if token else None
        said = out.InvitedOut({"person": member, "invitation": link}).data
        return Response(said, status=status.HTTP_201_CREATED)


class OnePerson(Versioned):
    action = "manage_members"
    changes: ClassVar = {"DELETE": CHANGE}

    def said(self) -> Any:
        return out.PersonOut(get_object_or_404(self.study.memberships, pk=self.kwargs["number"])).data

    @extend_schema(responses=out.PersonOut, parameters=[ETAG], operation_id="person")
    def get(self, request: Request, slug: str, number: int) -> Response:
        """One person's role."""
        return self.answer()

    @extend_schema(responses={204: None}, parameters=[IF_MATCH], operation_id="remove_person")
    def delete(self, request: Request, slug: str, number: int) -> Response:
        """Take the role away; not of a reader once the study is open, nor of the last admin."""
        with self.changing():
            member = get_object_or_404(self.study.memberships.select_related("user"), pk=number)
            services.remove_member(member=member, actor=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Programs(StudyEndpoint):
    action = "manage_members"

    @extend_schema(responses=page(out.ProgramOut), parameters=LIMITS, operation_id="programs")
    def get(self, request: Request, slug: str) -> Response:
        """Every token of the study that is good, whosever it is."""
        return self.page_of(tokens.of_study(self.study), out.ProgramOut)


class OneProgram(StudyEndpoint):
    action = "manage_members"
    changes: ClassVar = {"DELETE": CHANGE}

    @extend_schema(responses=out.ProgramOut, operation_id="program")
    def get(self, request: Request, slug: str, number: int) -> Response:
        """One of them."""
        return Response(out.ProgramOut(get_object_or_404(tokens.of_study(self.study), pk=number)).data)

    @extend_schema(responses={204: None}, operation_id="end_program")
    def delete(self, request: Request, slug: str, number: int) -> Response:
        """From now on this token opens nothing."""
        tokens.end(token=get_object_or_404(tokens.of_study(self.study), pk=number), actor=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
