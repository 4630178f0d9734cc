from django.apps import AppConfig


class ProtocolConfig(AppConfig):
    name = "readerstudy.protocol"
    label = "protocol"

    def ready(self) -> None:
        from readerstudy.audit.registry import Section, Table, register

        parts = [Table(f"protocol.{name}") for name in ("Site", "Arm", "Comparison", "Criterion")]
        register(
            Section("protocol", "The protocol", (Table("protocol.ReaderStudy", ""), *parts)),
            Section("amendments", "Amendment", (Table("protocol.Amendment", unit=("number",)),)),
        )
