from django.apps import AppConfig


class ResultsConfig(AppConfig):
    name = "readerstudy.results"
    label = "readings"  # it has no table; those of the images are labelled `results`

    def ready(self) -> None:
        from readerstudy.jobs.registry import Kind, register
        from readerstudy.protocol.signals import moved
        from readerstudy.results.services import ANALYSE, request_on_closing

        register(
            "readerstudy.results.tasks",
            Kind(ANALYSE, "Analyse", "Results", "the record verified, tables analysed", 120, reads_only=True),
        )
        moved.connect(request_on_closing)
