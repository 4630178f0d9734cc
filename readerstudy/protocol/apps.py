from django.apps import AppConfig


class ProtocolConfig(AppConfig):
    name = "readerstudy.protocol"
    label = "protocol"

    def ready(self) -> None:
        from readerstudy.audit import lock_manifest, triggers, verify
        from readerstudy.audit.registry import SealedSection, SealedTable, register
        from readerstudy.protocol.selectors import since_opening

        parts = ("protocol.Site", "protocol.Arm", "protocol.Comparison", "protocol.Criterion")
        register(
            SealedSection(
                "protocol",
                "The protocol",
                (SealedTable("protocol.ReaderStudy", ""), *(SealedTable(one) for one in parts)),
            ),
            SealedSection("amendments", "Amendment", (SealedTable("protocol.Amendment", unit=("number",)),)),
            SealedSection("briefings", "Briefing", (SealedTable("protocol.Briefing", unit=("number",)),)),
            SealedSection("charters", "Charter", (SealedTable("protocol.Charter", unit=("number",)),)),
        )
        lock_manifest.register(
            lock_manifest.LockedTable("protocol.ReaderStudy", "", left_out=frozenset({"lock_sha256", "keep_until"})),
            *(
                lock_manifest.LockedTable(one)
                for one in (*parts, "protocol.Amendment", "protocol.Briefing", "protocol.Charter")
            ),
        )
        triggers.register(
            *(triggers.AppendOnlyTable(f"protocol_{one}", "OLD.study_id") for one in ("briefing", "charter"))
        )
        verify.register(verify.Checks(since_opening=since_opening))
