from django.apps import AppConfig


class MaterialConfig(AppConfig):
    name = "readerstudy.material"
    label = "material"

    def ready(self) -> None:
        from readerstudy.audit import lock_manifest
        from readerstudy.audit.registry import Section, Table, register
        from readerstudy.jobs import registry as jobs
        from readerstudy.material.alignments import REGISTER, ask_for_alignments
        from readerstudy.material.erasure import ERASE
        from readerstudy.material.services import ensure_without_series
        from readerstudy.protocol.signals import removing_part

        instances = Table("material.Instance", "series__study", unit=("series_id",))
        register(
            Section("subjects", "Subject", (Table("material.Subject", unit=("code",)),)),
            Section("cases", "Case", (Table("material.Case", unit=("code",)),)),
            Section("series", "Series", (Table("material.Series", unit=("pk",)), instances)),
            Section("alignments", "Alignment", (Table("material.Alignment", unit=("fixed_id", "moving_id")),)),
            Section("volumes", "Volume of interest", (Table("material.VolumeOfInterest", unit=("pk",)),)),
        )
        of_study = ("Subject", "Case", "Series", "Alignment", "VolumeOfInterest")
        lock_manifest.register(
            *(lock_manifest.Locked(f"material.{name}") for name in of_study),
            lock_manifest.Locked("material.Instance", "series__study"),
        )
        jobs.register(
            "readerstudy.material.tasks",
            jobs.Kind(
                REGISTER,
                "Register",
                "Registration",
                "accelerated to reference, for metrics and masks",
                40,
                missing=ask_for_alignments,
            ),
            jobs.Kind(ERASE, "Erase", "Erasure", "pixels of withdrawn subjects", 80),
        )
        removing_part.connect(ensure_without_series)
