"""The statistics of a charter in sentences: hypothesis, test, family, margins, estimates, sample size."""

from collections.abc import Mapping
from typing import Any

from analysis import verdict
from analysis.formats import number, percent
from analysis.protocol import ALPHA, parse_protocol
from analysis.report.study_size import counted

DIRECTIONS = {
    "equivalence": "equivalence: the two arms are alike",
    "noninferiority": "non-inferiority: the first arm is not worse than the second",
}


def sentences(protocol: Mapping[str, Any], plan: Mapping[str, Any] | None) -> list[str]:
    """What is declared, and what follows where nothing is; ``plan``: of ``analysis.sample_size.plan``."""
    declared = parse_protocol(protocol)
    test = verdict.TESTS[declared.primary_test]
    if declared.primary:
        first, second, criterion = declared.primary
        said = [
            f"Primary hypothesis: {first} and {second} are preferred equally often on "
            f"{declared.names.get(criterion, criterion)}. It is tested once, two-sided at {ALPHA:g}, not adjusted: "
            f"{test}. Subjects are the clusters."
        ]
    else:
        said = [f"No primary hypothesis is declared. The test of every cell: {test}. Subjects are the clusters."]
    family = "all comparisons and criteria" if declared.family is None else f"{len(declared.family)} declared cells"
    said.append(
        f"{'All other' if declared.primary else 'All'} tests are secondary. Family of {family}: p adjusted by Holm; by "
        "Benjamini and Hochberg as exploration. Beside it the pooled signed rank test as it was published by others, "
        "marked as too liberal."
    )
    for margin in declared.margins:
        where = ", ".join(filter(None, (margin.first, margin.second, margin.criterion))) or "every cell"
        tests = {
            "equivalence": "two one-sided tests on subject means at 0.05, with the 90 % interval",
            "noninferiority": "one one-sided test on subject means at 0.05, with the lower end of the 90 % interval",
        }
        said.append(
            f"Margin, for {DIRECTIONS[margin.kind]}: {margin.margin:g} on {verdict.ON[margin.on]} ({where}); "
            f"{tests[margin.kind]}."
        )
    if not declared.margins:
        said.append("No margin is declared: neither equivalence nor non-inferiority will be claimed.")
    said += [
        "Estimates: mean preference and net preference, P(above 3) − P(below 3), with 95 % intervals by leaving out "
        "each subject once. Agreement: weighted kappa, Krippendorff's alpha, Gwet's AC2, ICC, per cell and pooled.",
        "Missing answers are not replaced; how far they could change each result is shown (tipping points). "
        "“Cannot judge” and “not applicable” are counted apart. What is undefined is given as n/a with its reason.",
        *(sample_size(plan) if plan else ["Sample size: no simulation was taken into this charter."]),
    ]
    return said


def sample_size(plan: Mapping[str, Any]) -> list[str]:
    """What was simulated, and what it says; ``plan``: of ``analysis.sample_size.plan``."""
    design, power = plan["design"], plan["power"]
    low, high = power["ci"]
    shares = ", ".join(percent(share) for share in design["distribution"])
    margin = f"; margin {design['margin']:g} on {verdict.ON[design['on']]}" if design["test"] in DIRECTIONS else ""
    said = (
        f"Sample size, by simulation ({plan['conventions']['simulation']}): {counted(power['subjects'], 'subject')}, "
        f"{counted(power['cases'], 'case')} and {counted(power['readers'], 'reader')} have {percent(power['power'])} "
        f"power ({percent(low)} to {percent(high)}) at {design['alpha']:g}. Assumed: preferences 1 to 5 in {shares}; "
        f"correlation {number(design['subject_correlation'], 2)} of two cases of one subject and "
        f"{number(design['case_correlation'], 2)} of two readers on one case; readers' own leanings "
        f"{number(design['reader_sd'], 2)} SD. Test: {plan['conventions']['test']}"
        f"{margin}. Model: {plan['conventions']['model']}."
    )
    size = plan.get("sample_size")
    if not size:
        return [said]
    found = size.get("found")
    fewest = (
        f"{percent(size['target'])} power needs {counted(found['subjects'], 'subject')} with "
        f"{counted(found['cases'], 'case')}."
        if found
        else f"The fewest subjects for {percent(size['target'])} power: n/a, {size['reason']}."
    )
    return [said, fewest]
