from django.urls import path

from readerstudy.access import views

urlpatterns = [
    path("", views.accesses, name="accesses"),
    path("accesses.csv", views.accesses_csv, name="accesses_csv"),
    path("codebook.csv", views.codebook_csv, name="accesses_codebook"),
]
