from django.urls import path

from readerstudy.results import views

urlpatterns = [
    path("", views.results, name="results"),
    path("numbers/<slug:table>.csv", views.numbers, name="results_numbers"),
    path("tables/<slug:table>.csv", views.table, name="results_table"),
    path("codebooks/", views.codebooks, name="results_codebooks"),
    path("codebooks/<slug:table>.csv", views.codebook, name="results_codebook"),
    path("protocol.json", views.protocol, name="results_protocol"),
    path("all.zip", views.everything, name="results_zip"),
    path("<slug:section>/", views.section, name="results_section"),
]
