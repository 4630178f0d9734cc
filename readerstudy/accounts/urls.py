from django.contrib.auth.views import LogoutView
from django.urls import path

from readerstudy.accounts import views

urlpatterns = [
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", views.ChangePassword.as_view(), name="password_change"),
    path("preferences/keys/", views.Keys.as_view(), name="keys"),
]
