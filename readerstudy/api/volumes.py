"""Volumes of interest of a case: which there are, and masks that a program sends."""

from typing import ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from processing.errors import InputError
from readerstudy.api import asked
from readerstudy.api import serializers as out
from readerstudy.api.endpoint import StudyEndpoint
from readerstudy.api.models import Scope
from readerstudy.archive import quarantine
from readerstudy.intake.pseudonyms import pseudonym_key
from readerstudy.intake.upload_handler import sealed_files
from readerstudy.material import volumes_of_interest
from readerstudy.material.models import Case
from readerstudy.material.site_lists import names_of


class Volumes(StudyEndpoint):
    action = "see_material"
    changes: ClassVar = {"POST": ("add_masks", Scope.MATERIAL)}
    parser_classes = (MultiPartParser,)

    def case(self) -> Case:
        there = Case.objects.filter(study=self.study, subject__withdrawn_at=None).select_related("study")
        return get_object_or_404(there, pk=self.kwargs["case"])

    @extend_schema(responses=out.VolumeOut(many=True), operation_id="volumes")
    def get(self, request: Request, slug: str, case: int) -> Response:
        """The volumes of interest of a case, without those that were removed."""
        found = self.case().volumes_of_interest.filter(removed_at=None).select_related("case")
        return Response(out.VolumeOut(found, many=True).data)

    @extend_schema(
        request={"multipart/form-data": asked.MasksIn},
        responses={201: out.VolumeOut(many=True)},
        operation_id="send_masks",
    )
    def post(self, request: Request, slug: str, case: int) -> Response:
        """Add masks: NIfTI, NRRD, DICOM segmentations or structure sets; each label of each file becomes a volume."""
        files = sealed_files(request, "masks")
        try:
            said, found = self.asked(asked.MasksIn), self.case()
            drawn_on = found.series.filter(active=True, pk=said["drawn_on"]).first()
            if drawn_on is None:
                raise InputError("Say on which series the mask was drawn.")
            made = volumes_of_interest.receive_masks(
                case=found,
                drawn_on=drawn_on,
                name=said["name"],
                files=files,
                actor=self.user,
                key=pseudonym_key(self.study),
                known=names_of(self.study),
            )
        finally:
            quarantine.erase_requests(files)
        return Response(out.VolumeOut(made, many=True).data, status=status.HTTP_201_CREATED)
