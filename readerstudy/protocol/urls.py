from django.urls import path

from readerstudy.protocol import views

urlpatterns = [
    path("", views.overview, name="study"),
    path("protocol/", views.protocol, name="protocol"),
    path("protocol/to/<str:to>/", views.move, name="move"),
    path("protocol/opening/", views.opening, name="opening"),
    path("protocol/<str:part>/", views.edit, name="edit_protocol"),
    path("people/", views.people, name="people"),
    path("people/<int:member>/remove/", views.remove_person, name="remove_person"),
]
