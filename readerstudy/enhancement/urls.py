from django.urls import path

from readerstudy.enhancement import views as views_models

urlpatterns = [
    path("", views_models.models, name="models"),
    path("<str:name>/", views_models.model, name="model"),
    path("<str:name>/run/", views_models.run_model, name="run_model"),
    path("<str:name>/before-after/", views_models.before_after, name="before_after"),
    path("<str:name>/before-after/ask/", views_models.ask_preview, name="ask_preview"),
    path("<str:name>/before-after/<slug:kind>.png", views_models.model_picture, name="model_picture"),
]
