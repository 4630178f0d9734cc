from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "readerstudy.accounts"
    label = "accounts"

    def ready(self) -> None:
        from readerstudy.accounts import checks  # noqa: F401  registers them
        from readerstudy.audit.registry import Section, Table, register

        # The person's number, not the name: people may be renamed.
        members = Table("accounts.Membership", unit=("pk",), left_out=frozenset({"strip_collapsed"}))
        register(Section("memberships", "Membership", (members,)))
