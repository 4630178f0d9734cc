"""The command line: ``python -m analysis COMMAND``, one of ``ABOUT``."""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from analysis import (
    differences,
    image_metrics,
    in_volumes,
    reading,
    robust,
    sample_size,
    scan_times,
    signature,
    stability,
    tables,
    two_settings,
    viewing,
)
from analysis.convert.mapping import read_map
from analysis.convert.ratings import convert
from analysis.convert.sheet import read_sheet
from analysis.errors import InputError
from analysis.protocol import Protocol, read_json, read_protocol
from analysis.report import (
    charter,
    document,
    figure_files,
    number_files,
    pdf,
    plan_figures,
    render,
    result_sheets,
    svg,
    workbook,
)
from analysis.report.study import flow
from analysis.report.study import page as report_page

STATUS = "Bad input ends in one sentence on stderr and exit status 2."
# Command → its line in the list of commands; what goes in, what comes out in which units, an example.
ABOUT = {
    "reading": (
        "preferences, agreement and integrity from ratings.csv",
        """In: RATINGS.csv, columns as in docs/tables/ratings.json; the other tables and the protocol if given.
Out: JSON on stdout or in a file, and a page. Preference 1 to 5, above 3 favours the first arm; shares 0 to 1; times in
     s. Null is undefined, with its reason.
Example: python -m analysis reading ratings.csv --protocol protocol.json --json results.json --html results.html""",
    ),
    "viewing": (
        "what was on screen how long, from interactions.csv",
        """In: INTERACTIONS.csv, columns as in docs/tables/interactions.json.
Out: JSON on stdout or in a file: of each presentation the seconds for which each side and each slice was on screen,
     swaps, and the seconds before the first answer. Null is undefined.
Example: python -m analysis viewing interactions.csv --json viewing.json""",
    ),
    "integrity": (
        "summaries and paired tests from metrics.csv",
        """In: METRICS.csv, columns as in docs/tables/metrics.json.
Out: JSON on stdout or in a file: n, mean, SD and quartiles of each metric in its own unit, and tests paired by case.
Example: python -m analysis integrity metrics.csv --json integrity.json""",
    ),
    "stability": (
        "radiomic features against a reference arm, from features.csv",
        """In: FEATURES.csv, columns as in docs/tables/features.json.
Out: JSON on stdout or in a file, and a page: differences arm − reference in each feature's own unit, CCC and ICC up to
     1, which features are stable, and which a DL arm restores.
Example: python -m analysis stability features.csv --reference SOC --restores FAST=FAST-DL --criterion ccc:0.85""",
    ),
    "voi": (
        "intensity, noise and distance from a reference arm in volumes of interest, from voi.csv",
        """In: VOI.csv, columns as in docs/tables/voi.json.
Out: JSON on stdout or in a file: of each measure, in its own unit, n, mean, SD and quartiles of each arm, and paired t
     tests and Wilcoxon tests between arms; where subjects have several volumes, of their means too.
Example: python -m analysis voi voi.csv --reference SOC --pairs FAST=FAST-DL""",
    ),
    "signature": (
        "the value of a radiomic model per lesion and arm, from features.csv",
        """In: FEATURES.csv, columns as in docs/tables/features.json, and MODEL.yaml: docs/radiomics.md has its keys.
Out: JSON on stdout or in a file, and a page: the model's values, differences arm − reference in its own unit, shares 0
     to 1.
Example: python -m analysis signature features.csv model.yaml --reference SOC --html signature.html""",
    ),
    "settings": (
        "the same volumes under two radiomic settings, feature by feature",
        """In: FIRST.csv and SECOND.csv, columns as in docs/tables/features.json, of the same volumes and arms.
Out: JSON on stdout or in a file: values in the feature's unit, relative differences as fractions, CCC to 1.
Example: python -m analysis settings as_is.csv zscore.csv --reference SOC --criterion ccc:0.85""",
    ),
    "scan-times": (
        "protocols, time saved, cohort and scanners from series.csv",
        """In: SERIES.csv, columns as in docs/tables/series.json.
Out: JSON on stdout or in a file: times in s, TR, TE and TI in ms, ages in years; saved is reference − test.
Example: python -m analysis scan-times series.csv --reference SOC""",
    ),
    "plan": (
        "power, and the subjects that a wanted power needs, by simulation",
        """In: no file, but the design and the assumed shares of the answers.
Out: JSON on stdout or in a file: power (0 to 1) with its 95 % interval, and the fewest subjects.
Example: python -m analysis plan --subjects 61 --distribution 5 20 45 25 5 --power 0.8 --studies 200""",
    ),
    "report": (
        "what a journal reads: flow, methods, results, tables, figures, checklist",
        """In: RATINGS.csv and the other tables, as for reading; METRICS.csv for image metrics.
Out: one page, as HTML or PDF, with all tables and figures; and, if asked for, its references as BibTeX.
Example: python -m analysis report ratings.csv --protocol protocol.json --series series.csv --pdf report.pdf""",
    ),
    "charter": (
        "what an ethics board reads: the protocol as sentences and tables",
        """In: protocol.json, or charter.json of the site, which has more.
Out: the page of the charter, as HTML or PDF.
Example: python -m analysis charter protocol.json --pdf charter.pdf --paper letter""",
    ),
    "differences": (
        "where results that were made again differ from those that were expected",
        """In: two folders; each JSON file of MADE is compared with the file of its name in EXPECTED.
    With --numbers the tables of MADE's results are compared with the CSV files in EXPECTED/numbers too.
Out: each difference on stdout, a line each; numbers are the same within a relative 1e-6 or 1e-9. Exit status 1 if there
     is one.
Example: python -m analysis differences . again --numbers""",
    ),
    "convert": (
        "ratings.csv from other people's sheets, by a map of their columns",
        """In: SHEET, XLSX or text in any encoding, wide or long, of pairs or of single images, and a map in YAML:
    docs/convert.md has every key with an example.
Out: the ratings table; on stdout what was done, what was left out and what looks like a slip.
Example: python -m analysis convert scores.xlsx --map map.yaml --out ratings.csv""",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status, 2 for bad input with one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except InputError as problem:
        print(problem, file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"{problem.filename}: {problem.strerror}.", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analysis", description="Tables and figures of reader studies.", epilog=STATUS
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = _command(commands, "reading")
    _read(command)
    _outputs(command)
    command.add_argument("--xlsx", type=Path, metavar="OUT", help="write every table of results as a workbook here")
    command.add_argument("--seed", type=_seed, help="taken for old scripts, and said to be without effect")
    command.set_defaults(run=_reading)
    command = _command(commands, "viewing")
    command.add_argument("interactions", type=Path, metavar="INTERACTIONS.csv")
    command.add_argument("--json", type=Path, metavar="OUT", help="write the results here, not to stdout")
    command.set_defaults(run=_viewing)
    command = _command(commands, "integrity")
    command.add_argument("metrics", type=Path, metavar="METRICS.csv")
    command.add_argument("--json", type=Path, metavar="OUT", help="write the results here, not to stdout")
    command.set_defaults(run=_integrity)
    command = _command(commands, "stability")
    command.add_argument("features", type=Path, metavar="FEATURES.csv")
    command.add_argument("--reference", required=True, metavar="ARM", help="the arm that the others are compared with")
    command.add_argument(
        "--restores",
        nargs="+",
        default=[],
        metavar="FAST=FAST-DL",
        action="extend",
        help="a fast arm and the one made from it",
    )
    _criterion(command)
    command.add_argument(
        "--robust",
        type=Path,
        metavar="OUT.yaml",
        help="settings of features stable in every arm by CCC; needs --settings",
    )
    command.add_argument(
        "--settings", type=Path, metavar="FILE", help="for --robust: those that the features were computed under"
    )
    _outputs(command)
    _figure_files(command)
    command.set_defaults(run=_stability)
    command = _command(commands, "voi")
    command.add_argument("voi", type=Path, metavar="VOI.csv")
    command.add_argument("--reference", required=True, metavar="ARM", help="the arm that the others are compared with")
    command.add_argument(
        "--pairs",
        nargs="+",
        default=[],
        metavar="FAST=FAST-DL",
        action="extend",
        help="arms to be tested beside each other (every two but the reference)",
    )
    command.add_argument("--json", type=Path, metavar="OUT", help="write the results here, not to stdout")
    command.set_defaults(run=_voi)
    command = _command(commands, "signature")
    command.add_argument("features", type=Path, metavar="FEATURES.csv")
    command.add_argument("model", type=Path, metavar="MODEL.yaml")
    command.add_argument("--reference", required=True, metavar="ARM", help="the arm that the others are compared with")
    _criterion(command)
    _outputs(command)
    _figure_files(command)
    command.set_defaults(run=_signature)
    command = _command(commands, "settings")
    command.add_argument("first", type=Path, metavar="FIRST.csv")
    command.add_argument("second", type=Path, metavar="SECOND.csv")
    command.add_argument("--reference", required=True, metavar="ARM", help="the arm that the others are compared with")
    _criterion(command)
    command.add_argument("--json", type=Path, metavar="OUT", help="write the results here, not to stdout")
    command.set_defaults(run=_settings)
    command = _command(commands, "scan-times")
    command.add_argument("series", type=Path, metavar="SERIES.csv")
    command.add_argument("--reference", metavar="ARM", help="SOC, else the first arm of the table")
    command.add_argument("--json", type=Path, metavar="OUT", help="write the results here, not to stdout")
    command.set_defaults(run=_scan_times)
    _plan_command(_command(commands, "plan"))
    command = _command(commands, "report")
    _read(command)
    command.add_argument("--metrics", type=Path, metavar="M.csv", help="for image metrics")
    command.add_argument("--stability", type=Path, metavar="STABILITY.json", help="as the command stability writes it")
    command.add_argument("--voi", type=Path, metavar="VOI.json", help="as the command voi writes it")
    command.add_argument("--bibtex", type=Path, metavar="OUT", help="write the sources of its methods here")
    _printed(command)
    _figure_files(command)
    command.set_defaults(run=_report)
    command = _command(commands, "charter")
    command.add_argument("protocol", type=Path, metavar="PROTOCOL.json", help="or a charter, as the site exports it")
    command.add_argument("--before", type=Path, metavar="EARLIER.json", help="say what differs from this one")
    _printed(command)
    command.set_defaults(run=_charter)
    command = _command(commands, "differences")
    command.add_argument("expected", type=Path, metavar="EXPECTED")
    command.add_argument("made", type=Path, metavar="MADE")
    command.add_argument("--numbers", action="store_true", help="compare EXPECTED/numbers too: every table of results")
    command.set_defaults(run=_differences)
    command = _command(commands, "convert")
    command.add_argument("sheet", type=Path, metavar="SHEET")
    command.add_argument("--map", type=Path, required=True, metavar="FILE.yaml", help="what the columns mean")
    command.add_argument("--out", type=Path, required=True, metavar="RATINGS.csv", help="write the table here")
    command.set_defaults(run=_convert)
    return parser


def _command(commands: Any, name: str) -> argparse.ArgumentParser:
    line, more = ABOUT[name]
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=line,
        description=f"{line[0].upper()}{line[1:]}.\n\n{more}",
        epilog=STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise argparse.ArgumentTypeError("a seed is 0 or more")
    return seed


def _plan_command(command: argparse.ArgumentParser) -> None:
    command.add_argument("--subjects", type=int, required=True, help="two or more")
    command.add_argument("--cases", type=int, help="of all subjects together (one per subject)")
    command.add_argument("--readers", type=int, default=3, help="each reads every case (3)")
    command.add_argument(
        "--distribution",
        type=float,
        nargs=5,
        required=True,
        metavar=("P1", "P2", "P3", "P4", "P5"),
        help="assumed shares, or counts of a pilot, of the preferences 1 to 5",
    )
    command.add_argument("--subject-correlation", type=float, default=0.2, help="of two cases of one subject (0.2)")
    command.add_argument("--case-correlation", type=float, default=0.4, help="of two readers on one case (0.4)")
    command.add_argument("--reader-sd", type=float, default=0.0, help="of the readers' own leanings, latent units (0)")
    command.add_argument(
        "--test", choices=list(sample_size.TESTS), default="cluster_permutation", help="(cluster_permutation)"
    )
    command.add_argument("--margin", type=float, help="of equivalence or non-inferiority, in units of --on")
    command.add_argument("--on", choices=["mean", "net_preference"], default="mean", help="(mean)")
    command.add_argument("--alpha", type=float, default=0.05, help="level of the test (0.05)")
    command.add_argument("--power", type=float, metavar="TARGET", help="also find the fewest subjects for this power")
    command.add_argument("--studies", type=int, default=2000, help="simulated studies (2000)")
    command.add_argument("--seed", type=_seed, default=0, help="of the simulation (0)")
    command.add_argument("--json", type=Path, metavar="OUT", help="write the results here, not to stdout")
    _figure_files(command)
    command.set_defaults(run=_plan)


def _criterion(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--criterion",
        nargs="+",
        default=[],
        action="extend",
        metavar="NAME:VALUE",
        help="threshold of paired_t, ccc, icc or dispersion (CV, QCD); the defaults are "
        + ", ".join(f"{name}:{value:g}" for name, value in stability.THRESHOLDS.items())
        + f"; or those of a paper: {', '.join(stability.PRESETS)}",
    )


def _outputs(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", type=Path, metavar="OUT", help="write the results here, not to stdout")
    command.add_argument("--html", type=Path, metavar="OUT", help="write a page with tables and figures here")


def _read(command: argparse.ArgumentParser) -> None:
    command.add_argument("ratings", type=Path, metavar="RATINGS.csv")
    command.add_argument("--protocol", type=Path, metavar="PROTOCOL.json", help="names family, margins and tests")
    command.add_argument("--findings", type=Path, metavar="F.csv", help="for the kinds of finding")
    command.add_argument("--integrity", type=Path, metavar="I.csv", help="for consistency and diagnostic quality")
    command.add_argument("--series", type=Path, metavar="S.csv", help="says what is simulated; adds no other numbers")
    command.add_argument("--guesses", type=Path, metavar="G.csv", help="for the blinding indices")
    command.add_argument("--display-checks", type=Path, metavar="D.csv", help="for the results without failed displays")
    command.add_argument("--mixed", action="store_true", help="also fit a mixed model to each cell")


def _printed(command: argparse.ArgumentParser) -> None:
    command.add_argument("--html", type=Path, metavar="OUT", help="write it as a page here")
    command.add_argument("--pdf", type=Path, metavar="OUT", help="write it as PDF here; by WeasyPrint, else Chromium")
    command.add_argument("--paper", choices=render.PAPERS, default=render.PAPERS[0], help="to print on (A4)")


def _figure_files(command: argparse.ArgumentParser) -> None:
    command.add_argument("--figures", type=Path, metavar="DIR", help="write every figure as a file into this folder")
    command.add_argument("--format", choices=figure_files.FORMS, default="pdf", help="of the figures (pdf)")
    command.add_argument("--width", type=float, default=figure_files.WIDTHS[0], help="of the figures, in mm (85)")
    command.add_argument("--dpi", type=int, default=figure_files.RESOLUTIONS[0], help="of figures as PNG (300)")


def _hashes(options: argparse.Namespace) -> dict[str, str]:
    """SHA-256 of each file of the command line that was read."""
    names = (
        "ratings",
        "findings",
        "integrity",
        "series",
        "guesses",
        "display_checks",
        "metrics",
        "protocol",
        "stability",
    )
    files = [getattr(options, name, None) for name in (*names, "voi")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file is not None}


def _reading(options: argparse.Namespace) -> None:
    if options.seed is not None:
        print(
            "--seed has no effect on reading: nothing is drawn, the same input gives the same output.", file=sys.stderr
        )
    protocol = None if options.protocol is None else read_protocol(options.protocol)
    results = _analysed(options, protocol)
    if options.html:
        names = {} if protocol is None else protocol.names
        options.html.write_text(document.reading(results, names=names, sources=_hashes(options)), encoding="utf-8")
    if options.xlsx:
        _workbook(results, options)
    if options.json or not (options.html or options.xlsx):
        _write(results, options.json)


def _workbook(results: dict[str, Any], options: argparse.Namespace) -> None:
    readme = [f"{name}: {text}" for name, text in results["conventions"].items()]
    files = [f"{name}  {sha256}" for name, sha256 in _hashes(options).items()]
    with options.xlsx.open("wb") as file:
        workbook.write(file, result_sheets.sheets(results), readme=["Results of a reader study", *files, *readme])


def _analysed(options: argparse.Namespace, protocol: Protocol | None) -> dict[str, Any]:
    return reading.analyse(
        tables.read_ratings(options.ratings),
        protocol=protocol,
        findings=None if options.findings is None else tables.read_findings(options.findings),
        integrity=None if options.integrity is None else tables.read_integrity(options.integrity),
        series=None if options.series is None else tables.read_series(options.series),
        guesses=None if options.guesses is None else tables.read_guesses(options.guesses),
        display_checks=None if options.display_checks is None else tables.read_display_checks(options.display_checks),
        mixed=options.mixed,
    )


def _report(options: argparse.Namespace) -> None:
    protocol = {} if options.protocol is None else read_json(options.protocol)
    results = _analysed(options, None if options.protocol is None else read_protocol(options.protocol))
    series = None if options.series is None else tables.read_series(options.series)
    cases = flow.cases_of(tables.read_ratings(options.ratings), series)
    read = None if series is None else flow.of_read_cases(series, cases)
    sources = report_page.Sources(
        cases=cases,
        protocol=protocol,
        series=read,
        scan_times=None if read is None or read.empty else scan_times.analyse(read),
        images=None if options.metrics is None else image_metrics.analyse(tables.read_metrics(options.metrics)),
        stability=None if options.stability is None else _results_of(options.stability, "arms"),
        volumes=None if options.voi is None else _results_of(options.voi, "measures"),
        files=_hashes(options),
    )
    if options.bibtex:
        entries = (f"{one.bibtex}\n" for one in report_page.cited(results, sources))
        options.bibtex.write_text("".join(entries), encoding="utf-8")

    def page() -> str:
        return report_page.page(results, sources, paper=options.paper)

    def figures() -> dict[str, str]:
        names = {str(one["id"]): str(one.get("name") or one["id"]) for one in protocol.get("criteria") or ()}
        whole = {one.name: one.svg for one in document.whole_preferences(results, names)}
        return {**whole, **figure_files.of_page(page())}

    if options.figures:
        _figures(figures, options)
    if options.html or options.pdf or not options.figures:
        _print(page(), options)


def _figures(draw: Callable[[], dict[str, str]], options: argparse.Namespace) -> None:
    """Each figure as a file of its own, drawn for its width; those whose letters are small all the same are named."""
    options.figures.mkdir(parents=True, exist_ok=True)
    with svg.drawn_for(figure_files.room(options.width)):
        drawn = draw()
    for name, figure in drawn.items():
        try:
            figure_files.ensure_readable(figure, options.width)
        except InputError as small:
            print(f"{name}: {small}", file=sys.stderr)
        file = figure_files.made(figure, options.format, width=options.width, dpi=options.dpi)
        (options.figures / f"{name}.{options.format}").write_bytes(file)


def _results_of(path: Path, member: str) -> dict[str, Any]:
    """The results that another command wrote, which have this member. InputError for any other file."""
    found = read_json(path)
    if not isinstance(found, dict) or not {"conventions", "reference", member} <= found.keys():
        raise InputError(f"{path.name} holds no results that this takes: it has no {member} beside a reference.")
    return found


def _viewing(options: argparse.Namespace) -> None:
    _write(viewing.analyse(tables.read_interactions(options.interactions)), options.json)


def _integrity(options: argparse.Namespace) -> None:
    _write(image_metrics.analyse(tables.read_metrics(options.metrics)), options.json)


def _scan_times(options: argparse.Namespace) -> None:
    series = tables.read_series(options.series)
    _write(scan_times.analyse(series, reference=options.reference), options.json)


def _stability(options: argparse.Namespace) -> None:
    restores = _pairs("--restores", options.restores)
    criteria = _criteria(options)
    if options.robust and not options.settings:
        raise InputError("--robust needs --settings FILE, under which the features were computed.")
    settings = robust.read_settings(options.settings) if options.robust else None
    features = tables.read_features(options.features)
    results = stability.analyse(features, reference=options.reference, restores=restores, criteria=criteria)
    if options.html or options.figures:
        plots = {
            name: stability.pairs(features, reference=options.reference, feature=name) for name in _lowest(results)
        }
        _page_or_figures(lambda: document.stability(results, criteria=results["criteria"], plots=plots), options)
    if options.robust:
        options.robust.write_text(robust.as_settings(robust.robust_features(results), settings), encoding="utf-8")
    if options.json or not (options.html or options.figures):
        _write(results, options.json)


def _page_or_figures(draw: Callable[[], str], options: argparse.Namespace) -> None:
    if options.html:
        options.html.write_text(draw(), encoding="utf-8")
    if options.figures:
        _figures(lambda: figure_files.of_page(draw()), options)


def _pairs(option: str, given: Sequence[str]) -> list[tuple[str, str]]:
    """Two arms of each, from FAST=FAST-DL."""
    found = []
    for pair in given:
        fast, equals, dl = pair.partition("=")
        if not (fast and equals and dl):
            raise InputError(f"{option} {pair}: give the arms as FAST=FAST-DL.")
        found.append((fast, dl))
    return found


def _voi(options: argparse.Namespace) -> None:
    pairs = _pairs("--pairs", options.pairs)
    _write(in_volumes.analyse(tables.read_voi(options.voi), reference=options.reference, pairs=pairs), options.json)


def _criteria(options: argparse.Namespace) -> dict[str, float]:
    criteria: dict[str, float] = {}
    for criterion in options.criterion:
        name, _, value = criterion.partition(":")
        if criterion in stability.PRESETS:
            criteria |= stability.PRESETS[criterion]
            continue
        try:
            criteria[name] = float(value)
            if not 0 <= criteria[name] <= 1:
                raise ValueError
        except ValueError:
            raise InputError(
                f"--criterion {criterion}: give a name and a number from 0 to 1, such as ccc:0.85."
            ) from None
    return criteria


def _settings(options: argparse.Namespace) -> None:
    first, second = (tables.read_features(path) for path in (options.first, options.second))
    results = two_settings.analyse(first, second, reference=options.reference, criteria=_criteria(options))
    _write(results, options.json)


def _signature(options: argparse.Namespace) -> None:
    model = signature.read_signature(options.model)
    features = tables.read_features(options.features)
    results = signature.analyse(features, model, reference=options.reference, criteria=_criteria(options))
    if options.html or options.figures:
        _page_or_figures(lambda: document.signature(results), options)
    if options.json or not (options.html or options.figures):
        _write(results, options.json)


def _lowest(results: dict[str, Any], *, count: int = 6) -> list[str]:
    """The features with the lowest CCC in any arm."""
    found: dict[str, float] = {}
    for row in (row for arm in results["arms"] for row in arm["features"] if row["ccc"]["estimate"] is not None):
        found[row["feature"]] = min(found.get(row["feature"], 1.0), row["ccc"]["estimate"])
    return sorted(found, key=lambda name: found[name])[:count]


def _plan(options: argparse.Namespace) -> None:
    if options.studies < 1:
        raise InputError("--studies must be at least 1.")
    design = sample_size.Design(
        subjects=options.subjects,
        cases=options.cases or options.subjects,
        readers=options.readers,
        distribution=sample_size.shares(options.distribution),
        subject_correlation=options.subject_correlation,
        case_correlation=options.case_correlation,
        test=options.test,
        alpha=options.alpha,
        margin=options.margin,
        on=options.on,
        reader_sd=options.reader_sd,
    )
    results = sample_size.plan(design, target=options.power, studies=options.studies, seed=options.seed)
    if options.figures:
        steps = sample_size.curve(design, studies=options.studies, seed=options.seed)
        _figures(lambda: {"power": plan_figures.power_curve(steps, target=options.power)}, options)
    if options.json or not options.figures:
        _write(results, options.json)


def _charter(options: argparse.Namespace) -> None:
    earlier = None if options.before is None else charter.read(options.before)
    page = charter.page(charter.read(options.protocol), earlier=earlier, paper=options.paper)
    _print(page, options)


def _print(page: str, options: argparse.Namespace) -> None:
    """The page into the files that were asked for; on stdout where none was."""
    if options.pdf:
        options.pdf.write_bytes(pdf.pdf(page))
    if options.html:
        options.html.write_text(page, encoding="utf-8")
    elif not options.pdf:
        sys.stdout.write(page)


def _convert(options: argparse.Namespace) -> None:
    found = read_map(options.map.read_bytes().decode("utf-8-sig", "replace"))
    sheet = read_sheet(
        options.sheet.read_bytes(), sheet=found.sheet, encoding=found.encoding, separator=found.separator
    )
    made = convert(sheet, found)
    made.table().to_csv(options.out, index=False, lineterminator="\n")
    for sentence in (*made.notes, *made.slips):
        print(sentence)


def _differences(options: argparse.Namespace) -> int:
    found = differences.between_folders(options.expected, options.made)
    if options.numbers:
        found += number_files.between_tables(options.expected, options.made)
    for line in found:
        print(line)
    return 1 if found else 0


def _write(results: dict[str, Any], path: Path | None) -> None:
    text = json.dumps(results, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    if path is None:
        sys.stdout.write(text)
    else:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
