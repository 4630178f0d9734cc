from django.apps import AppConfig


class EnhancementConfig(AppConfig):
    name = "readerstudy.enhancement"
    label = "enhancement"

    def ready(self) -> None:
        from readerstudy.enhancement.outputs import ask_for_outputs, ask_for_simulated, outdated
        from readerstudy.enhancement.previews import HOLDER, PREVIEW, leave_study
        from readerstudy.jobs.order import LATER, SOON
        from readerstudy.jobs.registry import Kind, register
        from readerstudy.material import erasure
        from readerstudy.material.selectors import ENHANCE, SIMULATE
        from readerstudy.protocol.signals import removing_study

        register(
            "readerstudy.enhancement.tasks",
            Kind(
                SIMULATE,
                "Simulate",
                "Simulation",
                "an arm that is no longer in the protocol",
                18,
                missing=ask_for_simulated,
                urgency=LATER,
            ),
            Kind(
                ENHANCE,
                "Enhance",
                "DL enhancement",
                "an arm that is no longer in the protocol",
                20,
                missing=ask_for_outputs,
                outdated=outdated,
                queue="enhance",
                urgency=LATER,
            ),
            Kind(
                PREVIEW,
                "Preview",
                "Model preview",
                "one series through a model, to look at",
                30,
                queue="enhance",
                urgency=SOON,
            ),
        )
        erasure.register(HOLDER)
        removing_study.connect(leave_study)
