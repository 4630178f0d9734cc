"""Sealed rows against the log: what a line says of them, what the log said last, and whether they still are that."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from django.core.exceptions import FieldError

from readerstudy.audit import chain, keys, registry
from readerstudy.audit.models import Event, Sealed
from readerstudy.audit.studies import Study

# (section, unit); unit None: all units of the section.
Seal = tuple[str, str | None]


def every_unit() -> list[Seal]:
    """All units of all sections."""
    return [(one.name, None) for one in registry.sections()]


def _by_section(seals: Iterable[Seal]) -> dict[str, set[str] | None]:
    """Units by section; None for all."""
    found: dict[str, set[str] | None] = {}
    for name, unit in seals:
        units = found.setdefault(name, set())
        if unit is None or units is None:
            found[name] = None
        else:
            units.add(unit)
    return found


def _sealing_lines(study: Study, units_of: Mapping[str, Collection[str] | None]) -> dict[str, dict[str, int]]:
    """The line that sealed each unit last, by section."""
    found: dict[str, dict[str, int]] = {name: {} for name in units_of}
    whole = [name for name, units in units_of.items() if units is None]
    rows = [Sealed.objects.filter(study=study, section__in=whole)] if whole else []
    for name, units in units_of.items():
        if units is not None:
            rows.append(Sealed.objects.filter(study=study, section=name, unit__in=units))
    for some in rows:
        for name, unit, number in some.values_list("section", "unit", "number"):
            found[name][unit] = number
    return found


def seal_data(study: Study, seals: Iterable[Seal]) -> dict:
    """What the next line of the log keeps of these units as they are now: `sealed` has a SHA-256 for each, null for one
    that was removed; `columns` those it was made over; `before` the line that sealed it last."""
    sealed: dict[str, dict] = {}
    columns: dict[str, dict] = {}
    before: dict[str, dict] = {}
    units_of = _by_section(seals)
    lines = _sealing_lines(study, units_of)
    for name, units in units_of.items():
        columns[name] = registry.columns_of(name)
        now = registry.digests(study, name, columns=columns[name], units=units)
        index = lines[name]
        sealed[name] = {unit: now.get(unit) for unit in sorted({*now, *index} if units is None else units)}
        before[name] = index
    return {"sealed": sealed, "columns": columns, "before": before} if sealed else {}


def remember_sealing_lines(study: Study, event: Event) -> None:
    """Remember which line sealed its units."""
    rows = [
        Sealed(study=study, section=name, unit=unit, number=event.number)
        for name, units in event.data.get("sealed", {}).items()
        for unit in units
    ]
    Sealed.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["study", "section", "unit"], update_fields=["number"]
    )


def changed_unit(study: Study, seals: Iterable[Seal]) -> str:
    """Which of these units is not as the log said last, in half a sentence; "" if all are. A time that does not grow
    with the log."""
    units_of = _by_section(seals)
    wanted = _sealing_lines(study, units_of)
    numbers = {number for index in wanted.values() for number in index.values()}
    lines = {event.number: event for event in Event.objects.filter(study=study, number__in=numbers)}
    for event in lines.values():
        if problem := chain.line_problem(event, study.slug):
            return problem
        if event.key not in keys.known():  # anybody can write such a line
            return f"line {event.number} sealed them with a key that the settings do not hold ({event.key})"
    for name, index in wanted.items():
        last = {}
        for unit, number in index.items():
            data = lines[number].data if number in lines else {}
            if unit not in data.get("sealed", {}).get(name, {}):
                return f"line {number}, which should have sealed {in_words(name, unit)}, does not tell of it"
            last[unit] = (data["sealed"][name][unit], data["columns"][name])
        if found := next(_changed_units(study, name, last, units_of[name]), ""):
            return found
    return ""


Last = dict[str, tuple[str | None, registry.Columns]]


def _changed_units(study: Study, name: str, last: Last, units: Collection[str] | None) -> Iterator[str]:
    """Units of a section that are not as they were sealed last, in half a sentence each. last: digest and columns by
    unit; units: those that are looked at, None for all that there are."""
    groups: dict[str, list[str]] = defaultdict(list)
    for unit, (_, columns) in last.items():
        groups[repr(sorted(columns.items()))].append(unit)
    present_digests: dict[str, str] = {}
    try:
        for members in groups.values():
            digests = registry.digests(
                study, name, columns=last[members[0]][1], units=members if units is not None else None
            )
            present_digests |= {unit: digests[unit] for unit in members if unit in digests}
    except (FieldError, LookupError):
        yield f"{registry.section(name).title} were sealed with columns that there are no more"
        return
    if units is not None or not groups:
        new = None if units is None else set(units) - last.keys()
        digests = registry.digests(study, name, columns=registry.columns_of(name), units=new)
    present_digests |= {unit: sha256 for unit, sha256 in digests.items() if unit not in last}
    for unit in sorted(last.keys() | present_digests.keys()):
        if unit not in last:
            yield f"{in_words(name, unit)}: there are rows, and no line of the log tells of them"
        elif (expected := last[unit][0]) != present_digests.get(unit):
            what = (
                "rows were removed"
                if unit not in present_digests
                else "rows were added"
                if expected is None
                else "changed"
            )
            yield f"{in_words(name, unit)}: {what}, and no line of the log tells of it"


def in_words(name: str, unit: str) -> str:
    title = registry.section(name).title
    return title if unit == registry.WHOLE else f"{title} {unit}"


def seals_in_log(events: Iterable[Event]) -> tuple[dict[str, Last], dict[tuple[str, str], int], list[str]]:
    """What a whole log says: by section, digest and columns of every unit as sealed last; by section and unit, the
    line; and where a line names another line before it than there is."""
    last: dict[str, Last] = defaultdict(dict)
    lines: dict[tuple[str, str], int] = {}
    broken = []
    for event in events:
        for name, units in event.data.get("sealed", {}).items():
            for unit, sha256 in units.items():
                before = event.data["before"][name].get(unit)
                if before != lines.get((name, unit)):
                    broken.append(f"line {event.number} was written on another state of {in_words(name, unit)}")
                last[name][unit] = sha256, event.data["columns"][name]
                lines[name, unit] = event.number
    return last, lines, broken


def problems(study: Study, events: Sequence[Event] | Iterable[Event]) -> Iterator[str]:
    """How the sealed rows of a study differ from what its log says, in half a sentence each."""
    last, lines, broken = seals_in_log(events)
    yield from broken
    for one in registry.sections():
        yield from _changed_units(study, one.name, last.get(one.name, {}), None)
    index = {
        (name, unit): number
        for name, unit, number in Sealed.objects.filter(study=study).values_list("section", "unit", "number")
    }
    for name, unit in sorted(index.keys() | lines.keys()):
        if index.get((name, unit)) != lines.get((name, unit)):
            yield f"{in_words(name, unit)}: the index names another line than the log"
