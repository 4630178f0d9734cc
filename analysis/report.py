"""A self-contained page of results: the tables of the JSON with the same figures, for a browser or a printer."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from analysis import figures, stability_figures, svg

KNOWN = {"SOC": "soc", "FAST": "fast", "FAST-DL": "fastdl", "SOC-DL": "socdl"}
OTHERS = ("other1", "other2")
STYLE = Path(__file__).with_name("report.css")
Cell = str | tuple[str, str]


def colours(arms: Iterable[str]) -> dict[str, str]:
    """A colour class per arm: the usual ones for the usual names, then spare ones, then none (neutral)."""
    spare = iter(OTHERS)
    chosen = {}
    for arm in dict.fromkeys(arms):
        css = KNOWN.get(arm) or next(spare, None)
        if css:
            chosen[arm] = css
    return chosen


def p_value(p: float | None) -> str:
    """< 0.001, three decimals below 0.1, else two."""
    if p is None:
        return "n/a"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"


def reading(results: Mapping[str, Any], *, names: Mapping[str, str] | None = None, title: str = "Reader study") -> str:
    """The page of ``analysis.reading.analyse``; ``names`` gives criteria their wording."""
    names = names or {}
    n = results["n"]
    cells = results["comparisons"]
    pairs = [(key, list(rows)) for key, rows in groupby(cells, key=lambda c: (c["first"], c["second"]))]
    palette = colours(arm for cell in cells for arm in (cell["first"], cell["second"]))
    facts = ", ".join(f"{n[key]} {key.replace('_', ' ')}" for key in n if n[key] is not None)
    body = [f"<h1>{escape(title)}</h1><p>{escape(facts)}.</p>"]
    body += [f"<p><strong>{escape(warning)}</strong></p>" for warning in results["warnings"]]
    body.append(_preferences(cells, names, palette))
    body.append("<h2>Net preference</h2>")
    for (first, second), rows in pairs:
        plot = figures.net_preference(rows, colours=palette, names=names)
        body.append(f'<h3>{escape(first)} vs {escape(second)}</h3><div class="figure">{plot}</div>')
    body.append('<p class="how">P(> 3) − P(< 3); thick 90 %, thin 95 %, patient bootstrap; grey: declared margin.</p>')
    body.append(_equivalence(cells, names))
    body += [_ranking(results["ranking"], names), _agreement(results["agreement"], names)]
    body += [_repeats(results["repeats"]), _sides(results["side_bias"])]
    body += [_answers("Integrity", results["integrity"]), _answers("Diagnostic quality", results["diagnostic"])]
    body += [_time(results["time"]), _subgroups(results["subgroups"], names), _conventions(results["conventions"])]
    return _page(title, body)


def stability(
    results: Mapping[str, Any],
    *,
    criteria: Mapping[str, float],
    plots: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    title: str = "Stability of radiomic features",
) -> str:
    """The page of ``analysis.stability.analyse`` with these ``criteria``; ``plots``: pairs of some features."""
    arms = results["arms"]
    palette = colours([results["reference"], *(arm["arm"] for arm in arms)])
    body = [f"<h1>{escape(title)}</h1><p>Reference: {escape(results['reference'])}.</p>"]
    rows = [
        [arm["arm"], *(str(arm[key]) for key in ("n_rois", "n_features")), *(str(k) for k in arm["unstable"].values())]
        for arm in arms
    ]
    body.append(_table("Unstable features", ["arm", "volumes", "features", "paired t", "CCC", "ICC"], rows))
    restored = [
        [
            f"{row['fast']} → {row['dl']}",
            row["criterion"],
            *(str(row[k]) for k in ("lost", "restored", "newly_unstable")),
        ]
        for row in results["restores"]
    ]
    if restored:
        body.append(_table("Restored", ["arms", "criterion", "lost", "restored", "newly unstable"], restored))
    summary = [
        [
            row["measure"].upper(),
            *(_number(row[k], 3) for k in ("median", "q1", "q3", "share_acceptable")),
            row["acceptable"],
        ]
        for row in results["summary"]
    ]
    for criterion in ("ccc", "icc"):
        plot = stability_figures.columns(
            results, criterion=criterion, threshold=criteria[criterion], colours=palette, width=1160
        )
        body.append(f'<h2>{stability_figures.ESTIMATES[criterion]}</h2><div class="figure">{plot}</div>')
    body.append('<p class="how">One column is one feature, in the same place in every row; hollow: unstable.</p>')
    for row in results["restores"]:
        plot = stability_figures.restored(row, reference=results["reference"], colours=palette)
        body.append(f"<h3>{escape(row['fast'])} → {escape(row['dl'])}, {row['criterion']}</h3>")
        body.append(f'<div class="figure">{plot}</div>')
    if plots:
        body.append("<h2>Bland–Altman: the features with the lowest CCC</h2>")
    for feature, panels in (plots or {}).items():
        plot = stability_figures.bland_altman(panels, reference=results["reference"], colours=palette)
        body.append(f'<h3>{escape(feature)}</h3><div class="figure">{plot}</div>')
    body.append(_table("Over features", ["measure", "median", "Q1", "Q3", "share acceptable", "acceptable"], summary))
    for arm in arms:
        listed = [
            [
                row["feature"],
                _test(row["paired_t"]),
                p_value(row["p_holm"]),
                _test(row["wilcoxon"]),
                *(_estimate(row[key], 3) for key in ("pearson", "ccc")),
                _estimate(row["icc"]["ICC2"], 3),
            ]
            for row in arm["features"]
        ]
        heads = ["feature", "paired t p", "Holm", "Wilcoxon p", "Pearson", "CCC", "ICC(A,1)"]
        body.append(_table(f"{arm['arm']} against {results['reference']}", heads, listed))
    body.append(_conventions(results["conventions"]))
    return _page(title, body)


def _page(title: str, body: Sequence[str]) -> str:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE.read_text(encoding="utf-8")}</style>'
    content = "\n".join(body)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{content}\n</body></html>\n'


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]], *, words: int = 1) -> str:
    """A table whose first ``words`` columns are text; a cell (text, reason) is undefined and tells why."""
    kinds = ["" if place < words else ' class="num"' for place in range(len(heads))]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, heads, strict=True))
    body = "".join(
        "<tr>" + "".join(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)) + "</tr>" for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(cell: Cell, kind: str) -> str:
    if isinstance(cell, tuple):
        return f'<td class="num na" title="{escape(cell[1])}">{escape(cell[0])}</td>'
    if cell.startswith("<svg"):
        return f"<td>{cell}</td>"
    return f"<td{kind}>{escape(cell)}</td>"


def _number(value: float | None, digits: int = 2, *, plus: bool = False) -> str:
    return "n/a" if value is None else svg.number(value, digits, plus=plus)


def _estimate(found: Mapping[str, Any], digits: int = 2, *, plus: bool = False) -> Cell:
    if found["estimate"] is None:
        return "n/a", str(found["reason"])
    text = _number(found["estimate"], digits, plus=plus)
    if found["ci"]:
        text += f" ({' to '.join(_number(end, digits, plus=plus) for end in found['ci'])})"
    return text


def _test(found: Mapping[str, Any]) -> Cell:
    return p_value(found["p"]) if found["p"] is not None else ("n/a", str(found["reason"]))


def _preferences(cells: Sequence[Mapping[str, Any]], names: Mapping[str, str], palette: Mapping[str, str]) -> str:
    scale = figures.shared_scale([cell["counts"] for cell in cells])
    published, clustered = [], []
    for cell in cells:
        first, second = cell["first"], cell["second"]
        label = [f"{first} vs {second}", names.get(cell["criterion"], cell["criterion"])]
        bar = figures.likert(cell["counts"], first=first, second=second, colours=palette, scale=scale)
        mean: Cell = ("n/a", str(cell["mean"]["reason"]))
        if cell["mean"]["estimate"] is not None:
            mean = f"{_number(cell['mean']['estimate'])} ± {_number(cell['sd'])}"
        tests = cell["tests"]
        holm = cell["p_holm"]
        published.append([*label, bar, " ".join(map(str, cell["counts"])), mean, _test(tests["as_published"])])
        clustered.append(
            [
                *label,
                _estimate(cell["mean"]),
                _estimate(cell["net_preference"], plus=True),
                *(_test(tests[name]) for name in ("cluster_sign_flip", "cluster_permutation", "datta_satten")),
                p_value(holm["primary"]),
                p_value(cell["p_bh"]["primary"]),
                _test(tests["rank_sum_mirror"]),
            ]
        )
    heads = ["comparison", "criterion"]
    return (
        "<h2>Preference</h2>"
        + _table("As published", [*heads, "◂ second | first ▸", "1 2 3 4 5", "mean ± SD", "p"], published, words=3)
        + _table(
            "Subjects as clusters",
            [*heads, "mean", "net preference", "sign flip", "permutation", "Datta–Satten", "Holm", "BH", "mirror"],
            clustered,
            words=2,
        )
    )


def _equivalence(cells: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    rows: list[list[Cell]] = []
    for cell in cells:
        for kind, verdict in (("equivalence", "equivalent"), ("noninferiority", "noninferior")):
            for row in cell[kind]:
                ci = row["ci90"]
                rows.append(
                    [
                        f"{cell['first']} vs {cell['second']}",
                        names.get(cell["criterion"], cell["criterion"]),
                        row["on"].replace("_", " "),
                        _number(row["margin"]),
                        "n/a" if ci is None else " to ".join(_number(end, plus=True) for end in ci),
                        _test(row),
                        {True: verdict.replace("nonin", "non-in"), False: "not shown", None: "n/a"}[row[verdict]],
                    ]
                )
    if not rows:
        return ""
    heads = ["comparison", "criterion", "on", "margin", "90 % interval", "p", "verdict"]
    return "<h2>Equivalence</h2>" + _table("On subject means, margins as declared", heads, rows, words=3)


def _agreement(agreement: Mapping[str, Any], names: Mapping[str, str]) -> str:
    overall = agreement["overall"]
    pairs = [
        [
            f"{pair['reader_a']} and {pair['reader_b']}",
            *(_estimate(pair[key]) for key in ("spearman", "percent", "kappa_linear", "kappa_quadratic")),
        ]
        for pair in overall["pairs"]
    ]
    rows = [["all cells", "", *_together(overall)]]
    rows += [
        [f"{cell['first']} vs {cell['second']}", names.get(cell["criterion"], cell["criterion"]), *_together(cell)]
        for cell in agreement["cells"]
    ]
    heads = ["cell", "criterion", "Krippendorff α", "Gwet AC2", "Kendall W", "ICC(A,1)", "ICC(C,1)"]
    return (
        "<h2>Agreement</h2>"
        + _table(
            "Pairs of readers, all cells pooled", ["readers", "Spearman", "equal", "κ linear", "κ quadratic"], pairs
        )
        + _table("All readers", heads, rows, words=2)
        + '<p class="how">The pooled correlation is inflated by differences between cell means. AC2 is high wherever '
        "nearly all answers are 3: read it beside α.</p>"
    )


def _together(found: Mapping[str, Any]) -> list[Cell]:
    icc = found["icc"]
    return [_estimate(found[key]) for key in ("krippendorff_alpha", "gwet_ac2", "kendall_w")] + [
        _estimate(icc["ICC2"]),
        _estimate(icc["ICC3"]),
    ]


def _ranking(ranking: Mapping[str, Any], names: Mapping[str, str]) -> str:
    rows: list[list[Cell]] = []
    for found in ranking["criteria"]:
        name = names.get(found["criterion"], found["criterion"])
        rows += [[name, row["arm"], _estimate(row["log_worth"], plus=True)] for row in found["arms"]]
        rows.append([name, "right side", _estimate(found["side"], plus=True)])
    return (
        "<h2>Ranking of the arms</h2>"
        + _table("Log worth relative to the mean of the arms", ["criterion", "arm", "log worth"], rows, words=2)
        + f'<p class="how">{escape(ranking["conventions"])}.</p>'
    )


def _subgroups(subgroups: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if subgroups["reason"]:
        return f"<h2>Subgroups</h2><p>n/a: {escape(subgroups['reason'])}.</p>"
    rows: list[list[Cell]] = [
        [
            variable["variable"].replace("_", " "),
            f"{cell['first']} vs {cell['second']}",
            names.get(cell["criterion"], cell["criterion"]),
            "; ".join(f"{row['level']}: {_number(row['mean']['estimate'])}" for row in cell["levels"]),
            _test(cell["interaction"]),
        ]
        for variable in subgroups["variables"]
        for cell in variable["cells"]
    ]
    heads = ["variable", "comparison", "criterion", "mean preference", "interaction p"]
    note = f'<p class="how">{escape(subgroups["conventions"])}; not adjusted for multiplicity.</p>'
    return "<h2>Subgroups, exploratory</h2>" + _table("", heads, rows, words=4) + note


def _repeats(repeats: Mapping[str, Any]) -> str:
    if repeats["reason"]:
        return f"<h2>Repeats</h2><p>n/a: {escape(repeats['reason'])}.</p>"
    rows = [
        [
            row.get("reader", "all"),
            str(row["n"]),
            *(_estimate(row[k]) for k in ("percent", "kappa_quadratic", "spearman")),
        ]
        for row in [*repeats["readers"], repeats["overall"]]
    ]
    return "<h2>Repeats</h2>" + _table(
        "The same reader, main and repeat", ["reader", "n", "equal", "κ quadratic", "Spearman"], rows
    )


def _sides(sides: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            row["reader"],
            *(str(row[key]) for key in ("left", "neutral", "right")),
            _test(row["binomial"]),
            _estimate(row["threshold_shift"], plus=True),
        ]
        for row in sides
    ]
    heads = ["reader", "left", "neutral", "right", "binomial p", "threshold shift"]
    return "<h2>Side bias</h2>" + _table("", heads, rows)


def _answers(title: str, found: Mapping[str, Any]) -> str:
    if found["reason"]:
        return f"<h2>{title}</h2><p>n/a: {escape(found['reason'])}.</p>"
    rows = [
        [name, str(row["yes"]), str(row["no"]), str(row["unanswered"]), _estimate(row["share"], 3)]
        for name, row in [("all panels", found["overall"]), *((arm["arm"], arm) for arm in found["arms"])]
    ]
    return f"<h2>{title}</h2>" + _table("", ["panels", "yes", "no", "unanswered", "share (95 %, exact)"], rows)


def _time(time: Mapping[str, Any]) -> str:
    if time["reason"]:
        return f"<h2>Reading time</h2><p>n/a: {escape(time['reason'])}.</p>"
    rows = [
        [row.get("reader", "all"), str(row["presentations"]), *(_number(row[key], 1) for key in ("median", "q1", "q3"))]
        for row in [*time["readers"], time["overall"]]
    ]
    return "<h2>Reading time</h2>" + _table("Active seconds per pair", ["reader", "pairs", "median", "Q1", "Q3"], rows)


def _conventions(conventions: Mapping[str, str]) -> str:
    lines = "".join(
        f"<dt>{escape(key.replace('_', ' '))}</dt><dd>{escape(text)}</dd>" for key, text in conventions.items()
    )
    return f"<h2>Conventions</h2><dl>{lines}</dl>"
