from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "readerstudy.api"
    label = "api"

    def ready(self) -> None:
        from readerstudy.accounts.signals import member_removed, signed_out
        from readerstudy.api.tokens import end_all, end_in_study

        signed_out.connect(end_all)
        member_removed.connect(end_in_study)
