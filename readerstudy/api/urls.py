"""The interface for programs, under /api/v1/."""

from django.urls import include, path

from readerstudy.api import images, jobs, material, results, studies
from readerstudy.api.schema import Schema

study = [
    path("", studies.Study.as_view(), name="api_study"),
    path("protocol/", studies.Protocol.as_view(), name="api_protocol"),
    path("people/", studies.People.as_view(), name="api_people"),
    path("sites/", studies.Sites.as_view(), name="api_sites"),
    path("subjects/", studies.Subjects.as_view(), name="api_subjects"),
    path("cases/", studies.Cases.as_view(), name="api_cases"),
    path("series/", studies.SeriesList.as_view(), name="api_series"),
    path("images.zip", images.StudyImages.as_view(), name="api_images_zip"),
    path("arms/<int:arm>/images.zip", images.ArmImages.as_view(), name="api_arm_images_zip"),
    path("cases/<int:case>/images.zip", images.CaseImages.as_view(), name="api_case_images_zip"),
    path("series/<int:series>/images.zip", images.SeriesImages.as_view(), name="api_series_images_zip"),
    path("log/", studies.Log.as_view(), name="api_log"),
    path("progress/", studies.Progress.as_view(), name="api_progress"),
    path("progress/own/", studies.OwnProgress.as_view(), name="api_own_progress"),
    path("uploads/", material.Uploads.as_view(), name="api_uploads"),
    path("uploads/<int:upload>/", material.OneUpload.as_view(), name="api_upload"),
    path("uploads/<int:upload>/missing/", material.MissingPieces.as_view(), name="api_missing_pieces"),
    path("uploads/<int:upload>/pieces/", material.Pieces.as_view(), name="api_pieces"),
    path("uploads/<int:upload>/finish/", material.FinishUpload.as_view(), name="api_finish_upload"),
    path("candidates/", material.Candidates.as_view(), name="api_candidates"),
    path("candidates/<int:candidate>/place/", material.PlaceCandidate.as_view(), name="api_place_candidate"),
    path("candidates/<int:candidate>/put-aside/", material.PutAside.as_view(), name="api_put_aside"),
    path("jobs/", jobs.Jobs.as_view(), name="api_jobs"),
    path("jobs/missing/", jobs.RunMissing.as_view(), name="api_run_missing"),
    path("jobs/<int:job>/", jobs.OneJob.as_view(), name="api_job"),
    path("jobs/<int:job>/retry/", jobs.RetryJob.as_view(), name="api_retry_job"),
    path("jobs/<int:job>/cancel/", jobs.CancelJob.as_view(), name="api_cancel_job"),
    path("results/", results.Results.as_view(), name="api_results"),
    path("tables/<slug:table>.csv", results.Table.as_view(), name="api_table"),
]
urlpatterns = [
    path("schema/", Schema.as_view(), name="api_schema"),
    path("studies/", studies.Studies.as_view(), name="api_studies"),
    path("studies/<slug:slug>/", include(study)),
]
