"""CSVs about subjects: diagnosis and lesion origin, and the screening log."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.archive import quarantine
from readerstudy.intake.upload_handler import sealed_files
from readerstudy.material import screening
from readerstudy.material.cohort import rows_of_csv, set_clinical
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy

LARGEST = 4 << 20


@study_page("add_material")
@require_POST
def take_subject_codes(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Keep what a CSV says of subjects, all rows or none."""

    def keep(content: bytes) -> str:
        count = set_clinical(study=study, rows=rows_of_csv(content), actor=request.user)
        return f"{count} subject{'' if count == 1 else 's'} changed."

    return _taken(request, study, keep)


@study_page("keep_screening")
@require_POST
def take_screening(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Have what a CSV says be the screening log."""

    def keep(content: bytes) -> str:
        exclusions = screening.rows_of_csv(content)
        screening.set_exclusions(study=study, exclusions=exclusions, actor=request.user)
        return "The screening log is that of the CSV."

    return _taken(request, study, keep)


def _taken(request: StudyRequest, study: ReaderStudy, keep: Callable[[bytes], str]) -> HttpResponse:
    """Have the one CSV that was sent kept, and say what came of it."""
    files = sealed_files(request, "table")
    try:
        if len(files) != 1 or (files[0].size or 0) > LARGEST:
            raise InputError("Choose one CSV of at most 4 MB.")
        messages.success(request, keep(quarantine.plain_bytes(files[0].path, files[0].salt)))
    except InputError as error:
        messages.error(request, str(error))
    finally:
        quarantine.erase_requests(files)
    return redirect("subjects", study.slug)
