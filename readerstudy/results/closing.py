"""What a study that is closed will be asked for."""

from readerstudy.protocol.models import ReaderStudy
from readerstudy.states import State


def request_on_closing(study: ReaderStudy, **_: object) -> None:
    """A study moved to another state: one that was closed will be looked at."""
    if study.state == State.CLOSED:
        from readerstudy.results.services import request_results, results_key

        request_results(study, results_key(study))
