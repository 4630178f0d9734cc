from django.apps import AppConfig


class ImagesConfig(AppConfig):
    name = "readerstudy.images"
    label = "results"  # of its tables, whose names stay

    def ready(self) -> None:
        from django.db.models import Q

        from readerstudy.audit import lock_manifest, verify
        from readerstudy.audit.registry import SealedSection, SealedTable, register
        from readerstudy.images import anomaly_files
        from readerstudy.images.analyses import erase_analyses
        from readerstudy.images.erasure import HOLDER, erase_with_series
        from readerstudy.images.feature_jobs import ask_for_features
        from readerstudy.images.feature_settings import preset_of_template
        from readerstudy.images.measure_jobs import MEASURE, ask_for_measures
        from readerstudy.images.metric_jobs import COMPARE, ask_for_metrics
        from readerstudy.images.models import RADIOMICS, STABILITY, Feature, Metric, VolumeMeasure
        from readerstudy.images.radiomics import frozen_settings, make_settings, settings_since_opening
        from readerstudy.images.stability_criteria import criteria_since_opening, frozen_criteria
        from readerstudy.jobs import registry as jobs
        from readerstudy.jobs.order import LATER, SOON
        from readerstudy.material import erasure, removal
        from readerstudy.material.signals import removing_series
        from readerstudy.protocol.signals import freezing, locking, removed, removing_study, study_made

        features = SealedTable("results.Feature", unit=("voi_id", "series_id", "settings_id"))
        register(
            SealedSection(
                "metrics", "Image metrics", (SealedTable("results.Metric", unit=("reference_id", "test_id")),)
            ),
            SealedSection(
                "feature settings", "Radiomic settings", (SealedTable("results.FeatureSettings", unit=("pk",)),)
            ),
            SealedSection("features", "Radiomic features", (features,)),
            SealedSection(
                "volume measures",
                "Measures in volumes of interest",
                (SealedTable("results.VolumeMeasure", unit=("voi_id",)),),
            ),
        )
        lock_manifest.register(
            *(
                lock_manifest.LockedTable(f"results.{name}")
                for name in ("Metric", "FeatureSettings", "Feature", "VolumeMeasure")
            )
        )
        by_the_thousand: dict = {"queue": "metrics", "urgency": LATER}
        compare = "SSIM, L1 and others of two arms"
        jobs.register(
            "readerstudy.images.tasks_metrics",
            jobs.Kind(COMPARE, "Compare", "Image metrics", compare, 90, missing=ask_for_metrics, **by_the_thousand),
        )
        features_of = "features of volumes of interest"
        jobs.register(
            "readerstudy.images.tasks_radiomics",
            jobs.Kind(
                RADIOMICS, "Radiomics", "Radiomics", features_of, 100, missing=ask_for_features, **by_the_thousand
            ),
        )
        in_volumes = "intensity, noise, SSIM and PSNR in volumes of interest"
        jobs.register(
            "readerstudy.images.tasks_measures",
            jobs.Kind(MEASURE, "Measure", "In volumes", in_volumes, 95, missing=ask_for_measures, **by_the_thousand),
        )
        jobs.register(
            "readerstudy.images.tasks_stability",
            jobs.Kind(
                STABILITY,
                "Stability",
                "Stability",
                "radiomic features between arms",
                110,
                reads_only=True,
                queue="metrics",
                urgency=SOON,
            ),
        )
        jobs.register(
            "readerstudy.images.tasks_anomalies",
            jobs.Kind(
                anomaly_files.ANOMALIES,
                "Map anomalies",
                "Anomalies",
                "what a network does not expect",
                95,
                reads_only=True,
                queue="enhance",
                urgency=SOON,
            ),
        )
        erasure.register(HOLDER)
        erasure.register(anomaly_files.HOLDER)
        removing_study.connect(anomaly_files.leave_study)
        removal.register(
            removal.Dependant(
                "metrics",
                ("reference_id", "test_id"),
                lambda series: Metric.objects.filter(Q(reference__in=series) | Q(test__in=series)),
                "comparison by image metrics",
                "comparisons by image metrics",
            ),
            removal.Dependant(
                "features",
                ("voi_id", "series_id", "settings_id"),
                lambda series: Feature.objects.filter(Q(series__in=series) | Q(voi__drawn_on__in=series)),
                "set of radiomic features",
                "sets of radiomic features",
            ),
            removal.Dependant(
                "volume measures",
                ("voi_id",),
                lambda series: VolumeMeasure.objects.filter(
                    Q(series__in=series) | Q(reference__in=series) | Q(voi__drawn_on__in=series)
                ),
                "volume of interest that was measured",
                "volumes of interest that were measured",
            ),
        )
        removing_series.connect(erase_with_series)
        # Made on first use: after locking that would be a change.
        locking.connect(make_settings)
        study_made.connect(preset_of_template)
        freezing.connect(frozen_settings)
        verify.register(verify.Checks(since_opening=settings_since_opening))
        freezing.connect(frozen_criteria)
        verify.register(verify.Checks(since_opening=criteria_since_opening))
        removed.connect(erase_analyses)
