from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "readerstudy.jobs"
    label = "jobs"

    def ready(self) -> None:
        from readerstudy.jobs.services import ask_after_change, ensure_nothing_runs
        from readerstudy.protocol.signals import locking, protocol_changed

        protocol_changed.connect(ask_after_change)
        locking.connect(ensure_nothing_runs)
