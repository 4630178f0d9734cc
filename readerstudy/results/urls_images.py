"""What the images say without a reader: metrics, registration, radiomics, scan times, figures."""

from django.urls import path

from readerstudy.results import views_radiomics

urlpatterns = [
    path("radiomics/", views_radiomics.radiomics, name="radiomics"),
    path("radiomics/features.csv", views_radiomics.features_csv, name="features_csv"),
    path("radiomics/settings/", views_radiomics.radiomics_settings, name="radiomics_settings"),
]
