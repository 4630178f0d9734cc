"""A self-contained page of results: the tables of the JSON with the same figures, for a browser or a printer."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from analysis import formats, verdict
from analysis.report import figures, forest, markup, stability_figures
from analysis.statistics.bootstrap import RESAMPLES
from analysis.statistics.equivalence import CAVEAT

KNOWN = {"SOC": "soc", "FAST": "fast", "FAST-DL": "fastdl", "SOC-DL": "socdl"}
OTHERS = ("other1", "other2")
_LEFT_OUT = ("cannot_judge", "not_applicable", "missing")


def colours(arms: Iterable[str]) -> dict[str, str]:
    """A colour class per arm: the usual ones for the usual names, then spare ones, then none (neutral)."""
    spare = iter(OTHERS)
    chosen = {}
    for arm in dict.fromkeys(arms):
        css = KNOWN.get(arm) or next(spare, None)
        if css:
            chosen[arm] = css
    return chosen


def reading(
    results: Mapping[str, Any],
    *,
    names: Mapping[str, str] | None = None,
    title: str = "Reader study",
    sources: Mapping[str, str] | None = None,
) -> str:
    """The page of ``analysis.reading.analyse``; ``names`` gives criteria their wording, ``sources`` the SHA-256 of
    each file that was read."""
    names = names or {}
    cells = results["comparisons"]
    pairs = [(key, list(rows)) for key, rows in groupby(cells, key=lambda c: (c["first"], c["second"]))]
    palette = colours(arm for cell in cells for arm in (cell["first"], cell["second"]))
    body = [f"<h1>{escape(title)}</h1>", _flow(results["n"], len(pairs))]
    body += [f"<p><strong>{escape(warning)}</strong></p>" for warning in results["warnings"]]
    body.append(_primary(results, names))
    body.append(_preferences(cells, names, palette))
    body.append("<h2>Net preference</h2>")
    for (first, second), rows in pairs:
        plot = forest.net_preference(rows, colours=palette, names=names)
        body.append(f'<h3>{escape(first)} vs {escape(second)}</h3><div class="figure">{plot}</div>')
    body.append(f'<p class="how">{escape(verdict.caption(cells, resamples=RESAMPLES))}</p>')
    body.append(_equivalence(cells, names))
    body.append(_sensitivity(cells, names))
    body += [_ranking(results["ranking"], names), _agreement(results["agreement"], names)]
    body += [_repeats(results["repeats"]), _sides(results["side_bias"])]
    body += [_answers("Integrity", results["integrity"]), _answers("Diagnostic quality", results["diagnostic"])]
    body.append(_blinding(results["blinding"]))
    body += [_time(results["time"]), _drift(results["drift"]), _screening(results["screening"])]
    body += [_subgroups(results["subgroups"], names), markup.conventions(results["conventions"])]
    return markup.page(title, [*body, _sources(sources or {})])


def _flow(n: Mapping[str, Any], comparisons: int) -> str:
    """From subjects to scores, as boxes in a row."""
    left_out = [f"{n[status]:,} {status.replace('_', ' ')}" for status in _LEFT_OUT if n[status]]
    boxes = [(_counted(n["subjects"], "subject"), ""), (_counted(n["cases"], "case"), "")]
    if n["presentations"] is not None:
        times = f"{_counted(comparisons, 'comparison')} × {_counted(n['readers'], 'reader')}"
        boxes.append((f"{_counted(n['presentations'], 'pair')} shown", times))
    boxes.append((_counted(n["ratings"], "score"), ", ".join(left_out or ["none missing"])))
    drawn = (f"<div><b>{head}</b><span>{below}</span></div>" for head, below in boxes)
    return f'<div class="flow">{"<i>→</i>".join(drawn)}</div>'


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _sources(sources: Mapping[str, str]) -> str:
    if not sources:
        return ""
    return "<h2>Sources</h2>" + markup.table("", ["file", "SHA-256"], list(sources.items()), words=2)


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
    body.append(markup.table("Unstable features", ["arm", "volumes", "features", "paired t", "CCC", "ICC"], rows))
    restored = [
        [
            f"{row['fast']} → {row['dl']}",
            row["criterion"],
            *(str(row[k]) for k in ("lost", "restored", "newly_unstable")),
        ]
        for row in results["restores"]
    ]
    if restored:
        body.append(markup.table("Restored", ["arms", "criterion", "lost", "restored", "newly unstable"], restored))
    summary = [
        [
            row["measure"].upper(),
            *(formats.number(row[k], 3) for k in ("median", "q1", "q3", "share_acceptable")),
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
    body.append(markup.table("Summary", ["measure", "median", "Q1", "Q3", "share acceptable", "acceptable"], summary))
    for arm in arms:
        listed = [
            [
                row["feature"],
                markup.test(row["paired_t"]),
                formats.p_value(row["p_holm"]),
                markup.test(row["wilcoxon"]),
                *(markup.estimate(row[key], 3) for key in ("pearson", "ccc")),
                markup.estimate(row["icc"]["ICC2"], 3),
            ]
            for row in arm["features"]
        ]
        heads = ["feature", "paired t p", "Holm", "Wilcoxon p", "Pearson", "CCC", "ICC(A,1)"]
        body.append(markup.table(f"{arm['arm']} against {results['reference']}", heads, listed))
    body.append(markup.conventions(results["conventions"]))
    return markup.page(title, body)


def _preferences(cells: Sequence[Mapping[str, Any]], names: Mapping[str, str], palette: Mapping[str, str]) -> str:
    scale = figures.shared_scale([cell["counts"] for cell in cells])
    published, clustered = [], []
    for cell in cells:
        first, second = cell["first"], cell["second"]
        label = [f"{first} vs {second}", names.get(cell["criterion"], cell["criterion"])]
        bar = figures.likert(cell["counts"], first=first, second=second, colours=palette, scale=scale)
        mean: markup.Cell = ("n/a", str(cell["mean"]["reason"]))
        if cell["mean"]["estimate"] is not None:
            mean = f"{formats.number(cell['mean']['estimate'])} ± {formats.number(cell['sd'])}"
        tests = cell["tests"]
        holm = cell["p_holm"]
        published.append([*label, bar, " ".join(map(str, cell["counts"])), mean, markup.test(tests["as_published"])])
        clustered.append(
            [
                *label,
                markup.estimate(cell["mean"]),
                markup.estimate(cell["net_preference"], plus=True),
                *(markup.test(tests[name]) for name in ("cluster_sign_flip", "cluster_permutation", "datta_satten")),
                formats.p_value(holm["primary"]),
                formats.p_value(cell["p_bh"]["primary"]),
                markup.test(tests["rank_sum_mirror"]),
            ]
        )
    heads = ["comparison", "criterion"]
    return (
        "<h2>Preference</h2>"
        + markup.table(
            "As published", [*heads, "◂ second | first ▸", "1 2 3 4 5", "mean ± SD", "p"], published, words=3
        )
        + markup.table(
            "Subjects as clusters",
            [*heads, "mean", "net preference", "sign flip", "permutation", "Datta–Satten", "Holm", "BH", "mirror"],
            clustered,
            words=2,
        )
        + f'<p class="how">Holm and BH: of the primary test, {verdict.TESTS[cells[0]["primary_test"]]}.</p>'
    )


def _primary(results: Mapping[str, Any], names: Mapping[str, str]) -> str:
    primary = results["primary"]
    if primary["reason"]:
        return f"<p>Primary hypothesis: n/a, {escape(primary['reason'])}.</p>"
    criterion = names.get(primary["criterion"], primary["criterion"])
    rows = [
        [
            f"{primary['first']} vs {primary['second']}",
            criterion,
            markup.estimate(primary["mean"]),
            markup.estimate(primary["net_preference"], plus=True),
            markup.test(primary["result"]),
        ]
    ]
    heads = ["comparison", "criterion", "mean", "net preference", "p"]
    note = f"<p>{escape(' '.join(verdict.primary(results)))}</p>"
    note += f'<p class="how">{escape(primary["result"]["method"])}; one test, not adjusted.</p>'
    return "<h2>Primary hypothesis</h2>" + markup.table("", heads, rows, words=2) + note


def _sensitivity(cells: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    rows: list[list[markup.Cell]] = []
    random = any(cell["random_readers"] for cell in cells)
    for cell in cells:
        model = cell["regression"]
        row = [f"{cell['first']} vs {cell['second']}", names.get(cell["criterion"], cell["criterion"])]
        found = [markup.estimate(model["preference"], plus=True), markup.test(model["test"])]
        found += [markup.estimate(model["side"], plus=True), markup.test(model["readers"])]
        if random:
            found += [markup.estimate(cell["random_readers"]["mean"]), markup.test(cell["random_readers"]["test"])]
        rows.append([*row, *found])
    heads = ["comparison", "criterion", "log odds", "p", "right side", "equal readers p"]
    heads += ["mean, random readers", "p"] if random else []
    return "<h2>Sensitivity analysis</h2>" + markup.table("Visual grading regression", heads, rows, words=2)


def _equivalence(cells: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    rows: list[list[markup.Cell]] = []
    methods: dict[str, None] = {}
    for cell in cells:
        for claim in verdict.claims(cell):
            ci = claim.row["ci90"]
            methods[claim.row["method"]] = None
            rows.append(
                [
                    f"{cell['first']} vs {cell['second']}",
                    names.get(cell["criterion"], cell["criterion"]),
                    claim.name,
                    claim.on.replace("_", " "),
                    f"{claim.margin:g}",
                    "n/a" if ci is None else " to ".join(formats.number(end, claim.digits, plus=True) for end in ci),
                    markup.test(claim.row),
                    formats.p_value(claim.row.get("p_exact")),
                    (claim.verdict, claim.reason) if claim.reason and not claim.shown else claim.verdict,
                ]
            )
    if not rows:
        return ""
    heads = ["comparison", "criterion", "claim", "on", "margin", "90 % interval", "p", "exact p", "verdict"]
    words = f"{'; '.join(methods)}. “Not shown” is not “different”. P: {CAVEAT}."
    how = f'<p class="how">{escape(words)}</p>'
    title = "<h2>Equivalence and non-inferiority</h2>"
    return title + markup.table("By the declared margins, each by its own", heads, rows, words=4) + how


def _agreement(agreement: Mapping[str, Any], names: Mapping[str, str]) -> str:
    overall = agreement["overall"]
    pairs = [
        [
            f"{pair['reader_a']} and {pair['reader_b']}",
            *(markup.estimate(pair[key]) for key in ("spearman", "percent", "kappa_linear", "kappa_quadratic")),
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
        + markup.table(
            "Pairs of readers, all cells pooled", ["readers", "Spearman", "equal", "κ linear", "κ quadratic"], pairs
        )
        + markup.table("All readers", heads, rows, words=2)
        + '<p class="how">The pooled correlation is inflated by differences between cell means. AC2 is high wherever '
        "nearly all answers are 3: read it beside α.</p>"
    )


def _together(found: Mapping[str, Any]) -> list[markup.Cell]:
    icc = found["icc"]
    return [markup.estimate(found[key]) for key in ("krippendorff_alpha", "gwet_ac2", "kendall_w")] + [
        markup.estimate(icc["ICC2"]),
        markup.estimate(icc["ICC3"]),
    ]


def _ranking(ranking: Mapping[str, Any], names: Mapping[str, str]) -> str:
    rows: list[list[markup.Cell]] = []
    for found in ranking["criteria"]:
        name = names.get(found["criterion"], found["criterion"])
        rows += [[name, row["arm"], markup.estimate(row["log_worth"], plus=True)] for row in found["arms"]]
        rows.append([name, "right side", markup.estimate(found["side"], plus=True)])
    palette = colours(row["arm"] for found in ranking["criteria"] for row in found["arms"])
    plot = figures.ranking(ranking, colours=palette, names=names)
    return (
        f'<h2>Ranking of the arms</h2><div class="figure">{plot}</div>'
        + markup.table("Log worth relative to the mean of the arms", ["criterion", "arm", "log worth"], rows, words=2)
        + f'<p class="how">{escape(ranking["conventions"])}.</p>'
    )


def _subgroups(subgroups: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if subgroups["reason"]:
        return f"<h2>Subgroups</h2><p>n/a: {escape(subgroups['reason'])}.</p>"
    rows: list[list[markup.Cell]] = [
        [
            variable["variable"].replace("_", " "),
            f"{cell['first']} vs {cell['second']}",
            names.get(cell["criterion"], cell["criterion"]),
            "; ".join(f"{row['level']}: {formats.number(row['mean']['estimate'])}" for row in cell["levels"]),
            markup.test(cell["interaction"]),
        ]
        for variable in subgroups["variables"]
        for cell in variable["cells"]
    ]
    heads = ["variable", "comparison", "criterion", "mean preference", "interaction p"]
    note = f'<p class="how">{escape(subgroups["conventions"])}; not adjusted for multiplicity.</p>'
    return "<h2>Subgroups, exploratory</h2>" + markup.table("", heads, rows, words=4) + note


def _repeats(repeats: Mapping[str, Any]) -> str:
    if repeats["reason"]:
        return f"<h2>Repeats</h2><p>n/a: {escape(repeats['reason'])}.</p>"
    rows = [
        [
            row.get("reader", "all"),
            str(row["n"]),
            *(markup.estimate(row[k]) for k in ("percent", "kappa_quadratic", "spearman")),
        ]
        for row in [*repeats["readers"], repeats["overall"]]
    ]
    return "<h2>Repeats</h2>" + markup.table(
        "The same reader, main and repeat", ["reader", "n", "equal", "κ quadratic", "Spearman"], rows
    )


def _sides(sides: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            row["reader"],
            *(str(row[key]) for key in ("left", "neutral", "right")),
            markup.test(row["binomial"]),
            markup.estimate(row["threshold_shift"], plus=True),
        ]
        for row in sides
    ]
    heads = ["reader", "left", "neutral", "right", "binomial p", "threshold shift"]
    return "<h2>Side bias</h2>" + markup.table("", heads, rows)


def _answers(title: str, found: Mapping[str, Any]) -> str:
    if found["reason"]:
        return f"<h2>{title}</h2><p>n/a: {escape(found['reason'])}.</p>"
    rows = [
        [name, str(row["yes"]), str(row["no"]), str(row["unanswered"]), markup.estimate(row["share"], 3)]
        for name, row in [("all panels", found["overall"]), *((arm["arm"], arm) for arm in found["arms"])]
    ]
    return f"<h2>{title}</h2>" + markup.table("", ["panels", "yes", "no", "unanswered", "share (95 %, exact)"], rows)


def _blinding(found: Mapping[str, Any]) -> str:
    if found["reason"]:
        return f"<h2>Blinding</h2><p>n/a: {escape(found['reason'])}.</p>"
    named = [("all guesses", found["overall"])]
    named += [(row[key], row) for key in ("comparison", "reader") for row in found[f"{key}s"]]
    rows = [
        [
            name,
            *(str(row[key]) for key in ("correct", "wrong", "unknown")),
            markup.estimate(row["bang"], plus=True),
            markup.estimate(row["james"]),
        ]
        for name, row in named
    ]
    heads = ["guesses", "correct", "wrong", "cannot tell", "Bang", "James"]
    note = f'<p class="how">{escape("; ".join(found["conventions"].values()))}.</p>'
    return "<h2>Blinding</h2>" + markup.table("Which image was which, asked after the last pair", heads, rows) + note


def _time(time: Mapping[str, Any]) -> str:
    if time["reason"]:
        return f"<h2>Reading time</h2><p>n/a: {escape(time['reason'])}.</p>"
    rows = [
        [
            row.get("reader", "all"),
            str(row["presentations"]),
            *(formats.number(row[key], 1) for key in ("median", "q1", "q3")),
        ]
        for row in [*time["readers"], time["overall"]]
    ]
    return "<h2>Reading time</h2>" + markup.table(
        "Active seconds per pair", ["reader", "pairs", "median", "Q1", "Q3"], rows
    )


def _drift(drift: Mapping[str, Any]) -> str:
    if drift["reason"]:
        return f"<h2>Drift</h2><p>n/a: {escape(drift['reason'])}.</p>"
    rows = [
        [row["reader"], *(markup.estimate(row[key], plus=True) for key in ("seconds", "decided"))]
        for row in drift["readers"]
    ]
    heads = ["reader", "seconds", "share of answers other than 3"]
    return "<h2>Drift</h2>" + markup.table("Spearman correlation with the position in the schedule", heads, rows)


def _screening(screening: Mapping[str, Any]) -> str:
    if screening["reason"]:
        return f"<h2>Screening of readers</h2><p>n/a: {escape(screening['reason'])}.</p>"
    rows = [
        [row["reader"], str(row["high"]), str(row["low"]), str(row["n"]), "flagged" if row["flag"] else ""]
        for row in screening["readers"]
    ]
    note = '<p class="how">ITU-R BT.500 as a flag: nobody is excluded by it.</p>'
    return "<h2>Screening of readers</h2>" + markup.table("", ["reader", "high", "low", "units", ""], rows) + note
