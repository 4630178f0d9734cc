"""What a simulated reader does where the site is not as it should be."""

from types import SimpleNamespace

import pytest

from analysis.viewing import dwell
from readerstudy.home.simulation import ChanceReader, SimulatedReader
from readerstudy.viewing.models import LogPart
from readerstudy.viewing.tables import visits_of
from tests import factories, pixels


def test_a_reading_room_without_its_configuration_is_named():
    client = SimpleNamespace(get=lambda address: SimpleNamespace(status_code=200, content=b"<html></html>"))
    with pytest.raises(RuntimeError, match="without its configuration"):
        SimulatedReader(client, "/studies/a/reading/", "seed")


@pytest.mark.django_db
def test_it_leaves_a_log_of_what_it_says_that_it_saw():
    study = factories.make_study(subjects=1, readers=1)
    study = factories.open_(pixels.with_pixels(study, (5, 16, 16)))
    ChanceReader.of(study.memberships.get(role="reader"), seed=1).read_all()
    for pair in study.presentations.exclude(state="void"):
        (visit,) = visits_of(list(LogPart.objects.filter(presentation=pair)))
        assert visit.agrees
        assert visit.samples[-1].seconds == pytest.approx(pair.seconds, rel=0.3)
        assert all(set(slices) == set(range(5)) for slices in dwell([visit]).values())
