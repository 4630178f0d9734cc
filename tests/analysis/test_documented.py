"""What other programs call in `analysis` is documented, and its examples hold."""

import sys
from types import ModuleType

import pytest

from analysis import sample_size
from analysis.__main__ import main
from tests.documented import example_of, failed_examples, faults, help_lacks, modules

STATISTICS = [
    "analysis.statistics.preference.signed_rank",
    "analysis.statistics.preference.rank_sum",
    "analysis.statistics.preference.rank_sum_mirror",
    "analysis.statistics.preference.cluster_signed_rank",
    "analysis.statistics.agreement.spearman",
    "analysis.statistics.agreement.percent",
    "analysis.statistics.agreement.weighted_kappa",
    "analysis.statistics.agreement.krippendorff_alpha",
    "analysis.statistics.agreement.gwet_ac",
    "analysis.statistics.agreement.kendall_w",
    "analysis.statistics.agreement.icc",
    "analysis.statistics.agreement.concordance",
    "analysis.statistics.agreement.summary",
    "analysis.statistics.limits.bland_altman",
    "analysis.statistics.paired.paired_t",
    "analysis.statistics.paired.pearson",
    "analysis.statistics.paired.coefficient_of_variation",
    "analysis.statistics.paired.quartile_dispersion",
    "analysis.statistics.paired.median_interval",
    "analysis.statistics.clustering.design_effect",
    "analysis.statistics.reader_model.reader_model",
    "analysis.statistics.components.components",
    "analysis.statistics.clustering.subject_correlation",
    "analysis.statistics.hodges_lehmann.hodges_lehmann",
    "analysis.statistics.equivalence.tost",
    "analysis.statistics.equivalence.noninferiority",
    "analysis.reading.analyse",
    "analysis.stability.analyse",
    "analysis.image_metrics.analyse",
    "analysis.scan_times.analyse",
    "analysis.display_check.jnd_index",
    "analysis.display_check.faults",
    "analysis.viewing.dwell",
    "analysis.viewing.time_to_first_answer",
    "analysis.sample_size.simulate",
    "analysis.sample_size.power",
    "analysis.sample_size.smallest",
]
OTHERS = [
    "analysis.display_check.found",
    "analysis.displays.states",
    "analysis.viewing.analyse",
    "analysis.viewing.summary",
    "analysis.viewing.toggles",
    "analysis.viewing_log.is_piece",
    "analysis.viewing_log.read_view",
    "analysis.viewing_log.read_visit",
    "analysis.statistics.result.Result",
    "analysis.statistics.preference.orient",
    "analysis.sample_size.Design",
    "analysis.sample_size.plan",
    "analysis.sample_size.shares",
]


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_says_its_parameters_results_and_convention(name):
    assert faults(name, statistic=True) == []


@pytest.mark.parametrize("name", OTHERS)
def test_what_belongs_to_them_says_its_parameters_and_results(name):
    assert faults(name) == []


@pytest.mark.parametrize("module", modules(STATISTICS + OTHERS))
def test_the_examples_give_what_they_show(module):
    assert failed_examples(module) == ""


def help_of(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["reading", "viewing", "integrity", "stability", "scan-times", "plan"])
def test_the_help_of_a_command_says_what_goes_in_and_comes_out(command, capsys, tmp_path, monkeypatch):
    shown = help_of(command, capsys)
    assert help_lacks(shown) == []
    words = example_of(shown)
    assert words[0] == command
    monkeypatch.chdir(tmp_path)  # where its files are not; words it does not know end in SystemExit
    monkeypatch.setattr(sample_size, "plan", lambda *design, **options: {})
    assert main(words) == (0 if command == "plan" else 2)
    assert command == "plan" or "There is no " in capsys.readouterr().err


COMPLETE = '''
def share(hits, n):
    """Share of hits.

    Parameters
    ----------
    hits : int
        How many hit.
    n : int
        Of how many.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        Without any.

    Notes
    -----
    None is not 0.

    Examples
    --------
    >>> from planted import share
    >>> share(1, 4)
    0.25
    """
    if not n:
        raise ValueError("none")
    return hits / n
'''
TOLD = "    n : int\n        Of how many.\n"


def planted(tmp_path, monkeypatch, text):
    """The module with this text, as faults and examples are looked for."""
    (tmp_path / "planted.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    module = ModuleType("planted")
    module.__file__ = str(tmp_path / "planted.py")
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "planted", module)
    return module


def test_a_complete_docstring_passes(tmp_path, monkeypatch):
    module = planted(tmp_path, monkeypatch, COMPLETE)
    assert faults("planted.share", statistic=True) == []
    assert failed_examples(module) == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (TOLD, "", "PR01"),
        ("(hits, n)", "(hits)", "PR02"),
        ("(hits, n)", "(n, hits)", "PR03"),
        ("n : int", "n", "PR04"),
        ("        Of how many.\n", "", "PR07"),
        ("    Returns\n    -------\n    float\n        0 to 1.\n\n", "", "RT01"),
        ("        0 to 1.\n", "", "RT03"),
        ("Share of hits.", "Share of hits", "SS03"),
        ("Share of hits.", "Share of\n    hits.", "SS06"),
        ("    Examples\n    --------\n    >>> from planted import share\n    >>> share(1, 4)\n    0.25\n", "", "EX01"),
        ("Raises\n    ------", "Warns\n    -----", "It raises"),
        ("    Notes\n    -----\n    None is not 0.\n\n", "", "Neither Notes"),
    ],
)
def test_what_a_docstring_lacks_is_said(tmp_path, monkeypatch, old, new, said):
    assert old in COMPLETE
    planted(tmp_path, monkeypatch, COMPLETE.replace(old, new, 1))
    assert any(said in line for line in faults("planted.share", statistic=True))


def test_a_stale_example_fails(tmp_path, monkeypatch):
    assert "Got:" in failed_examples(planted(tmp_path, monkeypatch, COMPLETE.replace("0.25\n", "0.2\n")))


def test_an_example_that_leaves_out_an_import_fails(tmp_path, monkeypatch):
    text = COMPLETE.replace("    >>> from planted import share\n", "")
    assert "NameError" in failed_examples(planted(tmp_path, monkeypatch, text))


def test_a_module_without_examples_fails(tmp_path, monkeypatch):
    with pytest.raises(AssertionError, match="no examples"):
        failed_examples(planted(tmp_path, monkeypatch, COMPLETE.replace(">>>", "")))


def test_what_a_help_lacks_is_said(capsys):
    shown = help_of("reading", capsys)
    for part in ("In: ", "Out: ", "Example: ", "exit status 2"):
        assert help_lacks(shown.replace(part, "")) == [part.strip()]
