"""The tables of what the images say, row by row, in the columns of their Table Schemas."""

from collections.abc import Iterator

from django.db.models import QuerySet

from readerstudy.archive.downloads import Row, csv_lines
from readerstudy.images.measure_jobs import present_measures
from readerstudy.images.radiomics import present_features
from readerstudy.material.models import Series
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import ReaderStudy

CHUNK = 500


def series_code(series) -> str:
    echo = f"-e{series.echo}" if series.echo > 1 else ""
    return f"{series.case.code}-{series.arm.code}{echo}-v{series.version}"


def series(study: ReaderStudy) -> Iterator[Row]:
    """One row per active series: how the pixels of one case in one arm came to be."""
    for one in all_said(study.series.filter(in_use("case__"), active=True)).iterator(chunk_size=CHUNK):
        yield series_row(one)


def all_said(found: QuerySet[Series]) -> QuerySet[Series]:
    """The same series in the order of the table, with all that their rows say."""
    found = found.select_related("case__subject__site", "arm", "made_from__case", "made_from__arm")
    return found.order_by("case__code", "arm__place", "echo")


def series_row(one: Series) -> Row:
    """What series.csv says of one series."""
    said, subject = one.parameters, one.case.subject
    column, row, _ = one.spacing  # mm between neighbouring columns, rows, slices
    age = subject.age if subject.age is not None else said.get("age")
    return {
        "subject": subject.code,
        "site": subject.site.code,
        "case": one.case.code,
        "arm": one.arm.code,
        "series": series_code(one),
        "sha256": one.sha256,
        **{name: said.get(name) for name in SCANNER_COLUMNS},
        "matrix": f"{one.columns}x{one.rows}",
        "pixel_spacing": f"{row:.6g}x{column:.6g}",
        "slices": one.slices,
        "processing_seconds": one.processing_seconds,
        "made_from": series_code(one.made_from) if one.made_from else None,
        "model_name": f"{one.model_name} {one.model_version}".strip(),
        "model_sha256": one.model_sha256,
        "simulated": said.get("simulated"),
        "age": age if age is None else min(age, 90),
        "sex": subject.sex or said.get("sex"),
        "diagnosis_code": subject.diagnosis_code,
        "diagnosis": subject.diagnosis,
        "origin_code": subject.origin_code,
        "origin": subject.origin,
    }


SCANNER_COLUMNS = [
    "manufacturer",
    "model",
    "software",
    "field_strength",
    "tr",
    "te",
    "ti",
    "flip_angle",
    "echo_train_length",
    "averages",
    "slice_thickness",
    "acquisition_seconds",
]


METRIC_COLUMNS = {
    "subject": "case__subject__code",
    "case": "case__code",
    "reference": "reference__arm__code",
    "test": "test__arm__code",
    "metric": "metric",
    "region": "region",
    "slice": "slice",
    "value": "value",
    "data_range": "data_range",
    "range_rule": "range_rule",
    "registered": "registered",
    "settings_hash": "settings_hash",
}


def metrics(study: ReaderStudy) -> Iterator[Row]:
    """One row per pair of active series, metric, region and slice."""
    present = study.metrics.filter(in_use("case__"), reference__active=True, test__active=True)
    for values in present.values_list(*METRIC_COLUMNS.values()).iterator(chunk_size=CHUNK):
        yield dict(zip(METRIC_COLUMNS, values, strict=True))


FEATURE_COLUMNS = {
    "subject": "voi__case__subject__code",
    "case": "voi__case__code",
    "roi": "voi__name",
    "arm": "series__arm__code",
    "image_type": "image_type",
    "class": "feature_class",
    "feature": "feature",
    "value": "value",
    "status": "status",
    "reason": "reason",
    "settings_hash": "settings__sha256",
    "mask": "voi__sha256",
}


def features(study: ReaderStudy) -> Iterator[Row]:
    """One row per volume of interest, arm and feature, under the settings that hold."""
    rows = present_features(study).values_list(*FEATURE_COLUMNS.values())
    for values in rows.iterator(chunk_size=CHUNK):
        yield dict(zip(FEATURE_COLUMNS, values, strict=True))


VOI_COLUMNS = {
    "subject": "voi__case__subject__code",
    "case": "voi__case__code",
    "roi": "voi__name",
    "arm": "series__arm__code",
    "reference": "reference__arm__code",
    "measure": "measure",
    "value": "value",
    "reason": "reason",
    "data_range": "data_range",
    "registered": "registered",
    "settings_hash": "settings_hash",
    "mask": "voi__sha256",
}


def voi(study: ReaderStudy) -> Iterator[Row]:
    """One row per volume of interest, arm and measure."""
    for values in present_measures(study).values_list(*VOI_COLUMNS.values()).iterator(chunk_size=CHUNK):
        yield dict(zip(VOI_COLUMNS, values, strict=True))


ROWS = {"series": series, "metrics": metrics, "features": features, "voi": voi}


def table_lines(study: ReaderStudy, table: str) -> Iterator[str]:
    """One of these tables as CSV, line by line."""
    from analysis.tables import column_names

    return csv_lines(column_names(table), ROWS[table](study))


def table_csv(study: ReaderStudy, table: str) -> bytes:
    """One of these tables as the bytes of its CSV file."""
    return "".join(table_lines(study, table)).encode()
