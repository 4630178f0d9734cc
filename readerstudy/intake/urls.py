from django.urls import path

from readerstudy.intake import views, views_material

urlpatterns = [
    path("", views_material.material, name="material"),
    path("upload/", views_material.upload, name="upload"),
    path("confirm/", views_material.confirm_candidates, name="confirm_candidates"),
    path("to-confirm.csv", views_material.proposals_csv, name="proposals_csv"),
    path("to-confirm/", views_material.take_proposals, name="take_proposals"),
    path("names/<int:upload>/", views_material.read_names, name="read_names"),
    path("not-used.csv", views_material.not_used_csv, name="not_used_csv"),
    path("candidates/<int:candidate>/picture.png", views_material.candidate_picture, name="candidate_picture"),
    path("uploads/", views.begin, name="begin_upload"),
    path("uploads/<int:upload>/missing/", views.missing, name="missing_pieces"),
    path("uploads/<int:upload>/pieces/", views.pieces, name="send_pieces"),
    path("uploads/<int:upload>/finish/", views.finish, name="finish_upload"),
    path("uploads/<int:upload>/discard/", views.discard, name="discard_upload"),
]
