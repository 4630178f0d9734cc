"""WADO-RS: files, their headers, frames and pictures, as they lie in the archive (PS3.18 10.4)."""

import io
import json
import re
from collections.abc import Iterator

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from readerstudy.archive import store
from readerstudy.dicomweb import headers, negotiation, parts, pictures
from readerstudy.dicomweb.endpoint import DicomEndpoint
from readerstudy.dicomweb.models import Header
from readerstudy.material.volumes import SUFFIX

SYNTAX = f"transfer-syntax={ExplicitVRLittleEndian}"
PIXELS = "7FE00010"


class _Retrieve(DicomEndpoint):
    def files(self, **uids: str) -> list[str]:
        """Names in the archive of the files that these UIDs name. RecordError if the log knows them otherwise, or one
        is not as it was kept; InputError if one is not there."""
        if "instance_uid" in uids:
            header, place = self.instance(**uids)
            return self.file_at(header, place)
        hashes = [sha256 for header in self.sealed(**uids) for sha256 in headers.hashes(header.series)]
        self.ensure_whole(hashes)
        return hashes

    def file_at(self, header: Header, place: int) -> list[str]:
        """The same of one file of a series, when all of it are there."""
        hashes = headers.hashes(header.series)
        store.ensure_there(hashes)
        self.ensure_whole(hashes[place : place + 1])
        return hashes[place : place + 1]


class Retrieve(_Retrieve):
    """A study, a series, an instance."""

    def get(self, request: Request, slug: str, **uids: str) -> HttpResponseBase:
        files = self.files(**uids)
        if not negotiation.in_parts(request, negotiation.DICOM, alone=len(files) == 1):
            return StreamingHttpResponse(store.pieces(files[0]), content_type=f"{negotiation.DICOM}; {SYNTAX}")
        kind = f"{negotiation.DICOM}; {SYNTAX}"
        return parts.stream(((kind, store.pieces(sha256)) for sha256 in files), negotiation.DICOM)


class Metadata(_Retrieve):
    """The headers of all instances; of pixels the address."""

    def get(self, request: Request, slug: str, **uids: str) -> HttpResponseBase:
        negotiation.ensure_json(request)
        files = self.files(**uids)
        return StreamingHttpResponse(self._written(files), content_type=negotiation.JSON[0])

    def _written(self, files: list[str]) -> Iterator[str]:
        before = "["
        for sha256 in files:
            with store.local_files([sha256], SUFFIX["dicom"]) as (path,):
                dataset = dcmread(path, stop_before_pixels=True)
            row = dataset.to_json_dict(suppress_invalid_tags=True)
            way = f"studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
            address = f"{self.base}{way}/instances/{dataset.SOPInstanceUID}/bulkdata/{PIXELS}"
            row[PIXELS] = {"vr": "OB" if dataset.BitsAllocated == 8 else "OW", "BulkDataURI": address}
            yield before + json.dumps(row)
            before = ","
        yield "]"


class Frames(_Retrieve):
    """Some frames of an instance, or all of its pixels, as bytes without compression."""

    def get(
        self,
        request: Request,
        slug: str,
        study_uid: str,
        series_uid: str,
        instance_uid: str,
        frames: str = "",
        tag: str = PIXELS,
    ) -> HttpResponseBase:
        header, place = self.instance(study_uid, series_uid, instance_uid)
        if tag.upper() != PIXELS:
            raise Http404
        (sha256,) = self.file_at(header, place)
        there = headers.instances(header)[place][3]
        runs = [(number, 1) for number in _numbers(frames, there)] if frames else [(1, there)]
        kind = f"{negotiation.BYTES}; {SYNTAX}"
        if negotiation.in_parts(request, negotiation.BYTES, alone=len(runs) == 1):
            return parts.stream(((kind, _pixels(sha256, *run)) for run in runs), negotiation.BYTES)
        return StreamingHttpResponse(_pixels(sha256, *runs[0]), content_type=kind)


class Rendered(_Retrieve):
    """One frame as a picture for people; of an instance of several the first."""

    def get(
        self, request: Request, slug: str, study_uid: str, series_uid: str, instance_uid: str, frames: str = "1"
    ) -> HttpResponseBase:
        header, place = self.instance(study_uid, series_uid, instance_uid)
        numbers = _numbers(frames, headers.instances(header)[place][3])
        if len(numbers) != 1:
            raise ValidationError("One frame at a time is drawn.")
        form, wanted = negotiation.picture(request), pictures.read_wanted(request.query_params)
        with store.local_files(self.file_at(header, place), SUFFIX["dicom"]) as (path,):
            picture = pictures.drawn(path, numbers[0] - 1, wanted)
        content = io.BytesIO()
        picture.save(content, form, **({"quality": wanted.quality} if form == "JPEG" else {}))
        return HttpResponse(content.getvalue(), content_type=f"image/{form.lower()}")


def _numbers(text: str, there: int) -> list[int]:
    """Frames from 1, as a list in an address says; Http404 if the instance has not so many."""
    if not re.fullmatch(r"\d{1,6}(,\d{1,6})*", text):
        raise ValidationError("Frames are numbers from 1 with commas between.")
    numbers = [int(number) for number in text.split(",")]
    if not all(1 <= number <= there for number in numbers):
        raise Http404
    return numbers


def _pixels(sha256: str, first: int, count: int) -> Iterator[bytes]:
    """The stored bytes of frames, from 1, piece by piece."""
    with store.local_files([sha256], SUFFIX["dicom"]) as (path,):
        yield from pictures.frame_bytes(path, first - 1, count)
