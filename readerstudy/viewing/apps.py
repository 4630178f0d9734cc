from django.apps import AppConfig


class ViewingConfig(AppConfig):
    name = "readerstudy.viewing"
    label = "viewing"

    def ready(self) -> None:
        from readerstudy.audit import lock_manifest, triggers, verify
        from readerstudy.audit.registry import SealedSection, SealedTable, register
        from readerstudy.viewing.verify import problems

        register(
            SealedSection(
                "display checks", "Display check", (SealedTable("viewing.DisplayCheck", "reader__study", ("pk",)),)
            )
        )
        lock_manifest.register(
            lock_manifest.LockedTable("viewing.DisplayCheck", "reader__study"),
            lock_manifest.LockedTable("viewing.LogPart", "presentation__study"),
        )
        triggers.register(
            triggers.AppendOnlyTable(
                "viewing_displaycheck", "(SELECT study_id FROM accounts_membership WHERE id = OLD.reader_id)"
            ),
            triggers.AppendOnlyTable(
                "viewing_logpart", "(SELECT study_id FROM reading_presentation WHERE id = OLD.presentation_id)"
            ),
        )
        verify.register(verify.Checks(signed=problems))
