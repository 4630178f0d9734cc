"""The figures of the analysis in the colours of a study's arms. They are SVG made of numbers and escaped names."""

from collections.abc import Mapping, Sequence

from django.utils.safestring import SafeString, mark_safe

from analysis.report import figures
from analysis.report import forest as forest_plot
from readerstudy.protocol.models import Arm

Arms = Mapping[str, Arm]
BAR_WIDTH = 262


def _colours(arms: Arms) -> dict[str, str]:
    return {code: arm.css for code, arm in arms.items()}


def likert(cell: Mapping, arms: Arms, scale: float) -> SafeString:
    """Diverging bar of one row of the results' comparisons; `scale` as figures.shared_scale gives it."""
    return mark_safe(  # noqa: S308  figures escape what they draw
        figures.likert(
            cell["counts"],
            first=cell["first"],
            second=cell["second"],
            colours=_colours(arms),
            scale=scale,
            width=BAR_WIDTH,
        )
    )


def forest(cells: Sequence[Mapping], arms: Arms, names: Mapping[str, str]) -> SafeString:
    """Net preference of one comparison, one row per criterion."""
    return mark_safe(forest_plot.net_preference(cells, colours=_colours(arms), names=names))  # noqa: S308


def ranking(found: Mapping, arms: Arms, names: Mapping[str, str]) -> SafeString:
    """Davidson's log worth of the arms, one row per criterion."""
    return mark_safe(figures.ranking(found, colours=_colours(arms), names=names))  # noqa: S308


def distribution(pairs: Sequence[Mapping], arms: Arms, *, digits: int, top: float | None = None) -> SafeString:
    """Histograms of an image metric over cases; `pairs` have code, arm and values."""
    rows = [{"label": pair["code"], "arm": pair["arm"].code, "values": pair["values"]} for pair in pairs]
    return mark_safe(  # noqa: S308
        figures.distribution(rows, colours=_colours(arms), digits=digits, top_value=top)
    )


def scan_times(rows: Sequence[Mapping], arms: Arms) -> SafeString:
    """Mean scan time per protocol and arm; `rows` as figures.scan_times takes them."""
    return mark_safe(figures.scan_times(rows, colours=_colours(arms)))  # noqa: S308
