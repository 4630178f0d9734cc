"""Addresses. Everything of a study lies under /studies/<slug>/."""

from django.urls import include, path

from readerstudy.serving.health import live, ready

handler500 = "readerstudy.serving.outage.server_error"
study = [
    path("", include("readerstudy.home.urls_study")),
    path("log/accesses/", include("readerstudy.access.urls")),
    path("protocol/", include("readerstudy.reading.urls_opening")),
    path("", include("readerstudy.protocol.urls")),  # its parts have addresses of any name
    path("material/", include("readerstudy.intake.urls")),
    path("material/", include("readerstudy.material.urls")),
    path("models/", include("readerstudy.enhancement.urls")),
    path("jobs/", include("readerstudy.jobs.urls")),
    path("reading/", include("readerstudy.viewing.urls")),  # before "<token>/"
    path("reading/", include("readerstudy.reading.urls")),
    path("programs/", include("readerstudy.api.urls_programs")),
    path("letters/", include("readerstudy.letters.urls")),
    path("unblinding/", include("readerstudy.reading.urls_unblinding")),
    path("images/", include("readerstudy.images.urls")),
    path("results/viewing/", include("readerstudy.viewing.urls_replay")),  # before "<section>/"
    path("results/", include("readerstudy.results.urls")),
]
urlpatterns = [
    path("healthz", ready, name="ready"),
    path("healthz/live", live, name="live"),
    path("", include("readerstudy.home.urls")),
    path("", include("readerstudy.accounts.urls")),
    path("", include("readerstudy.api.urls_tokens")),
    path("api/v1/", include("readerstudy.api.urls")),
    path("dicomweb/studies/<slug:slug>/", include("readerstudy.dicomweb.urls")),
    path("studies/<slug:slug>/", include(study)),
]
