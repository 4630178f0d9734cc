"""The arms of a protocol as they come from each other: trees whose roots were uploaded, and how far each arm is."""

from collections import Counter
from dataclasses import dataclass

from readerstudy.jobs.models import Job
from readerstudy.material.selectors import material_grid
from readerstudy.protocol.models import Arm, ReaderStudy
from readerstudy.protocol.selectors import arms_of


@dataclass(frozen=True)
class ArmNode:
    """An arm and what is made from it. simulated: a degradation or a phantom stands in its chain; states: of its
    series, as on the map of the material."""

    arm: Arm
    simulated: bool
    states: Counter[str]
    makes: list["ArmNode"]

    @property
    def cases(self) -> int:
        return self.states.total()

    @property
    def there(self) -> int:
        return self.states["there"]

    @property
    def running(self) -> int:
        return self.states[Job.State.RUNNING]

    @property
    def failed(self) -> int:
        return self.states[Job.State.FAILED]


def arm_chains(study: ReaderStudy) -> list[ArmNode]:
    """A tree for each uploaded arm, in the order of the protocol."""
    arms = arms_of(study)
    columns = [cells for case, cells in material_grid(study) if not case.set_aside]
    states = {arm.pk: Counter(cells[place].state for cells in columns) for place, arm in enumerate(arms)}
    told = {cell.arm.pk for cells in columns for cell in cells if cell.series and cell.series.simulated}

    def made_from(source: Arm | None, simulated: bool) -> list[ArmNode]:
        return [
            ArmNode(arm, said, states[arm.pk], made_from(arm, said))
            for arm in arms
            if arm.made_from == source
            for said in [simulated or arm.recipe is not None or arm.pk in told]
        ]

    return made_from(None, False)
