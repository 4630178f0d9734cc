"""What a simulated reader does where the site is not as it should be."""

from types import SimpleNamespace

import pytest

from readerstudy.home.simulation import SimulatedReader


def test_a_reading_room_without_its_configuration_is_named():
    client = SimpleNamespace(get=lambda address: SimpleNamespace(status_code=200, content=b"<html></html>"))
    with pytest.raises(RuntimeError, match="without its configuration"):
        SimulatedReader(client, "/studies/a/reading/", "seed")
