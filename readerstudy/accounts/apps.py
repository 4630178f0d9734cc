from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "readerstudy.accounts"
    label = "accounts"

    def ready(self) -> None:
        from readerstudy.accounts import (
            checks,  # noqa: F401  registers them
            factor_events,
            security,
        )
        from readerstudy.audit import lock_manifest, registry, triggers

        security.listen()
        factor_events.listen()
        triggers.register(triggers.AppendOnlyTable("accounts_accountevent", None))
        # The person's number, not the name: people may be renamed.
        left_out = frozenset({"strip_collapsed"})
        members = registry.SealedTable("accounts.Membership", unit=("pk",), left_out=left_out)
        registry.register(registry.SealedSection("memberships", "Membership", (members,)))
        # Others than readers may come and go after locking.
        lock_manifest.register(
            lock_manifest.LockedTable("accounts.Membership", left_out=left_out, only={"role": "reader"})
        )
