from django.urls import path

from readerstudy.api import views_programs

urlpatterns = [
    path("", views_programs.programs, name="programs"),
    path("<int:program>/end/", views_programs.end_program, name="end_program"),
]
