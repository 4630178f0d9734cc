"""The flow of a study, from subjects to scores, with each exclusion and its reason (CONSORT 2010, STARD 2015)."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.report.study_size import counted
from analysis.report.table import Results

Case = tuple[str, str]  # subject, case


@dataclass(frozen=True)
class FlowStage:
    """One stage: what is left, and what was left out on the way to the next."""

    count: str
    detail: str = ""
    left_out: Sequence[str] = ()


@dataclass(frozen=True)
class StudyCases:
    """The cases of a study, those for training apart, and the subjects who have no others than these.

    meant: all that were to be read, those of withdrawn subjects and those set aside too, as far as they are known;
    read: those of which a pair was read.
    """

    meant: Collection[Case]
    read: Collection[Case]
    training: Collection[str] = ()


def cases_of(ratings: pd.DataFrame, series: pd.DataFrame | None) -> StudyCases:
    """The cases that tables tell of: those of series.csv and those that were read, without those read for training."""
    main = ratings["kind"] == "main"
    read = set(_pairs(ratings[main]))
    training = set(_pairs(ratings[ratings["kind"] == "training"])) - read
    known = set() if series is None else set(_pairs(series))
    meant = (known | read) - training
    return StudyCases(meant, read, {subject for subject, _ in training} - {subject for subject, _ in meant})


def of_read_cases(series: pd.DataFrame, cases: StudyCases) -> pd.DataFrame:
    """The series of the cases that were read."""
    return series.loc[[one in cases.read for one in _pairs(series)]]


def _pairs(table: pd.DataFrame) -> list[Case]:
    return list(zip(table["subject"].astype(str), table["case"].astype(str), strict=True))


def stages(
    results: Results, protocol: Mapping[str, Any], series: pd.DataFrame | None, cases: StudyCases
) -> list[FlowStage]:
    """Subjects, cases, series, pairs and scores. Subjects withdrawn and cases set aside are those that the protocol
    names, and subjects who were screened and not included those of its ``screening``, where there is one. series: those
    of the cases that were read."""
    n = results["n"]
    reasons = {str(one["case"]): str(one["reason"]) for one in protocol.get("set_aside") or ()}
    withdrawals = [one for one in protocol.get("amendments") or () if one["kind"] == "subject_withdrawn"]
    withdrawn = [
        (str(subject), str(one["reason"])) for one in withdrawals if not one.get("training") for subject in one["what"]
    ]
    trained = {str(subject) for one in withdrawals if one.get("training") for subject in one["what"]}
    gone = {subject for subject, _ in withdrawn}
    staying = {one for one in cases.meant if one[0] not in gone}
    aside = [(case, reason) for case, reason in reasons.items() if not any(case == one for _, one in cases.read)]
    subjects_read = {subject for subject, _ in cases.read}
    unread = staying - set(cases.read)
    without = {subject for subject, _ in unread} - subjects_read
    all_aside = {subject for subject in without if all(case in reasons for own, case in unread if own == subject)}
    never = sorted(without - all_aside)
    never_cases = sorted(case for subject, case in unread if subject in subjects_read and case not in reasons)
    included = len(subjects_read | without) + len(gone)
    found = [
        *_screened(protocol.get("screening") or (), included, len(trained.union(cases.training) - gone)),
        FlowStage(
            counted(included, "subject"),
            "in the study, without those for training alone",
            [
                *_left_out(withdrawn, "subject", "withdrawn"),
                *_named(sorted(all_aside), "subject", "with every case set aside"),
                *_named(never, "subject", "never read"),
            ],
        ),
        FlowStage(
            counted(len(cases.read) + len(aside) + len(never_cases), "case"),
            f"of {counted(len(subjects_read), 'subject')} whose pairs were read"
            + (f" and {len(all_aside):,} set aside" if all_aside else ""),
            [*_left_out(aside, "case", "set aside"), *_named(never_cases, "case", "never read")],
        ),
    ]
    if series is not None:
        made = series[series["simulated"].notna()] if "simulated" in series else series.iloc[:0]
        simulated = f", {len(made):,} of them simulated" if len(made) else ""
        of = f"of {counted(len(set(_pairs(series))), 'case')} in {counted(series['arm'].nunique(), 'arm')}"
        found.append(FlowStage(f"{len(series):,} series", f"{of}{simulated}"))
    if n["presentations"] is not None:
        to = f"to {counted(n['readers'], 'reader')}, main pairs alone"
        found.append(FlowStage(f"{counted(n['presentations'], 'pair')} shown", to))
    asked = sum(n[key] for key in ("ratings", "cannot_judge", "not_applicable", "missing"))
    unscored = {"cannot_judge": "the reader could not judge", "not_applicable": "not asked for this region"}
    unscored["missing"] = "no answer"
    lost = [f"{n[key]:,} {words}" for key, words in unscored.items() if n[key]]
    found.append(FlowStage(counted(asked, "question"), "criteria of these pairs", lost))
    scored = f"analysed, of {counted(n['subjects'], 'subject')} and {counted(n['cases'], 'case')}"
    found.append(FlowStage(counted(n["ratings"], "score"), scored))
    return found


def _screened(excluded: Sequence[Mapping[str, Any]], included: int, trained: int) -> list[FlowStage]:
    """The stage before the first, where the study says who was not included."""
    if not excluded:
        return []
    total = sum(int(one["subjects"]) for one in excluded)
    told = [f"{int(one['subjects']):,}: {one['reason']}" for one in excluded]
    left_out = [f"{counted(total, 'subject')} not included", *told]
    left_out += [f"{counted(trained, 'subject')} for training alone"] if trained else []
    return [FlowStage(counted(included + total + trained, "subject"), "screened", left_out)]


def _left_out(named: Sequence[tuple[str, str]], noun: str, what: str) -> list[str]:
    if not named:
        return []
    counts = Counter(reason for _, reason in named)
    names = {reason: ", ".join(name for name, own in named if own == reason) for reason in counts}
    told = [f"{count}: {reason} ({names[reason]})" for reason, count in counts.items()]
    return [f"{counted(len(named), noun)} {what}", *told]


def _named(codes: Sequence[str], noun: str, what: str) -> list[str]:
    return [f"{counted(len(codes), noun)} {what}: {', '.join(codes)}"] if codes else []
