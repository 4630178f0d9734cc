from django.urls import path

from readerstudy.reading import serializers, views
from readerstudy.reading.models import Statement
from readerstudy.reading.views_balance import balance_report
from readerstudy.reading.views_briefing import briefing_page
from readerstudy.reading.views_progress import progress
from readerstudy.reading.views_signing import sign_reading

Subject = Statement.Subject
urlpatterns = [
    path("", progress, name="reading_progress"),
    path("room/", views.room, name="reading"),
    path("balance/", balance_report, name="balance"),
    path("briefing/", briefing_page, name="briefing"),
    path("sign/", sign_reading, name="sign_reading"),
    path("current/", views.CurrentView.as_view(), name="current"),
    path("finish/", views.FinishView.as_view(), name="finish"),
    path("<str:token>/", views.PresentationView.as_view(), name="presentation"),
    path("<str:token>/frames/<int:index>/", views.FrameView.as_view(), name="frame"),
    path("<str:token>/ratings/<int:criterion>/", views.RatingView.as_view(), name="rating"),
    path("<str:token>/integrity/", views.StatementView.as_view(subject=Subject.INTEGRITY), name="integrity"),
    path(
        "<str:token>/diagnostic/",
        views.StatementView.as_view(subject=Subject.DIAGNOSTIC, serializer=serializers.DiagnosticIn),
        name="diagnostic",
    ),
    path(
        "<str:token>/comment/",
        views.StatementView.as_view(subject=Subject.COMMENT, serializer=serializers.CommentIn, field="text"),
        name="comment",
    ),
    path("<str:token>/findings/", views.FindingsView.as_view(), name="findings"),
    path("<str:token>/findings/<int:finding>/", views.FindingView.as_view(), name="finding"),
    path("<str:token>/time/", views.TimeView.as_view(), name="time"),
    path("<str:token>/skip/", views.SkipView.as_view(), name="skip"),
    path("<str:token>/guess/", views.GuessView.as_view(), name="guess"),
    path("<str:token>/confirm/", views.ConfirmView.as_view(), name="confirm"),
]
