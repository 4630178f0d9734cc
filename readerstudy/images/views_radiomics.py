"""Images, Radiomics: settings, what is computed, and the table to take away."""

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from processing.errors import InputError
from processing.radiomics.presets import preset_text, presets
from readerstudy.archive import quarantine
from readerstudy.archive.downloads import stream_csv
from readerstudy.audit.services import ensure_sections_sealed
from readerstudy.images import feature_settings
from readerstudy.images import radiomics as selectors
from readerstudy.images.tables import table_lines
from readerstudy.intake.upload_handler import SealedFile
from readerstudy.material.drawing import unseen
from readerstudy.material.volumes_of_interest import active_volumes
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.whole_record import note_export

LARGEST_SETTINGS = 64 << 10


@never_cache
@study_page("see_material")
@require_safe
def radiomics(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Volumes of interest × arms, settings, features without a value."""
    ensure_sections_sealed(study, "protocol", "series", "volumes", "feature settings", "features")
    prefetch_related_objects([study], "arms")
    settings, volumes = selectors.active_settings(study), active_volumes(study=study, case__set_aside="")
    without_look = unseen(study, volumes)
    rows, arms = selectors.feature_grid(study, settings, volumes, without_look), list(study.arms.all())
    references = [arm for arm in arms if arm.acquisition == "reference"] or arms
    return render(
        request,
        "images/radiomics.html",
        {
            "tab": "image_metrics",
            "study": study,
            "settings": settings,
            "words": selectors.in_words(settings),
            "classes": selectors.features_by_class(settings),
            "earlier": selectors.earlier_settings(study),
            "rows": rows,
            "arms": arms,
            "reference": references[0].code if references else "",
            "counts": selectors.summary(study, without_look),
            "presets": presets(),
            "per_volume": sum(map(len, settings.settings["featureClass"].values())),
            "reasons": selectors.reasons(study, without_look),
            "busy": any(cell.state in ("waiting", "running") for _, cells in rows for cell in cells),
            "failed": [(volume, cell) for volume, cells in rows for cell in cells if cell.state == "failed"],
        },
    )


@never_cache
@study_page("see_material")
@require_safe
def features_csv(request: StudyRequest, study: ReaderStudy) -> StreamingHttpResponse:
    """Features as CSV: they hold no ratings, so they may be taken in every state."""
    name = f"{study.slug}-features.csv"
    note_export(study=study, user=request.user, file=name)
    return stream_csv(table_lines(study, "features"), name)


@study_page("add_masks")
@require_POST
def radiomics_settings(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Settings of the page's fields, or of a pyradiomics file."""
    files = [file for file in request.FILES.getlist("file") if isinstance(file, SealedFile)]
    try:
        source: dict | str | None
        if preset := request.POST.get("preset"):
            source = preset_text(preset)
        elif files:
            if len(files) > 1 or (files[0].size or 0) > LARGEST_SETTINGS:
                raise InputError("Choose one file of at most 64 kB.")
            source = quarantine.plain_bytes(files[0].path, files[0].salt).decode("utf-8", "strict")
        else:
            source = feature_settings.from_form(
                bins=request.POST.get("bins", ""),
                value=request.POST.get("value", "").strip(),
                normalise="normalise" in request.POST,
            )
        feature_settings.change_settings(study=study, source=source, actor=request.user)
        messages.success(request, "These settings hold now. Features under them are being computed.")
    except UnicodeDecodeError:
        messages.error(request, "The file of radiomic settings is no text.")
    except InputError as error:
        messages.error(request, str(error))
    finally:
        quarantine.erase_requests(files)
    return redirect("radiomics", study.slug)
