from django.urls import path

from readerstudy.protocol import views

urlpatterns = [
    path("protocol/<str:part>/", views.edit, name="edit_protocol"),
    path("people/", views.people, name="people"),
    path("people/<int:member>/remove/", views.remove_person, name="remove_person"),
]
