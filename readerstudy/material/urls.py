from django.urls import path

from readerstudy.material import views

urlpatterns = [
    path("", views.material, name="material"),
    path("upload/", views.upload, name="upload"),
    path("confirm/", views.confirm_candidates, name="confirm_candidates"),
    path("cases/<int:case>/", views.case_page, name="case"),
    path("cases/<int:case>/training/", views.training, name="training"),
    path("series/<int:series>/picture.png", views.series_picture, name="series_picture"),
    path("candidates/<int:candidate>/picture.png", views.candidate_picture, name="candidate_picture"),
]
