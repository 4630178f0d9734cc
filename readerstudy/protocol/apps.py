from django.apps import AppConfig


class ProtocolConfig(AppConfig):
    name = "readerstudy.protocol"
    label = "protocol"

    def ready(self) -> None:
        from readerstudy.audit import lock_manifest, verify
        from readerstudy.audit.registry import Section, Table, register
        from readerstudy.protocol.selectors import since_opening

        parts = ("protocol.Site", "protocol.Arm", "protocol.Comparison", "protocol.Criterion")
        register(
            Section("protocol", "The protocol", (Table("protocol.ReaderStudy", ""), *(Table(one) for one in parts))),
            Section("amendments", "Amendment", (Table("protocol.Amendment", unit=("number",)),)),
        )
        lock_manifest.register(
            lock_manifest.Locked("protocol.ReaderStudy", "", left_out=frozenset({"lock_sha256"})),
            *(lock_manifest.Locked(one) for one in (*parts, "protocol.Amendment")),
        )
        verify.register(verify.Checks(since_opening=since_opening))
