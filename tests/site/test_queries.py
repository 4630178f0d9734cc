"""No page asks the database more often than 30 times; `benchmarks.site_at_size` visits them where there is much."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.once import made_once
from tests.pages import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
MOST = 30
# Files, which are written from whole tables while they are sent, and what programs ask for.
NO_PAGE = re.compile(r"\.(csv|json|zip|xlsx|yaml|xml)$|/tables/|/export|^/api/|^/healthz|^/dicomweb/|^/account/")


@made_once()
def study():
    return factories.make_closed_study(subjects=2, readers=2)


def asked(client: Client, address: str) -> tuple[int, int]:
    """Status of the answer and number of queries."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    return answer.status_code, sum("SAVEPOINT" not in one["sql"] for one in queries)  # those are the test's own


def test_no_page_asks_more_often_than_it_may(study):
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    few = 0
    over = {}
    for address in addresses(study.slug):
        if NO_PAGE.search(address):
            continue
        status, count = asked(client, address)
        if count > MOST:  # an analysis that is kept from now on
            status, count = asked(client, address)
        few += status == 200
        if status == 200 and count > MOST:
            over[address] = count
    assert over == {}
    assert few > 20
