"""Pages that bring together what the apps say of one study."""

from django.urls import path

from readerstudy.home.views_case import case_page
from readerstudy.home.views_log import log
from readerstudy.home.views_rehearsal import rehearsal
from readerstudy.home.views_retention import remove, retention
from readerstudy.home.views_review import assess, review
from readerstudy.home.views_sample_size import plan, take_plan
from readerstudy.home.views_study import overview, protocol

urlpatterns = [
    path("", overview, name="study"),
    path("protocol/", protocol, name="protocol"),
    path("protocol/dry-run/", rehearsal, name="rehearsal"),
    path("protocol/sample-size/", plan, name="plan"),
    path("protocol/sample-size/take/", take_plan, name="take_plan"),
    path("material/cases/<int:case>/", case_page, name="case"),
    path("log/", log, name="log"),
    path("log/review/", review, name="review"),
    path("log/unblinding/<int:line>/", assess, name="assess_unblinding"),
    path("retention/", retention, name="retention"),
    path("remove/", remove, name="remove_study"),
]
