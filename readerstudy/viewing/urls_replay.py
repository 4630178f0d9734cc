from django.urls import path

from readerstudy.viewing import views_replay

urlpatterns = [
    path("", views_replay.looked_at, name="looked_at"),
    path("<slug:reader>/<int:position>/", views_replay.replayed, name="replay"),
]
