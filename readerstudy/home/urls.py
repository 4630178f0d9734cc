from django.urls import path

from readerstudy.home import views
from readerstudy.protocol.views import new_study

urlpatterns = [
    path("", views.home, name="home"),
    path("new/", new_study, name="new_study"),
    path("login/", views.SignIn.as_view(), name="login"),
]
