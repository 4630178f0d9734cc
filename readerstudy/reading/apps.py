from django.apps import AppConfig


class ReadingConfig(AppConfig):
    name = "readerstudy.reading"
    label = "reading"

    def ready(self) -> None:
        from django.db.models import BooleanField, ExpressionWrapper, Q

        from readerstudy.audit.registry import Section, Table, register

        # What is confirmed and when stands in the log line of each pair.
        progress = {"state", "revision", "seen", "seconds", "started_at", "confirmed_at", "skipped_at", "skip_reason"}
        schedule = Table(
            "reading.Presentation",
            unit=("reader__code",),
            left_out=frozenset(progress),
            derived={"void": ExpressionWrapper(Q(state="void"), output_field=BooleanField())},
        )
        register(
            Section("pairs", "Prepared pair", (Table("reading.PreparedPair", unit=("case_id", "comparison_id")),)),
            Section("schedule", "Schedule of", (schedule,)),
            Section("signatures", "Signature", (Table("reading.Signature", "reader__study", unit=("pk",)),)),
        )
