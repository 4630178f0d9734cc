from django.urls import path

from readerstudy.jobs import views

urlpatterns = [
    path("", views.jobs, name="jobs"),
    path("run/", views.run_missing, name="run_jobs"),
    path("retry/", views.retry_all, name="retry_jobs"),
    path("<int:job>/retry/", views.retry, name="retry_job"),
    path("<int:job>/cancel/", views.cancel, name="cancel_job"),
]
