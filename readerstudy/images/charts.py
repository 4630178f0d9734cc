"""The figures of the analysis in the colours of a study's arms. They are SVG made of numbers and escaped names."""

from collections.abc import Mapping, Sequence

from django.utils.safestring import SafeString, mark_safe

from analysis.report import figures
from readerstudy.protocol.models import Arm

Arms = Mapping[str, Arm]


def _colours(arms: Arms) -> dict[str, str]:
    return {code: arm.css for code, arm in arms.items()}


def distribution(pairs: Sequence[Mapping], arms: Arms, *, digits: int, top: float | None = None) -> SafeString:
    """Histograms of an image metric over cases; `pairs` have code, arm and values."""
    rows = [{"label": pair["code"], "arm": pair["arm"].code, "values": pair["values"]} for pair in pairs]
    return mark_safe(  # noqa: S308
        figures.distribution(rows, colours=_colours(arms), digits=digits, top_value=top)
    )


def scan_times(rows: Sequence[Mapping], arms: Arms) -> SafeString:
    """Mean scan time per protocol and arm; `rows` as figures.scan_times takes them."""
    return mark_safe(figures.scan_times(rows, colours=_colours(arms)))  # noqa: S308
