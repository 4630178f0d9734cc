"""Things that are changed: each answer bears an ETag, and a change names the one that it was made on (RFC 9110)."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from readerstudy.api import problems
from readerstudy.api.endpoint import StudyEndpoint
from readerstudy.audit.studies import study_for_update

ETAG = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 201])
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="ETag of what was seen; * for whatever it is now",
)


def etag(said: Any) -> str:
    """Of what an answer says."""
    return f'"{hashlib.sha256(JSONRenderer().render(said)).hexdigest()[:32]}"'


class Versioned(StudyEndpoint):
    """An address of one thing that can be changed."""

    def said(self) -> Any:
        """What is answered of it now."""
        raise NotImplementedError

    def answer(self, status: int = 200) -> Response:
        """How it is now, with its ETag."""
        said = self.said()
        return Response(said, status, headers={"ETag": etag(said)})

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change it in this block, all or nothing, while nobody else changes the study. 428 without If-Match, 412 if it
        is not what was seen."""
        if not (seen := self.request.headers.get("If-Match", "").strip()):
            raise problems.NotSaid
        with transaction.atomic():
            self.member.study = study_for_update(self.study)  # as it is now: another's change may have come meanwhile
            if seen != "*" and etag(self.said()) not in [one.strip() for one in seen.split(",")]:
                raise problems.Changed
            yield
            self.study.refresh_from_db()
