"""No app of the site reaches into one above it, whatever the way."""

from graphlib import CycleError, TopologicalSorter

import pytest
from grimp import build_graph

from tests.floors import House, found, reaches

# (file, what) and why it may.
ALLOWED = {
    ("audit/studies.py", "readerstudy.protocol.models.ReaderStudy"): "for types alone: nothing is imported at run time",
    ("audit/upgrade.py", "get_model(protocol)"): "a migration's own models: it goes through the studies of that time",
    ("audit/upgrade.py", "actor"): "a migration's own models: lines get the names of their actors",
    ("serving/prepare.py", "readerstudy.settings"): "told to a process: where the site begins",
    ("serving/supervisor.py", "readerstudy.settings"): "told to a process: where the site begins",
    ("serving/supervisor.py", "readerstudy.wsgi"): "told to a process: where the site begins",
}
# A module of the jobs, on a floor in the middle.
PLANTS = {
    "from readerstudy.reading import planning": "readerstudy.reading.planning",
    "def f():\n    from readerstudy.home.selectors import latest_events": "readerstudy.home.selectors.latest_events",
    "import readerstudy.images.models": "readerstudy.images.models",
    "import_module('readerstudy.material.services')": "readerstudy.material.services",
    "apps.get_model('material.Series')": "get_model(material)",
    "apps.get_model('results', 'Metric')": "get_model(results)",  # the label of the images
    "study.presentations.count()": ".presentations",
    "Job.objects.filter(study__presentations__state='void')": "study__presentations__state",
    "ReaderStudy.objects.filter(presentations__state='void')": "presentations__state",
    "ReaderStudy.objects.order_by('-series__pk')": "-series__pk",
}


def test_no_app_reaches_into_one_above():
    here = {(file, what) for file, _, what in found()}
    assert here - ALLOWED.keys() == set()
    assert ALLOWED.keys() - here == set(), "no longer needed"


@pytest.mark.parametrize(("source", "what"), PLANTS.items())
def test_a_way_up_is_found(source, what):
    assert what in [found for _, found in reaches(source, "jobs", House.as_built())]


@pytest.mark.parametrize("source", ["Membership.objects.get(study__slug=slug)", "rows.select_related('study')"])
def test_a_query_along_a_key_that_points_upwards_is_found(source):
    assert list(reaches(source, "accounts", House.as_built()))
    assert list(reaches(source, "reading", House.as_built())) == []


def test_ways_down_are_free():
    down = "from readerstudy.jobs.models import Job\nstudy.series.count()\napps.get_model('material.Series')"
    assert list(reaches(down, "reading", House.as_built())) == []


@pytest.mark.parametrize("package", ["readerstudy", "processing", "analysis"])
def test_no_modules_import_each_other(package):
    graph = build_graph(package)
    TopologicalSorter({one: graph.find_modules_directly_imported_by(one) for one in graph.modules}).prepare()


def test_modules_that_import_each_other_are_found():
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}).prepare()
