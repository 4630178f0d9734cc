from django.urls import path

from readerstudy.home import views
from readerstudy.home.metrics import metrics
from readerstudy.home.views_site import site
from readerstudy.protocol.views import new_study

urlpatterns = [
    path("", views.home, name="home"),
    path("site/", site, name="site"),
    path("metrics", metrics, name="metrics"),
    path("new/", new_study, name="new_study"),
    path("login/", views.SignIn.as_view(), name="login"),
    path("login/", views.SignIn.as_view(), name="account_login"),  # as django-allauth calls it
]
