from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "readerstudy.api"
    label = "api"

    def ready(self) -> None:
        from readerstudy.accounts.signals import signed_out
        from readerstudy.api.tokens import end_all

        signed_out.connect(end_all)
