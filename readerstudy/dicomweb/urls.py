"""DICOMweb of a study, under /dicomweb/studies/<slug>/, without a slash at the end as PS3.18 has it."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from readerstudy.dicomweb.views_retrieve import Frames, Metadata, Rendered, Retrieve
from readerstudy.dicomweb.views_search import SearchInstances, SearchSeries
from readerstudy.dicomweb.views_store import Studies, Study


class UidConverter(StringConverter):
    """What no UID can be is no address, and asked of no database."""

    regex = r"[0-9.]{1,64}"


register_converter(UidConverter, "uid")
STUDY = "studies/<uid:study_uid>"
SERIES = f"{STUDY}/series/<uid:series_uid>"
INSTANCE = f"{SERIES}/instances/<uid:instance_uid>"
urlpatterns = [
    path("studies", Studies.as_view(), name="dicom_studies"),
    path("series", SearchSeries.as_view(), name="dicom_all_series"),
    path("instances", SearchInstances.as_view(), name="dicom_all_instances"),
    path(STUDY, Study.as_view(), name="dicom_study"),
    path(f"{STUDY}/metadata", Metadata.as_view(), name="dicom_study_metadata"),
    path(f"{STUDY}/series", SearchSeries.as_view(), name="dicom_series_of_study"),
    path(f"{STUDY}/instances", SearchInstances.as_view(), name="dicom_instances_of_study"),
    path(SERIES, Retrieve.as_view(), name="dicom_series"),
    path(f"{SERIES}/metadata", Metadata.as_view(), name="dicom_series_metadata"),
    path(f"{SERIES}/instances", SearchInstances.as_view(), name="dicom_instances_of_series"),
    path(INSTANCE, Retrieve.as_view(), name="dicom_instance"),
    path(f"{INSTANCE}/metadata", Metadata.as_view(), name="dicom_instance_metadata"),
    path(f"{INSTANCE}/rendered", Rendered.as_view(), name="dicom_rendered"),
    path(f"{INSTANCE}/frames/<str:frames>", Frames.as_view(), name="dicom_frames"),
    path(f"{INSTANCE}/frames/<str:frames>/rendered", Rendered.as_view(), name="dicom_frame_rendered"),
    path(f"{INSTANCE}/bulkdata/<str:tag>", Frames.as_view(), name="dicom_bulkdata"),
]
