from django.apps import AppConfig


class MaterialConfig(AppConfig):
    name = "readerstudy.material"
    label = "material"

    def ready(self) -> None:
        from django.db.models import Q

        from readerstudy.audit import lock_manifest
        from readerstudy.audit.registry import SealedSection, SealedTable, register
        from readerstudy.jobs import registry as jobs
        from readerstudy.material import removal
        from readerstudy.material.alignments import REGISTER, ask_for_alignments
        from readerstudy.material.erasure import ERASE
        from readerstudy.material.models import Alignment, VolumeOfInterest
        from readerstudy.material.services import ensure_without_series
        from readerstudy.material.site_lists import sites_of_template
        from readerstudy.material.study_removal import files_of_study
        from readerstudy.protocol.signals import removing_part, removing_study, study_made

        instances = SealedTable("material.Instance", "series__study", unit=("series_id",))
        register(
            SealedSection("subjects", "Subject", (SealedTable("material.Subject", unit=("code",)),)),
            SealedSection("cases", "Case", (SealedTable("material.Case", unit=("code",)),)),
            SealedSection("series", "Series", (SealedTable("material.Series", unit=("pk",)), instances)),
            SealedSection(
                "alignments", "Alignment", (SealedTable("material.Alignment", unit=("fixed_id", "moving_id")),)
            ),
            SealedSection("volumes", "Volume of interest", (SealedTable("material.VolumeOfInterest", unit=("pk",)),)),
            SealedSection("screening log", "Screening log", (SealedTable("material.ScreeningLog"),)),
            SealedSection("site list", "Site list", (SealedTable("material.SiteList"),)),
        )
        of_study = ("Subject", "Case", "Series", "Alignment", "VolumeOfInterest", "SiteList", "ScreeningLog")
        lock_manifest.register(
            *(lock_manifest.LockedTable(f"material.{name}") for name in of_study),
            lock_manifest.LockedTable("material.Instance", "series__study"),
        )
        jobs.register(
            "readerstudy.material.tasks",
            jobs.Kind(
                REGISTER,
                "Register",
                "Registration",
                "accelerated to reference, for metrics and masks",
                40,
                missing=ask_for_alignments,
            ),
            jobs.Kind(ERASE, "Erase", "Erasure", "pixels of withdrawn subjects", 80, frees_room=True),
        )
        removal.register(
            removal.Dependant(
                "alignments",
                ("fixed_id", "moving_id"),
                lambda series: Alignment.objects.filter(Q(fixed__in=series) | Q(moving__in=series)),
                "alignment",
                "alignments",
                files=("picture",),
                place=1,
            ),
            removal.Dependant(
                "volumes",
                ("pk",),
                lambda series: VolumeOfInterest.objects.filter(drawn_on__in=series),
                "volume of interest drawn on it, which does not come back",
                "volumes of interest drawn on it, which do not come back",
                files=("sha256",),
                place=1,
            ),
        )
        removing_part.connect(ensure_without_series)
        removing_study.connect(files_of_study)
        study_made.connect(sites_of_template)
