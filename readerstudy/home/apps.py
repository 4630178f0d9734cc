from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "readerstudy.home"
    label = "home"

    def ready(self) -> None:
        from readerstudy.home.rehearsal import REHEARSE
        from readerstudy.home.watch import VERIFY
        from readerstudy.jobs.order import LATER
        from readerstudy.jobs.registry import Kind, register

        register(
            "readerstudy.home.tasks",
            Kind(VERIFY, "Verify", "Records", "every record followed to its end", 90, reads_only=True, urgency=LATER),
            Kind(REHEARSE, "Rehearse", "Dry run", "made-up answers through the whole way", 60),
        )
