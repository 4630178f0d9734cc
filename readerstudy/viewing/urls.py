from django.urls import path

from readerstudy.viewing import views

urlpatterns = [
    path("display/", views.display_check, name="display_check"),
    path("display/done/", views.DisplayCheckView.as_view(), name="keep_display_check"),
    path("<str:token>/viewing/", views.LogView.as_view(), name="viewing_log"),
]
