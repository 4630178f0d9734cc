from django.contrib.auth.views import LogoutView
from django.urls import path

from readerstudy.accounts import views
from readerstudy.protocol.views import new_study

urlpatterns = [
    path("", views.home, name="home"),
    path("new/", new_study, name="new_study"),
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", views.ChangePassword.as_view(), name="password_change"),
]
