"""What the pages of the models show: records, cards as HTML, curves as SVG, the choice of a series to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.http import QueryDict
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from analysis.report import training_figures
from processing.enhancement.detectability import said
from processing.enhancement.networks.model_record import ModelRecord, read_record, weights_problem
from processing.enhancement.networks.store import ONNX
from processing.errors import InputError
from processing.volume import Volume
from readerstudy.enhancement import previews
from readerstudy.jobs.models import Job
from readerstudy.material import volumes
from readerstudy.material.models import Case, Series
from readerstudy.protocol import enhancers
from readerstudy.protocol.models import ReaderStudy


@dataclass(frozen=True)
class ListedModel:
    """A model of the list. record: None if its folder is damaged, problem says how."""

    name: str
    shipped: bool
    record: ModelRecord | None
    problem: str = ""

    @property
    def weakness(self) -> str:
        """Where it loses, in a sentence: measured, else the first of its card's limits."""
        if self.record is None:
            return ""
        if fainter := [row["degradation"] for row in self.record.detection.get("rows", []) if row["change"][1] < 0]:
            where = "; ".join(dict.fromkeys(fainter))
            return f"Small findings are detected less well after it, by a model observer: {where}."
        if lost := self.record.losses:
            return f"Measured to lose at {', '.join(lost[:3])}{' and more' if len(lost) > 3 else ''}."
        return self.record.limits.partition(". ")[0].rstrip(".")


def listed_model(name: str) -> ListedModel:
    """A model by name. InputError if it is not here."""
    folder = enhancers.folder(name)
    try:
        record = read_record(folder)
    except InputError as error:
        return ListedModel(name, enhancers.is_shipped(folder), None, str(error))
    return ListedModel(name, enhancers.is_shipped(folder), record, _weights_problem(folder))


def _weights_problem(folder: Path) -> str:
    """Of weights, settings and identity as they are now; they are read again only after a change."""
    stamps = []
    for name in ("model.safetensors", ONNX, "config.toml", "identity.json"):
        file = folder / name
        found = file.stat() if file.exists() else None
        stamps.append((found.st_mtime_ns, found.st_size) if found else None)
    return _checked_weights(folder, tuple(stamps))


@lru_cache(maxsize=64)
def _checked_weights(folder: Path, stamps: tuple) -> str:
    return weights_problem(folder)


_MARKDOWN = MarkdownIt("js-default")  # no raw HTML, no addresses that run
_MARKDOWN.add_render_rule("image", lambda _, tokens, place, *__: escape(tokens[place].content))


def detection_rows(record: ModelRecord) -> list[dict[str, Any]]:
    """What a model observer found, each row with its sentence."""
    return [row | {"said": said(row)} for row in record.detection.get("rows", [])]


def card_html(card: str) -> SafeString:
    """A model's card. Whoever wrote it: raw HTML is shown as text, pictures are not loaded, headings go below h1."""
    tokens = _MARKDOWN.parse(card)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
        elif token.type == "table_open":
            token.attrSet("class", "table")
        elif token.type in ("th_open", "td_open") and _style(token) == "text-align:right":
            token.attrSet("class", "num")
    return mark_safe(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S308  escaped by markdown-it


def _style(token: Token) -> str:
    """The inline style of a cell, which the content policy would block, taken off."""
    return str(token.attrs.pop("style", ""))


@dataclass(frozen=True)
class CurveFigures:
    """loss, psnr: over the steps, or by_time; change: what each epoch changed of the PSNR. shared: whether the other
    training has groups of the same name."""

    loss: SafeString
    psnr: SafeString
    change: SafeString
    region: str
    by_time: bool
    shared: bool


Points = dict[str, list[tuple[float, float, float]]]


def curve_figures(
    record: ModelRecord, other: ModelRecord | None = None, *, by_time: bool = False
) -> CurveFigures | None:
    """Loss and validation as figures, of the foreground if that was logged; beside another training."""
    if record.curves is None:
        return None
    by_time = by_time and all(one.minutes_per_step is not None for one in (record, other) if one)
    logged = [one.curves for one in (record, other) if one and one.curves]
    rows = [row for curves in logged for points in curves.validation.values() for _, row in points]
    region = "_foreground" if rows and all("output_foreground" in row for row in rows) else ""
    groups = _groups(record, region, by_time)
    others = _groups(other, region, by_time) if other else {}
    shared = {name: points for name, points in others.items() if name in groups}
    unit = "minutes" if by_time else "steps"
    pace = (record.minutes_per_step or 1.0) if by_time else 1
    losses = [(step * pace, value) for step, value in record.curves.loss]
    courses = [_mean_course(groups), *([_mean_course(others)] if others else [])]
    return CurveFigures(
        mark_safe(training_figures.loss(losses, unit=unit)),  # noqa: S308  figures escape what they draw
        mark_safe(training_figures.psnr(groups, others=shared, unit=unit)),  # noqa: S308
        mark_safe(training_figures.change(courses, unit=unit)),  # noqa: S308
        "foreground" if region else "whole slices",
        by_time,
        bool(shared),
    )


def _groups(record: ModelRecord, region: str, by_time: bool) -> Points:
    """Name → step or minute, PSNR of input and output."""
    before, after = f"input{region}", f"output{region}"
    pace = (record.minutes_per_step or 1.0) if by_time else 1
    return {
        name: [(step * pace, row[before], row[after]) for step, row in points if before in row and after in row]
        for name, points in (record.curves.validation if record.curves else {}).items()
    }


def _mean_course(groups: Points) -> list[tuple[float, float]]:
    """Where all groups were measured, the mean of their outputs."""
    at: dict[float, list[float]] = {}
    for points in groups.values():
        for step, _, output in points:
            at.setdefault(step, []).append(output)
    return [(step, sum(values) / len(values)) for step, values in sorted(at.items()) if len(values) == len(groups)]


@dataclass(frozen=True)
class Beside:
    """What two models are compared by: a row of words and both values."""

    name: str
    values: tuple[str, str]


def beside(first: ModelRecord, second: ModelRecord) -> list[Beside]:
    """Two models in a few lines."""
    facts = [_facts(one) for one in (first, second)]
    return [Beside(name, (facts[0][name], facts[1][name])) for name in facts[0]]


def _facts(record: ModelRecord) -> dict[str, str]:
    areas = [row["area"] for row in record.detection.get("rows", [])]
    minutes, steps, gain = record.minutes_per_step, record.steps, record.mean_gain
    change = record.clean_change_percent
    return {
        "Task": record.task,
        "Architecture": record.architecture,
        "Parameters": f"{record.parameters:,}" if record.parameters else "n/a: not stated",
        "Training": f"{minutes * steps:.0f} min, {steps:,} steps"
        if minutes and steps
        else "n/a: its time was not kept",
        "Foreground PSNR, mean change": f"{gain:+.2f} dB" if gain is not None else "n/a: not measured",
        "Small findings, mean area": ", ".join(f"{a:.3f} → {b:.3f}" for a, b in areas) or "n/a: not measured",
        "Clean input": f"{change:g} % changed" if change is not None else "n/a: see Before and after",
    }


@dataclass(frozen=True)
class Output:
    """What one model makes of the chosen series: nothing yet, on its way, failed or there."""

    name: str
    sha256: str
    job: Job | None
    current: bool

    @property
    def is_done(self) -> bool:
        return self.job is not None and self.job.state == Job.State.DONE

    @property
    def busy(self) -> bool:
        return self.job is not None and self.job.state in (Job.State.WAITING, Job.State.RUNNING)

    @property
    def query(self) -> str:
        """What makes the address of its pictures change with its pixels."""
        return self.job.result["sha256"][:12] if self.job and self.is_done else ""


@dataclass(frozen=True)
class PreviewChoice:
    """A series, a slice (from 1) and one or two models to look at."""

    source: Series
    cases: Sequence[Case]
    arms: Sequence[Series]
    slice: int
    slices: int
    outputs: list[Output]
    input_left: bool

    @property
    def done_outputs(self) -> list[Output]:
        return [output for output in self.outputs if output.is_done]

    @property
    def busy(self) -> bool:
        return any(output.busy for output in self.outputs)

    @property
    def wanted(self) -> list[Output]:
        """Outputs that a button would ask for."""
        return [one for one in self.outputs if not one.busy and not (one.is_done and one.current)]

    def query(self, **changes) -> str:
        """The choice as an address, with changes."""
        others = {"with": self.outputs[1].name} if len(self.outputs) > 1 else {}
        left = {"left": "input"} if self.input_left and others else {}
        chosen = {"case": self.source.case_id, "arm": self.source.arm.code, "slice": self.slice}
        return urlencode(chosen | others | left | changes)


def choose(study: ReaderStudy, name: str, data: QueryDict) -> PreviewChoice | None:
    """The choice in an address; what it does not say, or says wrongly, is the first case, its first arm, the middle.

    None if the study has no acquired series. InputError if a model is not here.
    """
    cases = Case.objects.filter(study=study, subject__withdrawn_at=None, series__active=True, series__made_from=None)
    found = list(cases.distinct().select_related("subject").order_by("subject__code", "code"))
    if not found:
        return None
    case = next((one for one in found if str(one.pk) == data.get("case")), found[0])
    arms = previews.possible_inputs(case)
    source = next((one for one in arms if one.arm.code == data.get("arm")), arms[0])
    slices = volumes.slices_of(source)
    number = data.get("slice", "")
    place = min(max(int(number), 1), slices) if number.isdecimal() and len(number) < 6 else slices // 2 + 1
    other = data.get("with", "")
    names = [name, *([other] if other and other != name and other in enhancers.folders() else [])]
    return PreviewChoice(
        source, found, arms, place, slices, [_output(source, one) for one in names], data.get("left") == "input"
    )


def _output(source: Series, name: str) -> Output:
    sha256 = enhancers.read_identity(enhancers.folder(name)).sha256
    job = previews.find_preview(source, name, sha256)
    current = job is not None and previews.is_current(job, source, name, sha256)
    return Output(name, sha256, job, current)


def pixels(choice: PreviewChoice) -> tuple[Volume, Volume | None]:
    """Input and, if it is there, output of the first model. InputError, FileNotFoundError if they cannot be read."""
    output = choice.outputs[0]
    source = volumes.load_cached(choice.source)
    if output.job is None or not output.is_done:
        return source, None
    made = volumes.load_file_cached(output.job.result["sha256"], like=choice.source)
    if made.shape != source.shape:  # thinner slices: those where the input has its own
        from processing.registration import apply

        made = apply(np.eye(4), made, like=source)[0]
    return source, made
