"""Radiomic features of a study: under which settings, what is there, missing, running, failed."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.images.models import RADIOMICS, Feature, FeatureSettings
from readerstudy.jobs.models import Job
from readerstudy.material.drawing import unseen
from readerstudy.material.models import VolumeOfInterest
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import Arm, ReaderStudy

Places = set[tuple[int, int]]  # (volume, series)


def active_settings(study: ReaderStudy) -> FeatureSettings:
    """The settings that hold; pyradiomics' own until an admin changes them."""
    found = study.feature_settings.filter(active=True).first()
    if found is None:
        from processing.radiomics.settings import read_settings  # pyradiomics takes a second to load

        default = read_settings()
        with transaction.atomic():
            found, new = FeatureSettings.objects.get_or_create(
                study=study, active=True, defaults={"settings": default.as_dict(), "sha256": default.sha256}
            )
            if new:
                seals = [("feature settings", str(found.pk))]
                record(study=study, action=Action.RADIOMIC_SETTINGS_CHANGED, sha256=found.sha256, seals=seals)
        found.refresh_from_db()  # PostgreSQL keeps an order of its own; every page shows the same one
    return found


def make_settings(study: ReaderStudy, **_: object) -> None:
    """Have settings hold before a study is locked."""
    active_settings(study)


def frozen_settings(study: ReaderStudy, **_: object) -> dict:
    """What the log of the opening keeps of the settings where images alone are compared."""
    return {"settings": active_settings(study).sha256}


def settings_since_opening(study: ReaderStudy, _: str) -> Iterator[str]:
    """How the settings differ from those of the opening, for `audit.verify`."""
    opened = study.events.filter(action=Action.STUDY_OPENED).first()
    hold = study.feature_settings.filter(active=True, sha256=opened.data.get("settings")) if opened else None
    if study.images_only and not (hold and hold.exists()):
        yield "The radiomic settings are not those that the study was opened with."


@dataclass(frozen=True)
class FeatureCell:
    """One volume of interest on one arm: done, waiting, running, failed, cancelled, missing (no series) or unseen
    (nobody said that it fits there)."""

    arm: Arm
    state: str
    job: Job | None = None
    undefined: int = 0

    @property
    def carried(self) -> dict:
        """What carrying the mask did; empty while unknown."""
        return self.job.result if self.job and self.state == Job.State.DONE else {}


def feature_grid(
    study: ReaderStudy, settings: FeatureSettings, volumes: list[VolumeOfInterest], without_look: Places
) -> list[tuple[VolumeOfInterest, list[FeatureCell]]]:
    """Each of these volumes of interest with one cell per arm."""
    arms = list(study.arms.all())
    series = {(s.case_id, s.arm_id): s.pk for s in study.series.filter(active=True)}
    jobs: dict[tuple[int, int], Job] = {}
    for one in Job.objects.filter(study=study, function=RADIOMICS).order_by("pk"):
        if one.parameters["settings"] == settings.pk:
            jobs[one.parameters["voi"], one.parameters["series"]] = one
    without = Feature.objects.filter(study=study, settings=settings).exclude(status=Feature.Status.OK)
    counted = without.order_by().values_list("voi", "series").annotate(Count("pk"))
    undefined = {(volume, one): count for volume, one, count in counted}
    rows = []
    for volume in sorted(volumes, key=lambda one: (one.case.code, one.name)):
        cells = []
        for arm in arms:
            there = series.get((volume.case_id, arm.pk))
            job = jobs.get((volume.pk, there)) if there else None
            state = "missing" if there is None else job.state if job else "waiting"
            state = "unseen" if (volume.pk, there) in without_look else state
            cells.append(FeatureCell(arm, state, job, undefined.get((volume.pk, there), 0)))
        rows.append((volume, cells))
    return rows


def present_features(
    study: ReaderStudy, settings: FeatureSettings | None = None, without_look: Places | None = None
) -> QuerySet[Feature]:
    """Features of the settings that hold, or of others, of volumes and series that count and that belong together.

    without_look: where nobody said that a drawn volume fits, if that is known (`unseen`).
    """
    under = {"settings": settings} if settings else {"settings__active": True}
    found = study.features.filter(in_use("voi__case__"), series__active=True, voi__removed_at=None, **under)
    if without_look := unseen(study) if without_look is None else without_look:
        there = found.filter(voi__origin=VolumeOfInterest.Origin.DRAWN).order_by().values_list("voi", "series")
        for volume, series in without_look & set(there.distinct()):
            found = found.exclude(voi=volume, series=series)
    return found


def earlier_settings(study: ReaderStudy) -> list[FeatureSettings]:
    """Settings that held before, whose features are there."""
    there = study.features.filter(settings__active=False).order_by().values_list("settings", flat=True).distinct()
    return list(study.feature_settings.filter(pk__in=there))


def features_by_class(settings: FeatureSettings) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Classes with their features: name, and IBSI's name and code, empty where IBSI has none."""
    from processing.radiomics.ibsi import counterparts

    known = {one.feature: one for one in counterparts()}
    rows = []
    for group, names in settings.settings["featureClass"].items():
        found = [(name, known.get(f"{group}_{name}")) for name in names]
        rows.append((group, [(name, one.ibsi_name if one else "", one.code if one else "") for name, one in found]))
    return rows


def reasons(study: ReaderStudy, without_look: Places | None = None) -> list[dict]:
    """Why features have no value: reason, class, how many, and of how many volumes."""
    without = present_features(study, without_look=without_look).exclude(status=Feature.Status.OK).order_by()
    found = without.values("reason", "feature_class").annotate(count=Count("pk"), volumes=Count("voi", distinct=True))
    return [dict(row) for row in found.order_by("-count", "reason", "feature_class")[:50]]


def in_words(settings: FeatureSettings) -> list[tuple[str, str]]:
    """What the settings say, for people: (what, how)."""
    extractor, types, classes = (settings.settings[part] for part in ("setting", "imageType", "featureClass"))
    bins = (
        f"{extractor['binCount']} bins"
        if extractor["binCount"]
        else f"bins {extractor['binWidth']:g} wide, from a multiple of it"
    )
    intensities = "as they are"
    if extractor["normalize"]:
        limit = f", cut at {extractor['removeOutliers']:g} SD" if extractor["removeOutliers"] else ""
        intensities = f"z score of the whole series × {extractor['normalizeScale']:g}{limit}"
    spacing = extractor["resampledPixelSpacing"]
    voxels = (
        " × ".join(f"{one:g}" for one in spacing) + f" mm by {extractor['interpolator']}" if spacing else "as acquired"
    )
    rows = [
        ("Intensities", intensities),
        ("Grey levels", bins),
        ("Voxels", voxels),
        ("Texture", "slice by slice (2-D)" if extractor["force2D"] else "in 3-D, all 13 directions"),
        ("Filters", ", ".join(f"{name} {_filter_in_words(own)}".strip() for name, own in types.items())),
        ("Classes", ", ".join(f"{name} {len(features)}" for name, features in classes.items())),
    ]
    if extractor.get("n4"):
        rows.insert(0, ("Bias field", "taken off first (N4)"))
    if "ringWidth" in extractor:
        rows.append(("Ring", f"{extractor['ringWidth']:g} mm around the volume, for MaxOnMeanRing"))
    if "iqWavelet" in extractor:
        rows.append(("Image quality", f"{extractor['iqWavelet']}, one level, energy of high over low frequencies"))
    if extractor["resegmentRange"] is not None:
        rows.append(("Only intensities", f"{extractor['resegmentRange']} ({extractor['resegmentMode']})"))
    if extractor["weightingNorm"]:
        rows.append(("Distance weighting", extractor["weightingNorm"]))
    return rows


def _filter_in_words(own: dict) -> str:
    return ", ".join(f"{name} {value}" for name, value in own.items() if name in ("sigma", "wavelet", "level"))


def summary(study: ReaderStudy, without_look: Places | None = None) -> dict[str, int]:
    """Numbers of features that hold, with and without a value."""
    return present_features(study, without_look=without_look).aggregate(
        ok=Count("pk", filter=Q(status=Feature.Status.OK)),
        undefined=Count("pk", filter=Q(status=Feature.Status.UNDEFINED)),
        failed=Count("pk", filter=Q(status=Feature.Status.FAILED)),
    )
