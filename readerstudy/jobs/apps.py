from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "readerstudy.jobs"
    label = "jobs"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from readerstudy.jobs import release
        from readerstudy.jobs.registry import obstacle
        from readerstudy.jobs.services import ask_after_change, ensure_nothing_runs
        from readerstudy.protocol.signals import locking, protocol_changed

        release.running()
        post_migrate.connect(release.note, sender=self)
        obstacle(release.problem)
        protocol_changed.connect(ask_after_change)
        locking.connect(ensure_nothing_runs)
