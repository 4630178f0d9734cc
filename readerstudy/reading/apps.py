from django.apps import AppConfig


class ReadingConfig(AppConfig):
    name = "readerstudy.reading"
    label = "reading"

    def ready(self) -> None:
        from django.db.models import BooleanField, ExpressionWrapper, Q

        from readerstudy.archive.signals import restored
        from readerstudy.audit import lock_manifest, triggers, upgrade, verify
        from readerstudy.audit.registry import SealedSection, SealedTable, register
        from readerstudy.jobs import registry as jobs
        from readerstudy.jobs.order import SOON
        from readerstudy.material import erasure, removal
        from readerstudy.material.signals import changing_case, removing_series
        from readerstudy.protocol.signals import removing_part, removing_study
        from readerstudy.reading import answers
        from readerstudy.reading.erasure import COLUMNS, HOLDER, pair_files
        from readerstudy.reading.models import CaseCheck, PreparedPair
        from readerstudy.reading.opening import OPEN, ensure_not_opening
        from readerstudy.reading.preparing import PREPARE, ask_for_pairs, ensure_unscheduled, pairs_of_comparison
        from readerstudy.reading.remaking import REMAKE
        from readerstudy.reading.restored import withdraw_again
        from readerstudy.reading.upgrade import sign_answers
        from readerstudy.reading.verify import problems_beside_log, since_opening

        # What is confirmed and when stands in the log line of each pair.
        progress = {"state", "revision", "seen", "seconds", "started_at", "confirmed_at", "skipped_at", "skip_reason"}
        schedule = SealedTable(
            "reading.Presentation",
            unit=("reader__code",),
            left_out=frozenset(progress),
            derived={"void": ExpressionWrapper(Q(state="void"), output_field=BooleanField())},
        )
        register(
            SealedSection(
                "pairs", "Prepared pair", (SealedTable("reading.PreparedPair", unit=("case_id", "comparison_id")),)
            ),
            SealedSection("checks", "Check of case", (SealedTable("reading.CaseCheck", unit=("case_id",)),)),
            SealedSection("schedule", "Schedule of", (schedule,)),
            SealedSection(
                "signatures", "Signature", (SealedTable("reading.Signature", "reader__study", unit=("pk",)),)
            ),
        )
        answered = ("Rating", "Statement", "Finding", "ActiveTime", "Guess", "Write")
        lock_manifest.register(
            lock_manifest.LockedTable("reading.PreparedPair"),
            lock_manifest.LockedTable("reading.CaseCheck"),
            lock_manifest.LockedTable("reading.Presentation"),
            *(lock_manifest.LockedTable(f"reading.{name}", "presentation__study") for name in answered),
            lock_manifest.LockedTable("reading.Signature", "reader__study"),
        )
        of_presentation = "(SELECT study_id FROM reading_presentation WHERE id = OLD.presentation_id)"
        of_reader = "(SELECT study_id FROM accounts_membership WHERE id = OLD.reader_id)"
        signed = ("reading_rating", "reading_statement", "reading_activetime", "reading_guess")
        triggers.register(
            *(triggers.AppendOnlyTable(table, of_presentation, signed=True) for table in signed),
            triggers.AppendOnlyTable("reading_finding", of_presentation, ("withdrawn_at",), signed=True),
            triggers.AppendOnlyTable("reading_withdrawal", of_presentation),
            triggers.AppendOnlyTable("reading_signature", of_reader),
        )
        verify.register(verify.Checks(beside=problems_beside_log, signed=answers.problems, since_opening=since_opening))
        upgrade.register(sign_answers)
        jobs.register(
            "readerstudy.reading.tasks",
            jobs.Kind(PREPARE, "Prepare", "Pairs", "for the reading room", 50, missing=ask_for_pairs),
            jobs.Kind(
                REMAKE, "Make again", "Lost images", "Pairs whose files are damaged", 55, reads_only=True, urgency=SOON
            ),
            jobs.Kind(OPEN, "Open", "Opening", "check pairs, make the schedule, freeze", 70, urgency=SOON),
        )
        erasure.register(HOLDER)
        removal.register(
            removal.Dependant(
                "pairs",
                ("case_id", "comparison_id"),
                lambda series: PreparedPair.objects.filter(Q(first__in=series) | Q(second__in=series)),
                "prepared pair",
                "prepared pairs",
                files=COLUMNS,
            ),
            removal.Dependant(
                "checks",
                ("case_id",),
                lambda series: CaseCheck.objects.filter(case__series__in=series),
                "check against the other arms",
                "checks against the other arms",
                files=("picture",),
            ),
        )
        removing_study.connect(pair_files)
        removing_series.connect(ensure_not_opening)
        changing_case.connect(ensure_unscheduled)
        removing_part.connect(pairs_of_comparison)
        restored.connect(withdraw_again)
