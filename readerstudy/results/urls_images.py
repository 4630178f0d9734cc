"""What the images say without a reader: metrics, registration, radiomics, scan times, figures."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
