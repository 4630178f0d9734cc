"""What a job computed is what the database holds, or the job ends with a sentence."""

import pytest

from readerstudy.audit.services import RecordError
from readerstudy.images.models import Metric
from readerstudy.images.stored_numbers import ensure_stored_as_written
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def written():
    study = factories.make_study(subjects=1)
    series = {one.arm.code: one for one in study.series.select_related("arm")}
    common = {"study": study, "case": series["SOC"].case, "reference": series["SOC"], "test": series["FAST"]}
    values = {"ssim": 1 / 3, "psnr": None, "mae": 1e-17}
    said = {name: "" if value is not None else "no noise" for name, value in values.items()}
    rows = [
        Metric(
            metric=name,
            value=value,
            region="whole",
            range_rule="x",
            settings_hash="0" * 64,
            reason=said[name],
            **common,
        )
        for name, value in values.items()
    ]
    return Metric.objects.bulk_create(rows)


def there():
    return Metric.objects.all()


def test_what_was_written_is_there(written):
    ensure_stored_as_written(written[0].study, written, there())


@pytest.mark.parametrize(
    "meddle",
    [
        lambda: there().filter(metric="ssim").update(value=0.5),
        lambda: there().filter(metric="psnr").update(value=0.5, reason=""),
        lambda: there().filter(metric="ssim").update(value=None, reason="x"),
        lambda: there().filter(metric="mae").update(region="foreground"),
        lambda: there().filter(metric="mae").delete(),
    ],
)
def test_what_the_database_changed_is_refused(written, meddle):
    meddle()
    with pytest.raises(RecordError, match="than were written into it just now"):
        ensure_stored_as_written(written[0].study, written, there())
