"""The course of a study, as its log tells it: what may not follow what, though the site itself wrote both lines.

The site acts on the state that it finds in the database. Where somebody changed that for a moment, a line stands where
none can.
"""

from dataclasses import dataclass, field

from readerstudy.audit.models import Event

MOVES = {f"study {state}": state for state in ("open", "paused", "closed", "locked")} | {"study opened": "open"}


@dataclass
class Course:
    """Follows the lines of a log, one after the other. problems: a sentence for each that cannot be where it is."""

    state: str = "draft"
    protocol: str = ""  # SHA-256 of the document at opening
    problems: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if to := MOVES.get(event.action):
            if self.state == "locked":
                self.problems.append(f"Event {event.number} moves a study that was locked.")
            self.state = to
            self.protocol = event.data.get("protocol", self.protocol)
