"""The upload as the page's script drives it: begin, which pieces are missing, here they are, done. JSON out."""

import json
from collections.abc import Callable
from functools import wraps

from django.core.exceptions import BadRequest
from django.http import JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.intake import receiving
from readerstudy.jobs.disk import NoRoomError
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy

MOST_KEYS = 100_000


def _says_why(view: Callable) -> Callable:
    """What cannot be taken is answered with a sentence: 400 if it is no JSON, 507 where the disk is full, else 422."""

    @wraps(view)
    def wrapped(*args, **kwargs):
        try:
            return view(*args, **kwargs)
        except BadRequest as error:
            status, said = 400, str(error)
        except NoRoomError as error:
            status, said = 507, str(error)
        except InputError as error:
            status, said = 422, str(error)
        return JsonResponse({"detail": said}, status=status)

    return wrapped


def _request_json(request: StudyRequest) -> dict:
    try:
        asked = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request was not understood. Reload the page.") from error
    return asked if isinstance(asked, dict) else {}


def _keys(asked: dict) -> list[str]:
    keys = asked.get("keys")
    if not isinstance(keys, list) or len(keys) > MOST_KEYS or not all(isinstance(key, str) for key in keys):
        raise InputError(f"An upload can have {MOST_KEYS:,} pieces at most. Send fewer files at a time.")
    return keys


def _number(asked: dict, name: str) -> int:
    value = asked.get(name)
    if not isinstance(value, int) or not 0 <= value < 2**62:
        raise InputError("The request was not understood. Reload the page.")
    return value


@never_cache
@study_page("add_material")
@require_POST
@_says_why
def begin(request: StudyRequest, study: ReaderStudy) -> JsonResponse:
    asked = _request_json(request)
    upload = receiving.begin(
        study=study, user=request.user, files=_number(asked, "files"), size=_number(asked, "bytes")
    )
    return JsonResponse({"upload": upload.pk})


@never_cache
@study_page("add_material")
@require_POST
@_says_why
def missing(request: StudyRequest, study: ReaderStudy, upload: int) -> JsonResponse:
    found = receiving.open_upload(study=study, user=request.user, number=upload)
    return JsonResponse(receiving.missing(upload=found, keys=_keys(_request_json(request))))


@never_cache
@study_page("add_material")
@require_POST
@_says_why
def pieces(request: StudyRequest, study: ReaderStudy, upload: int) -> JsonResponse:
    found = receiving.open_upload(study=study, user=request.user, number=upload)
    return JsonResponse({"new": receiving.receive_batch(upload=found, stream=request)})


@never_cache
@study_page("add_material")
@require_POST
@_says_why
def finish(request: StudyRequest, study: ReaderStudy, upload: int) -> JsonResponse:
    found = receiving.open_upload(study=study, user=request.user, number=upload)
    asked = _request_json(request)
    counts = {"files": _number(asked, "files"), "known": _number({"known": 0} | asked, "known")}
    lacking = receiving.finish(upload=found, keys=_keys(asked), actor=request.user, **counts)
    return JsonResponse({"missing": lacking, "next": reverse("material", args=[study.slug])})


@study_page("add_material")
@require_POST
@_says_why
def discard(request: StudyRequest, study: ReaderStudy, upload: int):
    receiving.discard(upload=receiving.open_upload(study=study, user=request.user, number=upload))
    return redirect("material", study.slug)
