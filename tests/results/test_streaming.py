"""A large table leaves as a stream: fed by an iterator that reads the database in chunks, in bounded memory."""

import tempfile
import tracemalloc
import uuid
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from readerstudy.reading.models import Presentation, Rating
from readerstudy.results import everything, large_files, tables, wheel
from tests import factories
from tests.once import made_once

pytestmark = pytest.mark.django_db
PRESENTATIONS = 2_500


@made_once()
def study():
    """A closed study of 2,500 presentations with eight ratings each: 20,000 rows."""
    study = factories.make_study(subjects=1)
    reader, case = study.memberships.get(role="reader"), study.cases.get()
    comparison, criteria, now = study.comparisons.first(), list(study.criteria.all()), timezone.now()
    common = {"study": study, "reader": reader, "case": case, "comparison": comparison, "kind": "training"}
    common |= {"first_side": "left", "state": "confirmed", "confirmed_at": now, "seconds": 0}
    Presentation.objects.bulk_create(
        Presentation(position=place, token=uuid.uuid4().hex, **common) for place in range(1, PRESENTATIONS + 1)
    )
    found = Presentation.objects.filter(study=study).only("pk")
    factories.keep_all(
        [
            Rating(
                presentation=one,
                criterion=criterion,
                revision=1,
                score=3,
                status="rated",
                key=uuid.uuid4(),
                rated_at=now,
            )
            for one in found
            for criterion in criteria
        ]
    )
    study.__class__.objects.filter(pk=study.pk).update(
        state="closed", opened_at=now, closed_at=now, schedule_sha256="0" * 64
    )
    factories.log_as_is(study)
    study.refresh_from_db()
    return study


def test_twenty_thousand_ratings_stream_in_bounded_memory(study):
    client = Client()
    admin = study.memberships.get(role="admin").user
    client.force_login(admin, backend="readerstudy.accounts.backends.AccountBackend")
    response = client.get(f"/studies/{study.slug}/results/tables/ratings.csv?as_it_is=1")
    assert response.streaming
    assert isinstance(response.streaming_content, Iterator)
    size = lines = 0
    tracemalloc.start()
    for part in response.streaming_content:
        size += len(part)
        lines += part.count(b"\n")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == 1 + PRESENTATIONS * study.criteria.count() == 20_001
    assert size > 3_000_000
    assert peak < 24 << 20, f"{peak >> 20} MB"


@pytest.mark.parametrize("form", ["zip", pytest.param("csv", marks=pytest.mark.both_databases)])
def test_zip_and_table_of_twenty_thousand_ratings_are_written_in_bounded_memory(study, form):
    wheel.wheel()  # once for a process
    tracemalloc.start()
    with tempfile.TemporaryFile() as file:
        everything.write_zip(file, study, {}) if form == "zip" else large_files.write(file, study, "csv-ratings")
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 << 20, f"{peak >> 20} MB"


@pytest.mark.both_databases
def test_it_reads_chunk_by_chunk(study):
    rows = tables.ratings(study)
    with CaptureQueriesContext(connection) as seen:
        next(rows)
    assert len(seen) < 8
    with CaptureQueriesContext(connection) as seen:
        for _ in range(tables.CHUNK * study.criteria.count()):
            next(rows)
    assert len(seen) <= 2  # the ratings of the next chunk
    rows.close()
