from django.apps import AppConfig


class ResultsConfig(AppConfig):
    name = "readerstudy.results"
    label = "readings"  # it has no table; those of the images are labelled `results`
