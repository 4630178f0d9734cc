from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    name = "readerstudy.archive"
    label = "archive"

    def ready(self) -> None:
        from readerstudy.jobs.registry import register

        register("readerstudy.archive.tasks")
