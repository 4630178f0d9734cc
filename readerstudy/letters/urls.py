from django.urls import path

from readerstudy.letters import views

urlpatterns = [
    path("", views.letters, name="letters"),
    path("<str:reader>/note/", views.note, name="note_letter"),
]
