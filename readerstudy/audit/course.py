"""The course of a study, as its log tells it: what may not follow what, though the site itself wrote both lines.

The site acts on the state that it finds in the database. Where somebody changed that for a moment, a line stands where
none can.
"""

from dataclasses import dataclass, field

from readerstudy.audit import actions
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.states import ENDED, State

MOVES: dict[str, State] = {
    Action.STUDY_OPENED: State.OPEN,
    Action.STUDY_OPEN: State.OPEN,
    Action.STUDY_PAUSED: State.PAUSED,
    Action.STUDY_CLOSED: State.CLOSED,
    Action.STUDY_LOCKED: State.LOCKED,
}


@dataclass
class Course:
    """Follows the lines of a log, one after the other. problems: a sentence for each that cannot be where it is."""

    state: str = State.DRAFT
    protocol: str = ""  # SHA-256 of the document at opening
    confirmed: set[tuple[str, int]] = field(default_factory=set)  # reader and position
    finished: set[str] = field(default_factory=set)  # codes of readers
    scheduled: set[str] = field(default_factory=set)  # codes of cases
    problems: list[str] = field(default_factory=list)

    def follow(self, event: Event) -> None:
        line, data = f"Event {event.number}", event.data
        if to := MOVES.get(event.action):
            if self.state == State.LOCKED:
                self.problems.append(f"{line} moves a study that was locked.")
            self.state = to
            self.protocol = data.get("protocol", self.protocol)
        if event.action in actions.READING and self.state != State.OPEN:
            self.problems.append(f"{line} tells of reading while the study was {self.state}.")
        if event.action == Action.PAIR_CONFIRMED:
            self.confirmed.add((data["reader"], data["position"]))
        if (
            event.action in actions.CHANGES
            and (data["reader"], data["position"]) in self.confirmed
            and data["reader"] in self.finished
        ):
            self.problems.append(f"{line} changed an answer of {data['reader']}, whose list was finished.")
        if event.action == Action.LIST_FINISHED:
            self.finished.add(data["reader"])
        if event.action == Action.RESULTS_SEEN and self.state not in ENDED:
            self.problems.append(f"{line} tells of results that were seen while the study was {self.state}.")
        if event.action == Action.PAIRS_PREPARED and data["case"] in self.scheduled:
            self.problems.append(f"{line} made the pairs of {data['case']} anew, which was scheduled.")
        if event.action == Action.STUDY_OPENED:
            self.scheduled |= {case for case, *_ in data.get("inputs", {}).get("cases", [])}
        if event.action == Action.STUDY_AMENDED and data["kind"] == "case_added":
            self.scheduled |= set(data["what"].split(", "))
