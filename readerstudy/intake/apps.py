from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "readerstudy.intake"
    label = "intake"

    def ready(self) -> None:
        from readerstudy.intake.certainty import settle
        from readerstudy.intake.erasure import HOLDER, leave_study
        from readerstudy.intake.models import SORT
        from readerstudy.jobs.order import SOON
        from readerstudy.jobs.registry import Kind, register
        from readerstudy.material import erasure
        from readerstudy.protocol.signals import protocol_changed, removing_study

        register(
            "readerstudy.intake.tasks",
            Kind(SORT, "Sort", "Intake", "De-identify, group, check", 10, queue="intake", urgency=SOON),
        )
        erasure.register(HOLDER)
        removing_study.connect(leave_study)
        protocol_changed.connect(settle)
