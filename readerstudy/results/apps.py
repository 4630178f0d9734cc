from django.apps import AppConfig


class ResultsConfig(AppConfig):
    name = "readerstudy.results"
    label = "readings"  # it has no table; those of the images are labelled `results`

    def ready(self) -> None:
        from readerstudy.jobs.order import SOON
        from readerstudy.jobs.registry import Kind, register
        from readerstudy.material import erasure
        from readerstudy.protocol.signals import moved, removing_study
        from readerstudy.results import imported_tables
        from readerstudy.results.closing import request_on_closing
        from readerstudy.results.kinds import ANALYSE, ANALYSE_IMPORTED, WRITE

        register(
            "readerstudy.results.tasks",
            Kind(
                ANALYSE,
                "Analyse",
                "Results",
                "the record verified, tables analysed",
                120,
                reads_only=True,
                urgency=SOON,
            ),
            Kind(
                WRITE,
                "Write",
                "Large files",
                "report as PDF; zip or workbook of a study with many ratings",
                122,
                reads_only=True,
                urgency=SOON,
            ),
            Kind(
                ANALYSE_IMPORTED,
                "Analyse",
                "Imported tables",
                "ratings from sheets analysed",
                125,
                reads_only=True,
                urgency=SOON,
            ),
        )
        erasure.register(erasure.Holder(needed=imported_tables.needed))
        removing_study.connect(imported_tables.files_of_study)
        moved.connect(request_on_closing)
