from django.urls import path

from readerstudy.intake import views, views_masks, views_material, views_subjects, views_undo

urlpatterns = [
    path("", views_material.material, name="material"),
    path("upload/", views_material.upload, name="upload"),
    path("confirm/", views_material.confirm_candidates, name="confirm_candidates"),
    path("to-confirm.csv", views_material.proposals_csv, name="proposals_csv"),
    path("to-confirm/", views_material.take_proposals, name="take_proposals"),
    path("names/<int:upload>/", views_material.read_names, name="read_names"),
    path("not-used.csv", views_material.not_used_csv, name="not_used_csv"),
    path("candidates/<int:candidate>/picture.png", views_material.candidate_picture, name="candidate_picture"),
    path("series/<int:series>/back/", views_undo.take_back, name="take_back"),
    path("series/<int:series>/move/", views_undo.move_series, name="move_series"),
    path("cases/<int:case>/masks/", views_masks.add_masks, name="add_masks"),
    path("cases/<int:case>/remove/", views_undo.remove_case, name="remove_case"),
    path("subjects/table/", views_subjects.take_subject_codes, name="take_subject_codes"),
    path("subjects/screening/table/", views_subjects.take_screening, name="take_screening"),
    path("subjects/<int:subject>/remove/", views_undo.remove_subject, name="remove_subject"),
    path("candidates/<int:candidate>/remove/", views_undo.remove_candidate, name="remove_candidate"),
    path("uploads/<int:upload>/remove/", views_undo.remove_upload, name="remove_upload"),
    path("uploads/<int:upload>/discard/", views.discard, name="discard_upload"),
]
