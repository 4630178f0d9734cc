from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "readerstudy.access"
    label = "access"

    def ready(self) -> None:
        from readerstudy.access.verify import problems
        from readerstudy.audit import triggers, verify

        triggers.register(triggers.AppendOnlyTable("access_access", "OLD.study_id"))
        verify.register(verify.Checks(signed=problems))
