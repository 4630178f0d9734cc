from django.urls import path

from readerstudy.api import views_tokens

urlpatterns = [
    path("account/tokens/", views_tokens.tokens, name="tokens"),
    path("account/tokens/<int:token>/end/", views_tokens.end_token, name="end_token"),
]
