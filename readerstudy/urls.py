"""Addresses. Everything of a study lies under /studies/<slug>/."""

from django.urls import include, path

from readerstudy.health import healthz

study = [
    path("", include("readerstudy.protocol.urls")),
    path("material/", include("readerstudy.material.urls")),
    path("material/uploads/", include("readerstudy.intake.urls")),
    path("models/", include("readerstudy.material.urls_models")),
    path("jobs/", include("readerstudy.jobs.urls")),
    path("reading/", include("readerstudy.reading.urls")),
    path("unblinding/", include("readerstudy.reading.urls_unblinding")),
    path("results/", include("readerstudy.results.urls")),
    path("images/", include("readerstudy.results.urls_images")),
    path("log/", include("readerstudy.audit.urls")),
]
urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("", include("readerstudy.accounts.urls")),
    path("studies/<slug:slug>/", include(study)),
]
