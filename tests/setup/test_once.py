"""What a module's tests begin with is made once, and each of them finds it as it was made."""

import pytest

from readerstudy.accounts.models import User
from readerstudy.archive.store import erase, exists, put_bytes
from readerstudy.audit import heads
from readerstudy.protocol.models import ReaderStudy
from tests import factories
from tests.once import made_once

pytestmark = pytest.mark.django_db
made = []


@made_once(committed=True)
def study():
    made.append(put_bytes(b"a file"))
    return factories.make_study(subjects=0)


@pytest.mark.parametrize("turn", [1, 2])
def test_a_change_of_one_test_does_not_reach_the_next(study, turn):
    assert len(made) == 1
    assert exists(made[0])
    assert (study.title, User.objects.count(), ReaderStudy.objects.count()) == ("Trial", 2, 1)
    assert heads.latest(study.slug).number == study.events.count()
    study.title = "Changed"
    study.save()
    factories.make_user()
    heads.path_of(study.slug).unlink()
    erase(made[0])
