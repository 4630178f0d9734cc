from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "readerstudy.audit"
    label = "audit"

    def ready(self) -> None:
        from readerstudy.audit.triggers import install

        post_migrate.connect(install, sender=self)
