from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "readerstudy.audit"
    label = "audit"

    def ready(self) -> None:
        from readerstudy.audit.keys import check_apart
        from readerstudy.audit.roles import check_roles
        from readerstudy.audit.triggers import install

        post_migrate.connect(install, sender=self)
        register(check_roles, Tags.database)
        register(check_apart, Tags.database)
