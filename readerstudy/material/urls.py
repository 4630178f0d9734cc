from django.urls import path

from readerstudy.material import views

urlpatterns = [
    path("", views.material, name="material"),
    path("upload/", views.upload, name="upload"),
    path("confirm/", views.confirm_candidates, name="confirm_candidates"),
    path("to-confirm.csv", views.proposals_csv, name="proposals_csv"),
    path("to-confirm/", views.take_proposals, name="take_proposals"),
    path("not-used.csv", views.not_used_csv, name="not_used_csv"),
    path("cases/<int:case>/", views.case_page, name="case"),
    path("cases/<int:case>/training/", views.training, name="training"),
    path("series/<int:series>/picture.png", views.series_picture, name="series_picture"),
    path("candidates/<int:candidate>/picture.png", views.candidate_picture, name="candidate_picture"),
]
