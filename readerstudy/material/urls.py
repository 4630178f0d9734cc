from django.urls import path

from readerstudy.material import views, views_masks

urlpatterns = [
    path("", views.material, name="material"),
    path("upload/", views.upload, name="upload"),
    path("confirm/", views.confirm_candidates, name="confirm_candidates"),
    path("to-confirm.csv", views.proposals_csv, name="proposals_csv"),
    path("to-confirm/", views.take_proposals, name="take_proposals"),
    path("not-used.csv", views.not_used_csv, name="not_used_csv"),
    path("cases/<int:case>/", views.case_page, name="case"),
    path("cases/<int:case>/training/", views.training, name="training"),
    path("cases/<int:case>/feedback/", views.feedback, name="feedback"),
    path("cases/<int:case>/masks/", views_masks.add_masks, name="add_masks"),
    path("masks/<int:volume>/", views_masks.change_mask, name="change_mask"),
    path("masks/<int:volume>/<int:series>/picture.png", views_masks.mask_picture, name="mask_picture"),
    path("alignments/<int:alignment>/picture.png", views.alignment_picture, name="alignment_picture"),
    path("series/<int:series>/picture.png", views.series_picture, name="series_picture"),
    path("candidates/<int:candidate>/picture.png", views.candidate_picture, name="candidate_picture"),
]
