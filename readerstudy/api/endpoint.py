"""What every address of the interface does: who asks, which study, whether the table of permissions and the token allow
it; pages of lists."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.http import Http404
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from processing.errors import InputError
from readerstudy.accounts.authentication import SessionAuthentication
from readerstudy.accounts.models import Membership, User
from readerstudy.accounts.permissions import may, may_ever, role_may
from readerstudy.api import problems
from readerstudy.api.authentication import BearerAuthentication
from readerstudy.api.models import Scope, Token
from readerstudy.protocol.access import membership_of
from readerstudy.protocol.models import ReaderStudy


class Pages(LimitOffsetPagination):
    """?limit=…&offset=…"""

    default_limit, max_limit = 100, 1000


MOST_DIGITS = 18  # of a number that the database can compare with
LIMITS = [
    OpenApiParameter("limit", OpenApiTypes.INT, description="rows of a page, 1000 at most"),
    OpenApiParameter("offset", OpenApiTypes.INT, description="of the first row of the page"),
]


def page(of: type[serializers.Serializer]) -> serializers.Serializer:
    """What a page of such rows looks like."""
    address = serializers.URLField(allow_null=True)
    fields: dict[str, serializers.Field] = {
        "count": serializers.IntegerField(),
        "next": address,
        "previous": address,
        "results": of(many=True),
    }
    return inline_serializer(f"PageOf{of.__name__.removesuffix('Out')}", fields)


class Rate(UserRateThrottle):
    """Of one person, whichever token or session asks."""

    rate = "1200/min"


class Endpoint(APIView):
    """How every address knows who asks, and answers."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (BearerAuthentication, SessionAuthentication)
    throttle_classes: Sequence[type[UserRateThrottle]] = (Rate,)
    request: Request

    def get_exception_handler(self) -> Callable[[Exception, Any], Response | None]:
        return problems.answer

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Any:
        found = super().finalize_response(request, response, *args, **kwargs)
        add_never_cache_headers(found)
        patch_vary_headers(found, ["Authorization"])
        return found

    @property
    def user(self) -> User:
        """Who asks: nobody gets here without having shown it."""
        return cast(User, self.request.user)


@extend_schema(exclude=True)
class Nothing(Endpoint):
    """Every address below that of the interface that there is not: a problem, not a page."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Http404


class StudyEndpoint(Endpoint):
    """An address of a study. action: of the table of permissions; scope: what a token must allow. changes: both for
    methods where they are others."""

    action: ClassVar[str]
    scope: ClassVar[Scope] = Scope.READ
    changes: ClassVar[Mapping[str, tuple[str, Scope]]] = {}
    member: Membership

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.member = member_of(request, kwargs["slug"])
        action, scope = self.changes.get(request.method or "", (self.action, self.scope))
        if not role_may(self.member.role, action):
            raise Http404
        if isinstance(request.auth, Token) and scope not in request.auth.scopes:
            raise PermissionDenied(f"This token does not allow to {scope.label}.")
        self.ensure_may(action)

    def ensure_may(self, action: str) -> None:
        """404 for a role that never does it, 409 where it is not for the study's present state."""
        if not role_may(self.member.role, action):
            raise Http404
        if not may(self.member, action):
            raise problems.WrongState(self.study.state if may_ever(self.member, action) else "")

    @property
    def study(self) -> ReaderStudy:
        return self.member.study

    @property
    def mine(self) -> dict[str, Any]:
        """Study, person, and number of the token if a program asks: it shares no upload with browser or others."""
        token = self.request.auth
        return {"study": self.study, "user": self.user, "token": token.pk if isinstance(token, Token) else None}

    def page_of(self, rows: QuerySet, serializer: type[BaseSerializer]) -> Response:
        """One page of these rows."""
        pages = Pages()
        found = pages.paginate_queryset(rows, self.request, view=self)
        return pages.get_paginated_response(serializer(found, many=True).data)

    def asked(self, serializer: type[serializers.Serializer], *, partial: bool = False) -> dict[str, Any]:
        """What was sent, checked; 400 says by field what cannot be taken."""
        found = serializer(data=self.request.data, partial=partial)
        found.is_valid(raise_exception=True)
        return found.validated_data

    def query(self, name: str) -> str:
        """A parameter behind the question mark; "" where there is none. 400 for one that no text has."""
        value = self.request.query_params.get(name, "")
        if "\0" in value:
            raise ValidationError({name: ["Null characters are not allowed."]})
        return value

    def flag(self, name: str) -> bool:
        """Whether a parameter says yes."""
        return self.query(name).lower() in ("1", "true")

    def number(self, name: str) -> int | None:
        """A whole number; 400 for anything else, None for nothing."""
        value = self.query(name)
        if value and not (value.isascii() and value.isdecimal() and len(value) < MOST_DIGITS):
            raise ValidationError({name: ["A whole number is needed."]})
        return int(value) if value else None

    def time(self, name: str) -> datetime | None:
        """A time as in ISO 8601, UTC if it does not say; 400 for anything else, None for nothing."""
        value = self.query(name)
        try:
            found = datetime.fromisoformat(value) if value else None
            return found and (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValidationError({name: ["A time is needed, as 2026-11-30T12:00:00Z."]}) from error

    def named(self, rows: str, code: str) -> Any:
        """An arm or a site of the study by its code. InputError if there is none."""
        if found := getattr(self.study, rows).filter(code=code).first():
            return found
        raise InputError(f"There is no {rows.removesuffix('s')} “{code}” in this study.")


def member_of(request: Request, slug: str) -> Membership:
    """Who asks, in the study of this address; 404 where there is none, or the token is of another one."""
    member = membership_of(request.user, slug)
    if isinstance(request.auth, Token) and request.auth.study_id != member.study_id:
        raise Http404
    return member
