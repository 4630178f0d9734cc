"""The reading room: one page and its JSON. A reader reaches the own presentations only; the rest is 404."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import never_cache
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from readerstudy.accounts import keys
from readerstudy.accounts.models import Membership
from readerstudy.accounts.permissions import may, role_may
from readerstudy.archive.parts import LostError, read_part
from readerstudy.audit.services import RecordError
from readerstudy.protocol.access import StudyRequest, known_member, membership_of, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import briefing, frames, selectors, serializers, services
from readerstudy.reading.models import Presentation, Statement
from readerstudy.reading.remaking import ask_to_remake
from readerstudy.reading.writes import ConflictError


def next_turn(member: Membership) -> dict:
    """The pair whose turn it is now, started; or the briefing before it, the questions and the end."""
    found = selectors.current_pair(member)
    if found is not None and briefing.unread(member):
        return {"briefing": True}
    if found is not None:
        found = services.start(presentation=found)
    return selectors.room_json(member, found)


@never_cache
@study_page("read")
def room(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    first = next_turn(request.membership)
    if "briefing" in first:
        return redirect("briefing", study.slug)
    config = {
        **selectors.room_config(study),
        "reader": request.membership.code,
        "base": reverse("current", args=[study.slug]).removesuffix("current/"),
        "home": reverse("home"),
        "login": reverse("login"),
        "sign": reverse("sign_reading", args=[study.slug]),
        "keys": keys.bound(request.membership.user),
        "keys_address": reverse("keys"),
        "briefing": reverse("briefing", args=[study.slug]),
        "unpack": static("viewer/unpack.js"),
        "first": first,
    }
    # The page gets three harmless facts of the study, not the study: what is not there cannot leak.
    shown = {"reader_title": study.reader_title, "slug": study.slug, "synthetic": study.synthetic}
    return render(
        request,
        "reading/room.html",
        {
            "study": shown,
            "config": config,
            "middle": middle_frame(study, first),
            "briefing": briefing.page(study),
            "caps": keys.caps(config["keys"]),
        },
    )


def middle_frame(study: ReaderStudy, first: dict) -> str:
    """Address of the frame that the page begins with, "" where it shows none at once."""
    if not first.get("geometry"):
        return ""
    return reverse("frame", args=[study.slug, first["token"], first["order"][0]])


STOPPED = (
    "Reading has stopped: the record of this study does not hold, and the study's admins have been told. Your answers "
    "are kept in this browser."
)


class ConflictResponse(APIException):
    """409 with a code that the reading room understands; 422 where something is missing."""

    status_code = 409

    def __init__(self, conflict: ConflictError, **more: object) -> None:
        # As it is: the framework's own makes strings of numbers.
        self.detail: Any = {"detail": str(conflict), "code": conflict.code, **conflict.more, **more}
        if conflict.code == "missing":
            self.status_code = 422


class LostImage(APIException):
    """What was kept of an image is not what was prepared: it is not shown."""

    status_code, wait = 503, 5  # seconds
    default_detail = "This image is damaged on the server, and is being made again. Wait a moment."


class ReadingView(APIView):
    """JSON for one reader of one study."""

    action = "read"

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        self.known = known_member(request.session, kwargs["slug"])
        if self.known is not None:
            request.user = self.known.user  # who is asked for again otherwise
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        self.member = ensured_member(request, kwargs["slug"], self.known)
        if not role_may(self.member.role, self.action):
            raise Http404
        if not may(self.member, self.action) and not self.is_repeated(request):
            state = self.member.study.state
            raise ConflictResponse(ConflictError("not_open", "Reading is closed at the moment.", state=state))

    def is_repeated(self, request: Request) -> bool:
        """Whether this very write was accepted before: that it is there is said in a closed study too."""
        try:
            said = serializers.KeyIn(data=request.query_params if request.method == "DELETE" else request.data)
        except APIException:  # no JSON
            return False
        return said.is_valid() and selectors.is_accepted(self.member, said.validated_data["key"])

    def presentation(self) -> Presentation:
        found = services.own_presentation(self.member, self.kwargs["token"])
        if found is None:
            raise Http404
        return found

    def valid_data(self, serializer_class: type, data: dict | None = None) -> dict:
        serializer = serializer_class(data=self.request.data if data is None else data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, RecordError):  # what it says is for who runs the site
            exc = ConflictError("not_open", STOPPED)
        if isinstance(exc, ConflictError):
            token = self.kwargs.get("token", "") if exc.code != "not_open" else ""
            found = services.own_presentation(self.member, token)
            exc = ConflictResponse(
                exc, **({"present": selectors.refused_pair_json(self.member, found)} if found else {})
            )
        return super().handle_exception(exc)

    def accepted_write(self, presentation: Presentation, key: UUID, **more: object) -> dict:
        """What is said of an accepted write: the presentation as this write left it."""
        return {"saved": True, "on": selectors.on_after(presentation, key), **more}

    def next_after(self, presentation: Presentation, key: UUID) -> dict:
        """What is said of the last write on a presentation: what follows it, and how it was left."""
        was = {"token": presentation.token, "on": selectors.on_after(presentation, key)}
        return next_turn(self.member) | {"was": was}

    def finalize_response(self, request: Request, response: Response, *args, **kwargs) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


def ensured_member(request: Request, slug: str, member: Membership | None) -> Membership:
    """Who asks; member: if that is known. Conflict if somebody else is signed in by now: who reads under which code in
    this study, says the browser."""
    code = request.headers.get("X-Reader")
    try:
        member = member or membership_of(request.user, slug)
    except Http404:
        if not code:
            raise
    if member is None or code not in (None, "", member.code):
        raise ConflictResponse(ConflictError("other_reader", "Somebody else is signed in. Sign in again to go on."))
    return member


class CurrentView(ReadingView):
    def get(self, request: Request, **kwargs) -> Response:
        return Response(next_turn(self.member))


class PresentationView(ReadingView):
    """One own presentation: the current one, the next few (to fetch ahead), the one before (where allowed)."""

    def presentation(self) -> Presentation:
        found = super().presentation()
        if not selectors.within_reach(self.member, found):
            raise Http404
        return found

    def get(self, request: Request, **kwargs) -> HttpResponse:
        return Response(selectors.room_json(self.member, self.presentation()))


class FrameView(PresentationView):
    """One wide frame [left | right], compressed alone and padded: its length is the same in both orders."""

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        code = request.headers.get("X-Reader", "")
        content = frames.frame(request.session, code=code, **kwargs) if request.method == "GET" else None
        return super().dispatch(request, *args, **kwargs) if content is None else _frame(content)

    def get(self, request: Request, **kwargs) -> HttpResponse:
        presentation, index = self.presentation(), kwargs["index"]
        pair = selectors.prepared_pair(presentation)
        if pair is None or index >= len(pair.order):
            raise Http404
        sha256 = selectors.frames_sha256(presentation, pair)
        try:
            both = (pair.first_left_sha256, pair.first_right_sha256)
            return _frame(read_part(sha256, pair.offsets, index, beside=both))
        except LostError:
            ask_to_remake(presentation.case)
            raise LostImage from None


def _frame(content: bytes) -> HttpResponse:
    return HttpResponse(content, content_type="application/octet-stream", headers={"Cache-Control": "no-store"})


class RatingView(ReadingView):
    def put(self, request: Request, criterion: int, **kwargs) -> Response:
        presentation, data = self.presentation(), self.valid_data(serializers.RatingIn)
        asked = {c.pk: c for c in selectors.asked_criteria(presentation)}
        if criterion not in asked:
            raise Http404
        rating = services.rate(presentation=presentation, criterion=asked[criterion], **data)
        return Response(self.accepted_write(presentation, data["key"], revision=rating.revision))


class StatementView(ReadingView):
    subject = Statement.Subject.INTEGRITY
    serializer: type[Serializer] = serializers.IntegrityIn
    field = "value"

    def put(self, request: Request, **kwargs) -> Response:
        presentation, data = self.presentation(), self.valid_data(self.serializer)
        statement = services.state(
            presentation=presentation, subject=self.subject, value=data[self.field], key=data["key"], on=data["on"]
        )
        return Response(self.accepted_write(presentation, data["key"], revision=statement.revision))


class FindingsView(ReadingView):
    def post(self, request: Request, **kwargs) -> Response:
        presentation, data = self.presentation(), self.valid_data(serializers.FindingIn)
        finding = services.report_finding(presentation=presentation, **data)
        return Response(
            self.accepted_write(presentation, data["key"], id=selectors.finding_number(finding)), status=201
        )


class FindingView(ReadingView):
    def delete(self, request: Request, finding: int, **kwargs) -> Response:
        found = selectors.numbered_finding(self.presentation(), finding)
        if found is None:
            raise Http404
        data = self.valid_data(serializers.WriteAddress, request.query_params)
        services.withdraw_finding(finding=found, **data)
        return Response(self.accepted_write(found.presentation, data["key"]))


class TimeView(ReadingView):
    def post(self, request: Request, **kwargs) -> Response:
        total = services.report_time(presentation=self.presentation(), **self.valid_data(serializers.TimeIn))
        return Response({"seconds": total})


class ConfirmView(ReadingView):
    def post(self, request: Request, **kwargs) -> Response:
        presentation, data = self.presentation(), self.valid_data(serializers.ConfirmIn)
        services.confirm(presentation=presentation, **data)
        return Response(self.next_after(presentation, data["key"]) | _feedback(presentation))


def _feedback(presentation: Presentation) -> dict:
    """What a reader is told after a practice pair."""
    told = presentation.kind == Presentation.Kind.TRAINING and presentation.case.feedback
    return {"feedback": presentation.case.feedback} if told else {}


class SkipView(ReadingView):
    """A technical problem: this pair comes again at the end of its part."""

    def post(self, request: Request, **kwargs) -> Response:
        presentation, data = self.presentation(), self.valid_data(serializers.SkipIn)
        services.skip(presentation=presentation, **data)
        return Response(self.next_after(presentation, data["key"]))


class FinishView(ReadingView):
    """The last look at the end of the list is over: no way back, and the questions that name arms follow."""

    def post(self, request: Request, **kwargs) -> Response:
        services.finish(member=self.member, **self.valid_data(serializers.KeyIn))
        return Response(next_turn(self.member))


class GuessView(ReadingView):
    """Which image the reader believes was which, after the end of the list."""

    def post(self, request: Request, **kwargs) -> Response:
        presentation, data = self.presentation(), self.valid_data(serializers.GuessIn)
        services.guess(presentation=presentation, **data)
        return Response(self.next_after(presentation, data["key"]))
