from django.apps import AppConfig


class MaterialConfig(AppConfig):
    name = "readerstudy.material"
    label = "material"
