"""Radiomic features of one volume of interest on one series."""

import numpy as np

from processing.errors import InputError
from readerstudy.audit.actions import Action
from readerstudy.audit.registry import unit_name
from readerstudy.audit.services import record
from readerstudy.images.models import RADIOMICS, Feature, FeatureSettings
from readerstudy.images.stored_numbers import ensure_stored_as_written
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.material.models import Series, VolumeOfInterest
from readerstudy.material.volumes import load
from readerstudy.material.volumes_of_interest import load_mask


@job_function(RADIOMICS)
def compute_features(job: Job, report):
    from processing.masks import carry
    from processing.radiomics.extraction import extract
    from processing.radiomics.images import itk_image, itk_mask, measured_part
    from processing.radiomics.settings import read_settings

    voi = VolumeOfInterest.objects.select_related("study", "case").get(pk=job.parameters["voi"])
    series = Series.objects.select_related("arm").get(pk=job.parameters["series"])
    settings = FeatureSettings.objects.get(pk=job.parameters["settings"])
    volume = load(series)
    report(0.2, "carrying the mask")
    matrix = job.parameters["matrix"]
    carried = carry(load_mask(voi), volume.shape, volume.affine, matrix=None if matrix is None else np.array(matrix))
    measured = measured_part(carried.mask.array, volume)
    report(0.3, "computing features")
    extracted = extract(itk_image(volume), itk_mask(measured, volume.affine), settings=read_settings(settings.settings))
    if not extracted.rows:
        raise InputError("The radiomic settings ask for no feature. Let others hold.")
    rows = [
        Feature(
            study_id=voi.study_id,
            voi=voi,
            series=series,
            settings=settings,
            image_type=row.image_type,
            feature_class=row.feature_class,
            feature=row.feature,
            value=row.value,
            status=row.status,
            reason=row.reason[:200],
        )
        for row in extracted.rows
    ]

    def store() -> dict:
        own = Feature.objects.filter(voi=voi, series=series, settings=settings)
        own.delete()
        ensure_stored_as_written(voi.study, Feature.objects.bulk_create(rows, batch_size=500), own.all())
        record(
            study=voi.study,
            action=Action.FEATURES_COMPUTED,
            case=voi.case.code,
            volume=voi.name,
            arm=series.arm.code,
            features=len(rows),
            seals=[("features", unit_name(voi.pk, series.pk, settings.pk))],
        )
        return {
            "features": len(rows),
            "voxels_before": carried.voxels_before,
            "voxels": carried.voxels,
            "millilitres_before": carried.millilitres_before,
            "millilitres": carried.millilitres,
            "outside": carried.outside,
            "on_padding": carried.voxels - int(measured.sum()),
            "how": job.parameters["how"],
            "versions": extracted.versions,
        }

    return store
