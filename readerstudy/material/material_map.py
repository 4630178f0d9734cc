"""The material as a map: one column per case, one row per arm, in lines that fit the page."""

from dataclasses import dataclass, field
from itertools import groupby

from django.utils.text import capfirst

from readerstudy.material.models import Case
from readerstudy.material.selectors import STATES, Awaited, MaterialCell, material_grid
from readerstudy.protocol.models import Arm, ReaderStudy

LINE = 1362  # pixels for the columns of one line at 1600 px
SIZES = [(24, "wide", 44), (52, "mid", 22), (10**9, "", 10)]  # up to so many columns: class, pixels of a cell
LETTER = 6.4  # pixels of a letter of a label


@dataclass
class Column:
    """One case. `gap` is the class that sets it apart from the one before; labels are empty where none fits."""

    case: Case
    cells: list[MaterialCell]
    gap: str = ""
    subject: str = ""
    region: str = ""

    @property
    def css(self) -> str:
        """Classes of its cells."""
        return f"{self.gap} aside" if self.case.set_aside else self.gap


@dataclass
class Line:
    columns: list[Column] = field(default_factory=list)
    rows: list[tuple[Arm, list[tuple[Column, MaterialCell]], int | None]] = field(default_factory=list)


@dataclass(frozen=True)
class MaterialMap:
    size: str
    lines: list[Line]
    counts: dict[str, int]
    total: int


def cell_counts(rows: list[tuple[Case, list[MaterialCell]]]) -> dict[str, int]:
    """Number of cells in each state, in words; states that do not occur are left out, but for there and missing."""
    found = {word: sum(cell.state == state for _, cells in rows for cell in cells) for state, word in STATES.items()}
    return {word: number for word, number in found.items() if number or word in ("there", "missing")}


def study_map(study: ReaderStudy, *, awaited: Awaited = ()) -> MaterialMap:
    """The map of a study; subjects stay whole where a line breaks. Cases that are set aside are shown, not counted."""
    rows, arms = material_grid(study, awaited=awaited), list(study.arms.all())
    used = [(case, cells) for case, cells in rows if not case.set_aside]
    size, cell = next((name, pixels) for limit, name, pixels in SIZES if len(rows) <= limit)
    lines, filled, label_end, subject_end = [Line()], 0.0, 0.0, 0.0
    by_region = [(region, list(found)) for region, found in groupby(rows, key=lambda row: row[0].region)]
    for region, of_region in by_region:
        label = f"{capfirst(region)} {len(of_region)}"
        first_of_region = True
        for subject, found in groupby(of_region, key=lambda row: row[0].subject.code):
            columns = [Column(case, cells) for case, cells in found]
            width = len(columns) * (cell + 1)
            if filled and filled + width + (12 if first_of_region else 2) > LINE:
                lines.append(Line())
                filled = label_end = subject_end = 0.0
            if filled:
                gap = "gap"
                if first_of_region:
                    space = label_end - filled
                    gap = "region" if space < 12 else "region-2" if space < 40 else "region-3"
                columns[0].gap = gap
                filled += {"gap": 2, "region": 12, "region-2": 40, "region-3": 80}[gap]
            if first_of_region or not lines[-1].columns:
                columns[0].region = label if first_of_region else capfirst(region)
                label_end = filled + LETTER * len(label) + 8
            if filled >= subject_end:
                columns[0].subject = subject
                # Every fifth subject is named where columns are narrow, each where there is room.
                room = 5 if not size and len(rows) > 60 else 1
                subject_end = filled + max(LETTER * len(subject) + 6, (cell + 3) * room * 1.4 if room > 1 else 0)
            lines[-1].columns += columns
            filled += width
            first_of_region = False
    for line in lines:
        for number, arm in enumerate(arms):
            cells = [(column, column.cells[number]) for column in line.columns]
            total = sum(cells_[number].state == "there" for _, cells_ in used) if line is lines[-1] else None
            line.rows.append((arm, cells, total))
    return MaterialMap(size, lines if rows else [], cell_counts(used), len(used) * len(arms))
