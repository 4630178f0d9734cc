"""Moummad et al. 2022 beside this platform: the paper's numbers, and what comes out of its workbook here.

    python -m benchmarks.published_radiomics --workbook FILE.xlsx --paper TEXT [--markdown FILE]

The workbook ("DataBase_Moummad et al.xlsx") is published with the code of the paper; TEXT is the paper as plain text,
of which Table 2 is read. What the paper prints elsewhere stands in `COUNTS`, `PRINTED` and `SHARES`.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd

from analysis import stability
from analysis.statistics.clustered import cluster_signed_rank
from analysis.statistics.paired import paired_t
from analysis.statistics.preference import signed_rank
from analysis.statistics.values import differences

REFERENCE, FAST, DL = "original", "fast", "DL"
SHEETS = {"resampling": "Resampling_Radiomic_Features", "denoising": "Denoising_Radiomic_Features"}
QUALITY = {"resampling": "Resampling PSNR SSIM", "denoising": "Denoising PSNR SSIM"}
DIFFERENCE = "Difference pixel value analyses"
COUNTS = {
    ("resampling", "paired_t"): (83, 48),
    ("resampling", "ccc"): (50, 27),
    ("denoising", "paired_t"): (75, 40),
    ("denoising", "ccc"): (40, 8),
}
# what, fast, DL, p as the paper prints them
PRINTED = {
    ("resampling", "PSNR"): ("31.44 ± 2.89", "34.24 ± 2.80", "< 0.001"),
    ("resampling", "SSIM"): ("0.93 ± 0.03", "0.96 ± 0.03", "< 0.001"),
    ("denoising", "PSNR"): ("35.48 ± 6.2", "41.32 ± 4.93", "< 0.001"),
    ("denoising", "SSIM"): ("0.74 ± 0.18", "0.96 ± 0.04", "< 0.001"),
    ("lesions", "pixel value difference, %"): ("4.88 ± 2.17", "4.67 ± 2.13", "< 0.05"),
    ("lesions, denoising", "CV"): ("0.17 ± 0.08", "0.16 ± 0.08", "< 0.001"),
    ("lesions, denoising", "entropy"): ("5.83 ± 0.22", "5.79 ± 0.25", "< 0.001"),
}
# Share of stable features by CCC that the discussion names, from the fast to the DL images.
SHARES = {
    "intensity": ("66 → 100", "85 → 96"),
    "GLCM": ("46 → 71", "66 → 100"),
    "GLRLM": ("44 → 62", "50 → 81"),
    "GLDM, GLSZM, NGTDM": ("51 → 66", "48 → 89"),
}
FAMILIES = {
    "intensity": ("intensity", "firstorder"),
    "GLCM": ("glcm",),
    "GLRLM": ("glrlm",),
    "GLDM, GLSZM, NGTDM": ("gldm", "glszm", "ngtdm"),
}
PARTS = re.compile(r"\*{1,3}|NS")
VALUE = re.compile(r"p = ([0-9.]+)")
LEVELS = {"***": 0.001, "**": 0.01, "*": 0.05}


def features(book: Any, sheet: str) -> pd.DataFrame:
    """The features of one sheet in the columns of features.csv; lesions are numbered within the sheet."""
    rows = list(book[sheet].iter_rows(values_only=True))
    names = [str(name).strip() for name in rows[0][3:]]
    arms = {"Original": REFERENCE, "input": FAST, "IA": DL}
    seen: dict[str, int] = {}
    found = []
    for group, subject, _, *values in rows[1:]:
        arm = arms[str(group).strip()]
        seen[arm] = seen.get(arm, 0) + 1
        own = {"subject": re.split("[.,]", str(subject))[0], "roi": f"lesion {seen[arm]}", "arm": arm}
        for name, value in zip(names, values, strict=True):
            family = name.split("_")[0] if "_" in name else "intensity"
            found.append(own | {"class": family, "feature": name, "value": float(value)})
    return pd.DataFrame(found)


def table_2(text: str, names: Sequence[str]) -> dict[str, str]:
    """Feature → what Table 2 prints: ***, **, *, or NS with its p; of the names of the workbook alone."""
    table = text.partition("**Table 2.**")[2].partition("**Figure 4.**")[0]
    found: dict[str, str] = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split("\t") if cell.strip()]
        known = [cell for cell in cells if cell in names]
        marks = [cell for cell in cells if PARTS.match(cell)]
        found |= dict(zip(known, marks, strict=False))
    return {name: re.sub(r"[$]", "", mark) for name, mark in found.items()}


def agrees(mark: str, p: float) -> bool:
    """Whether a p value is what the mark says: the same level, or NS with the p that is printed, to two digits."""
    if value := VALUE.search(mark):
        return abs(p - float(value[1])) <= 0.0051
    below = LEVELS[mark]
    return p < below and p >= {0.05: 0.01, 0.01: 0.001, 0.001: 0.0}[below]


def _mean_sd(values: Any, digits: int) -> str:
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def _p(value: float | None) -> str:
    return "n/a" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _row(key: tuple[str, str], fast: Any, dl: Any, digits: int, cluster: Sequence[str] | None = None) -> str:
    printed = PRINTED[key]
    tests = [paired_t(dl, fast).p, signed_rank(differences(np.asarray(dl, float), np.asarray(fast, float))).p]
    if cluster is None:
        shown = [_p(one) for one in tests] + ["one value per slice"]
    else:
        shown = [_p(one) for one in tests]
        shown.append(_p(cluster_signed_rank(np.subtract(dl, fast), cluster).p))
    cells = [*key, *printed, _mean_sd(fast, digits), _mean_sd(dl, digits), *shown]
    return "| " + " | ".join(cells) + " |"


def report(book: Any, text: str) -> Iterator[str]:
    """The page in Markdown, line by line."""
    tables = {name: features(book, sheet) for name, sheet in SHEETS.items()}
    made = {name: stability.analyse(table, reference=REFERENCE) for name, table in tables.items()}
    arms = {name: {arm["arm"]: arm for arm in found["arms"]} for name, found in made.items()}
    yield from _counts(arms)
    yield from _quality(book, tables)
    yield from _shares(arms)
    yield from _table_2(arms["resampling"][DL], text)


def _counts(arms: dict[str, Any]) -> Iterator[str]:
    yield "## Unstable features of 104"
    yield ""
    yield "Fast / DL against the original, 40 lesions of 11 patients."
    yield ""
    yield "| | criterion | paper | here | by patient |"
    yield "|---|---|---|---|---|"
    for (name, criterion), printed in COUNTS.items():
        found = [arms[name][arm]["unstable"][criterion] for arm in (FAST, DL)]
        by_subject = [(arms[name][arm]["unstable_by_subject"] or {}).get(criterion) for arm in (FAST, DL)]
        words = {"paired_t": "paired t p < 0.05", "ccc": "CCC < 0.85"}[criterion]
        both = (" / ".join(map(str, one)) for one in (printed, found, by_subject))
        yield f"| {name} | {words} | {' | '.join(both)} |"
    yield ""


def _quality(book: Any, tables: dict[str, pd.DataFrame]) -> Iterator[str]:
    yield "## Images and lesions, fast beside DL"
    yield ""
    yield "Tests of DL − fast; the paper names none for PSNR and SSIM. By patient: Rosner, Glynn and Lee's signed rank."
    yield ""
    yield "| of | what | paper: fast | DL | p | here: fast | DL | paired t | Wilcoxon | by patient |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for name, sheet in QUALITY.items():
        rows = pd.DataFrame(
            list(book[sheet].iter_rows(min_row=2, values_only=True)), columns=["id", "arm", "PSNR", "SSIM"]
        )
        fast = rows["arm"] == "FAST IMAGE"
        for what, digits in (("PSNR", 2), ("SSIM", 2)):
            yield _row((name, what), rows[fast][what].to_numpy(), rows[~fast][what].to_numpy(), digits)
    lesions = [row for row in book[DIFFERENCE].iter_rows(min_row=3, max_col=3, values_only=True) if row[0]]
    by = {arm: [row for row in lesions if row[0] == arm] for arm in ("LINEAR INTERPOLATION", "U-Net")}
    fast, dl = ([float(row[2]) for row in by[arm]] for arm in by)
    yield _row(("lesions", "pixel value difference, %"), fast, dl, 2, [str(row[1]) for row in by["U-Net"]])
    patients = _patients(tables["denoising"])
    for what, feature in (("CV", "CV(%)"), ("entropy", "firstorder_Entropy")):
        own = tables["denoising"][tables["denoising"]["feature"] == feature]
        fast, dl = (own[own["arm"] == arm]["value"].to_numpy() for arm in (FAST, DL))
        yield _row(("lesions, denoising", what), fast, dl, 2, patients)
    yield ""


def _patients(table: pd.DataFrame) -> list[str]:
    """The patient of each lesion, in their order."""
    one = table[(table["arm"] == REFERENCE) & (table["feature"] == "Min")]
    return [str(subject) for subject in one["subject"]]


def _shares(arms: dict[str, Any]) -> Iterator[str]:
    yield "## Stable features by family"
    yield ""
    yield "Per cent with a CCC of 0.85 or more, fast → DL; the paper's are those of its discussion."
    yield ""
    yield "| family | resampling: paper | here | denoising: paper | here |"
    yield "|---|---|---|---|---|"
    for family, classes in FAMILIES.items():
        cells = [family]
        for name, printed in zip(SHEETS, SHARES[family], strict=True):
            found = []
            for arm in (FAST, DL):
                own = [row for row in arms[name][arm]["features"] if row["class"] in classes]
                found.append(f"{100 * sum(row['stable']['ccc'] is True for row in own) / len(own):.0f}")
            cells += [printed, " → ".join(found)]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _table_2(arm: dict[str, Any], text: str) -> Iterator[str]:
    p = {row["feature"]: row["paired_t"]["p"] for row in arm["features"]}
    marks = table_2(text, list(p))
    names = list(p)
    before = dict(zip(names[1:], names, strict=False))
    others = [name for name, mark in marks.items() if not agrees(mark, p[name])]
    runs = {name for name, earlier in before.items() if {name, earlier} <= set(others)}
    runs |= {before[name] for name in runs}  # a single one may agree with its neighbour by chance
    slipped = [name for name in others if name in runs and agrees(marks[name], p[before[name]])]
    yield "## Table 2, feature by feature"
    yield ""
    yield (
        f"Paired t test of the DL images against the originals, resampling. Of {len(p)} features {len(marks)} are "
        f"legible in the text of the paper; {len(marks) - len(others)} are the same here (level of the stars, or p to "
        f"two digits). {len(slipped)} have what the workbook gives for the feature in the row before: that part of the "
        f"printed table slipped by one. {len(others) - len(slipped)} differ otherwise."
    )
    yield ""
    yield "| feature | paper | here | |"
    yield "|---|---|---|---|"
    for name, value in p.items():
        mark = marks.get(name, "not legible")
        note = "as the row before" if name in slipped else "differs" if name in others else ""
        yield f"| {name} | {mark.replace('*', chr(92) + '*')} | {_p(value)} | {note} |"


HEAD = """# Radiomics beside the paper

Made by `python -m benchmarks.published_radiomics --workbook FILE --paper TEXT --markdown docs/radiomics_published.md`
from the workbook that Moummad et al. (2022) publish, 104 features of 40 brain metastases of 11 patients, and from the
text of the paper.
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workbook", type=Path, required=True)
    parser.add_argument("--paper", type=Path, required=True, metavar="TEXT")
    parser.add_argument("--markdown", type=Path, help="write the page here, not to stdout")
    options = parser.parse_args(arguments)
    book = openpyxl.load_workbook(options.workbook, data_only=True, read_only=True)
    lines = "\n".join(report(book, options.paper.read_text(encoding="utf-8")))
    page = f"{HEAD}\n{lines}\n"
    if options.markdown:
        options.markdown.write_text(page, encoding="utf-8")
    else:
        sys.stdout.write(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
