from django.urls import path

from readerstudy.intake import views

urlpatterns = [
    path("", views.begin, name="begin_upload"),
    path("<int:upload>/missing/", views.missing, name="missing_pieces"),
    path("<int:upload>/pieces/", views.pieces, name="send_pieces"),
    path("<int:upload>/finish/", views.finish, name="finish_upload"),
    path("<int:upload>/discard/", views.discard, name="discard_upload"),
]
