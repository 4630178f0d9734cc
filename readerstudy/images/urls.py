"""What the images say without a reader: metrics, registration, radiomics, scan times, figures."""

from django.urls import path

from readerstudy.images import (
    views_anomalies,
    views_difference,
    views_figures,
    views_images,
    views_in_volumes,
    views_radiomics,
    views_scan_times,
    views_signature,
    views_stability,
    views_two_settings,
    views_volumes,
)

urlpatterns = [
    path("", views_images.image_metrics, name="image_metrics"),
    path("metrics.csv", views_images.metrics_csv, name="metrics_csv"),
    path("radiomics/", views_radiomics.radiomics, name="radiomics"),
    path("radiomics/features.csv", views_radiomics.features_csv, name="features_csv"),
    path("radiomics/volumes.zip", views_volumes.volumes_zip, name="volumes_zip"),
    path("radiomics/volumes-<int:case>.zip", views_volumes.volumes_zip, name="case_volumes_zip"),
    path("radiomics/volumes/", views_in_volumes.in_volumes, name="in_volumes"),
    path("radiomics/voi.csv", views_in_volumes.voi_csv, name="voi_csv"),
    path("radiomics/stability/", views_stability.stability, name="stability"),
    path("radiomics/stability/criteria/", views_stability.change_criteria, name="stability_criteria"),
    path("radiomics/stability.csv", views_stability.stability_csv, name="stability_csv"),
    path("radiomics/stability.json", views_stability.stability_json, name="stability_json"),
    path("radiomics/robust/<slug:form>/", views_stability.robust_features, name="robust_features"),
    path("radiomics/signature/", views_signature.signature, name="signature"),
    path("radiomics/settings/<int:earlier>/", views_two_settings.settings_beside, name="settings_beside"),
    path("radiomics/settings/", views_radiomics.radiomics_settings, name="radiomics_settings"),
    path("scan-times/", views_scan_times.scan_times, name="scan_times"),
    path("scan-times/table.csv", views_scan_times.scan_times_csv, name="scan_times_csv"),
    path("figures/", views_figures.figures, name="figures"),
    path("figures/figure.<slug:kind>", views_figures.figure_file, name="figure_file"),
    path("difference/<int:case>/", views_difference.difference, name="difference"),
    path("difference/<int:case>/slice.png", views_difference.difference_picture, name="difference_picture"),
    path("anomalies/<int:case>/", views_anomalies.anomalies, name="anomalies"),
    path("anomalies/<int:case>/ask/", views_anomalies.ask_anomalies, name="ask_anomalies"),
    path("anomalies/<int:case>/<slug:kind>.png", views_anomalies.anomaly_picture, name="anomaly_picture"),
]
