"""What opening froze, and how it may still change."""

from django.urls import path

from readerstudy.reading.views_amendments import amend
from readerstudy.reading.views_briefing import edit_briefing
from readerstudy.reading.views_charter import charter_file, charter_page, edit_charter
from readerstudy.reading.views_checks import case_checks, check_picture, decide
from readerstudy.reading.views_opening import move, opening

urlpatterns = [
    path("to/<str:to>/", move, name="move"),
    path("amendments/", amend, name="amendments"),
    path("amendments/<str:kind>/", amend, name="amend"),
    path("opening/", opening, name="opening"),
    path("briefing/", edit_briefing, name="edit_briefing"),
    path("charter/", charter_page, name="charter"),
    path("charter/edit/", edit_charter, name="edit_charter"),
    path("charter/charter.<slug:form>", charter_file, name="charter_file"),
    path("checks/", case_checks, name="checks"),
    path("checks/<int:case>/", decide, name="decide"),
    path("checks/<int:case>/picture/", check_picture, name="check_picture"),
]
