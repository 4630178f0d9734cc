"""What counts as seeing images or results, and how it is called.

Every picture and every file counts, whatever its address, so none can be forgotten. Of pages those count that show
numbers of a study; they are named here.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from readerstudy.access.models import Access

Kind = Access.Kind
# Pages with numbers or charts, by the name of their address.
PAGES = {
    "image_metrics": "image metrics",
    "radiomics": "radiomic features",
    "stability": "stability of features",
    "signature": "a radiomic signature",
    "settings_beside": "radiomic features under two settings",
    "scan_times": "scan times",
    "figures": "figures",
    "difference": "difference map",
    "anomalies": "map of anomalies",
    "model": "a model's measurements",
    "looked_at": "what readers looked at",
    "replay": "what a reader looked at",
    "results": "results",
    "api_results": "results",
    "results_section": "results",
    "imported_table": "results of an imported table",
    "imported_section": "results of an imported table",
    "unblind": "which arm stood where",
}
# Pictures and files whose address does not say enough.
WORDS = PAGES | {
    "frame": "slices of a pair",
    "check_picture": "slices of a pair",
    "candidate_picture": "picture of a series to confirm",
    "series_picture": "picture of a series",
    "drawn_slice": "slices to draw on",
    "mask_picture": "picture of a volume of interest",
    "alignment_picture": "picture of two acquisitions",
    "model_picture": "picture before and after a model",
    "difference_picture": "difference map",
    "anomaly_picture": "map of anomalies",
    "figure_file": "figure",
    "proposals_csv": "table of series to confirm",
    "not_used_csv": "table of files not used",
    "metrics_csv": "table of image metrics",
    "features_csv": "table of radiomic features",
    **{f"{way}images_zip": "images of the study" for way in ("", "api_")},
    **{f"{way}arm_images_zip": "images of arm" for way in ("", "api_")},
    **{f"{way}case_images_zip": "images of" for way in ("", "api_")},
    **{f"{way}series_images_zip": "images of" for way in ("", "api_")},
    "volumes_zip": "volumes of interest",
    "case_volumes_zip": "volumes of interest of",
    "stability_csv": "table of stability",
    "stability_json": "analysis of stability",
    "robust_features": "robust features",
    "scan_times_csv": "table of scan times",
    "results_numbers": "table of results",
    "results_table": "table",
    "api_table": "table",
    "api_numbers": "table of results",
    "results_codebook": "codebook",
    "api_codebook": "codebook",
    "results_protocol": "protocol",
    "results_zip": "everything, as one zip",
    "api_results_zip": "everything, as one zip",
    "imported_numbers": "table of results of an imported table",
    "imported_file": "imported table",
    "imported_zip": "everything of an imported table, as one zip",
    "accesses_csv": "table of who saw what",
    "dicom_studies": "list of DICOM studies",
    "dicom_all_series": "list of DICOM series",
    "dicom_all_instances": "list of DICOM files",
    "dicom_series_of_study": "list of DICOM series of",
    "dicom_instances_of_study": "list of DICOM files of",
    "dicom_instances_of_series": "list of DICOM files of",
    "dicom_study": "DICOM files of",
    "dicom_series": "DICOM files of",
    "dicom_instance": "DICOM files of",
    "dicom_study_metadata": "DICOM headers of",
    "dicom_series_metadata": "DICOM headers of",
    "dicom_instance_metadata": "DICOM headers of",
    "dicom_bulkdata": "pixels of",
    "dicom_frames": "pixels of",
    "dicom_rendered": "picture of",
    "dicom_frame_rendered": "picture of",
}
PICTURES = ("image/", "application/octet-stream", "multipart/related", "application/dicom;")
HEADERS = "application/dicom+json"
IMAGES = {name for name in WORDS if name.endswith("images_zip")}


def kind_of(request: HttpRequest, response: HttpResponseBase) -> Kind | None:
    """What kind of thing this answer shows to a person; None if it is none."""
    match = request.resolver_match
    if response.status_code != 200 or match is None or "slug" not in match.kwargs:
        return None
    content = response.headers.get("Content-Type", "")
    if content.startswith(PICTURES) or match.url_name in IMAGES:
        return Kind.IMAGES
    if content.startswith(HEADERS) and request.method == "GET":
        return Kind.FILES
    if response.headers.get("Content-Disposition", "").startswith("attachment"):
        return Kind.FILES
    return Kind.NUMBERS if match.url_name in PAGES else None


def in_words(access: Access) -> str:
    """What was seen, for people."""
    said = WORDS.get(access.address, access.address.replace("_", " "))
    return f"{said} {access.thing}".strip()
