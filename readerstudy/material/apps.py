from django.apps import AppConfig


class MaterialConfig(AppConfig):
    name = "readerstudy.material"
    label = "material"

    def ready(self) -> None:
        from readerstudy.audit.registry import Section, Table, register

        instances = Table("material.Instance", "series__study", unit=("series_id",))
        register(
            Section("subjects", "Subject", (Table("material.Subject", unit=("code",)),)),
            Section("cases", "Case", (Table("material.Case", unit=("code",)),)),
            Section("series", "Series", (Table("material.Series", unit=("pk",)), instances)),
            Section("alignments", "Alignment", (Table("material.Alignment", unit=("fixed_id", "moving_id")),)),
            Section("volumes", "Volume of interest", (Table("material.VolumeOfInterest", unit=("pk",)),)),
        )
