from django.apps import AppConfig


class DicomwebConfig(AppConfig):
    name = "readerstudy.dicomweb"
    label = "dicomweb"

    def ready(self) -> None:
        from readerstudy.access import things
        from readerstudy.dicomweb import headers
        from readerstudy.material import erasure

        things.register("study_uid", headers.name_of_study)
        things.register("series_uid", headers.name_of_series)
        erasure.register(headers.HOLDER)
