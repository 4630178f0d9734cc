from django.urls import path

from readerstudy.audit import views

urlpatterns = [path("", views.log, name="log")]
