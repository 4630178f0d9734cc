"""A CSV with diagnosis and lesion origin of subjects."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.archive import quarantine
from readerstudy.intake.upload_handler import sealed_files
from readerstudy.material.cohort import rows_of_csv, set_clinical
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy

LARGEST = 4 << 20


@study_page("add_material")
@require_POST
def take_subject_codes(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Keep what a CSV says of subjects, all rows or none."""
    files = sealed_files(request, "table")
    try:
        if len(files) != 1 or (files[0].size or 0) > LARGEST:
            raise InputError("Choose one CSV of at most 4 MB.")
        rows = rows_of_csv(quarantine.plain_bytes(files[0].path, files[0].salt))
        count = set_clinical(study=study, rows=rows, actor=request.user)
        messages.success(request, f"{count} subject{'' if count == 1 else 's'} changed.")
    except InputError as error:
        messages.error(request, str(error))
    finally:
        quarantine.erase_requests(files)
    return redirect("subjects", study.slug)
