from django.urls import path

from readerstudy.reading.views_unblinding import unblind

urlpatterns = [path("", unblind, name="unblind")]
