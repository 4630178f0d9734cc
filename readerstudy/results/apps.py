from django.apps import AppConfig


class ResultsConfig(AppConfig):
    name = "readerstudy.results"
    label = "results"

    def ready(self) -> None:
        from readerstudy.audit.registry import Section, Table, register

        features = Table("results.Feature", unit=("voi_id", "series_id", "settings_id"))
        register(
            Section("metrics", "Image metrics", (Table("results.Metric", unit=("reference_id", "test_id")),)),
            Section("feature settings", "Radiomic settings", (Table("results.FeatureSettings", unit=("pk",)),)),
            Section("features", "Radiomic features", (features,)),
        )
