"""In which form an answer is wanted (PS3.18 8.7)."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.http.request import MediaType
from pydicom.uid import ExplicitVRLittleEndian
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

JSON = ("application/dicom+json", "application/json")
DICOM, BYTES = "application/dicom", "application/octet-stream"
OURS = ("", "*", str(ExplicitVRLittleEndian))  # the archive has no other transfer syntax


class AnyForm(BaseContentNegotiation):
    """The views look at the header themselves: the forms of DICOMweb lie in parameters of media types."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> None:
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


def accepted(request: HttpRequest) -> list[tuple[str, str, str]]:
    """Media type, that of the parts if it has some, and transfer syntax of each form that is wanted, in order."""
    asked = request.GET.get("accept") or request.headers.get("Accept", "*/*")
    found = []
    for one in asked.split(","):
        media = MediaType(one)
        kind = f"{media.main_type}/{media.sub_type}".lower()
        parameters = {name.lower(): str(value) for name, value in media.params.items()}
        found.append((kind, parameters.get("type", "").lower(), parameters.get("transfer-syntax", "")))
    return found


def ensure_json(request: HttpRequest) -> None:
    """NotAcceptable unless JSON is."""
    if not any(kind in (*JSON, "*/*", "application/*") for kind, *_ in accepted(request)):
        raise NotAcceptable(f"This is told as {JSON[0]} alone.")


def in_parts(request: HttpRequest, of: str, *, alone: bool) -> bool:
    """Whether parts of this type are wanted, and not one alone. NotAcceptable if neither is.

    alone: whether what is asked for can come without parts.
    """
    for kind, parts, syntax in accepted(request):
        if syntax not in OURS:
            continue
        if kind == "*/*" or (kind == "multipart/related" and parts in ("", "*/*", "application/*", of)):
            return True
        if alone and kind == of:
            return False
    raise NotAcceptable(f'This is given as multipart/related; type="{of}", uncompressed (Explicit VR Little Endian).')


def picture(request: HttpRequest) -> str:
    """Whether JPEG or PNG is wanted: the name that Pillow has for it. NotAcceptable if neither is."""
    for kind, *_ in accepted(request):
        if kind in ("*/*", "image/*", "image/jpeg"):
            return "JPEG"
        if kind == "image/png":
            return "PNG"
    raise NotAcceptable("Pictures are given as image/jpeg and image/png.")
