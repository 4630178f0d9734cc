from django.urls import path

from readerstudy.protocol import views
from readerstudy.protocol.views_amendments import amend
from readerstudy.protocol.views_plan import plan
from readerstudy.protocol.views_rehearsal import rehearsal

urlpatterns = [
    path("", views.overview, name="study"),
    path("protocol/", views.protocol, name="protocol"),
    path("protocol/to/<str:to>/", views.move, name="move"),
    path("protocol/amendments/", amend, name="amendments"),
    path("protocol/amendments/<str:kind>/", amend, name="amend"),
    path("protocol/dry-run/", rehearsal, name="rehearsal"),
    path("protocol/sample-size/", plan, name="plan"),
    path("protocol/opening/", views.opening, name="opening"),
    path("protocol/<str:part>/", views.edit, name="edit_protocol"),
    path("people/", views.people, name="people"),
    path("people/<int:member>/remove/", views.remove_person, name="remove_person"),
]
