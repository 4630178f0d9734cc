"""The same volumes under two radiomic settings, feature by feature."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.errors import InputError
from analysis.two_settings import analyse


def table(values: dict[str, dict[str, list[float]]], *, first: int = 0) -> pd.DataFrame:
    """Long rows of {feature: {arm: values of the subjects}}."""
    return pd.DataFrame(
        {"subject": f"S{number}", "roi": "cord", "arm": arm, "feature": feature, "value": value}
        for feature, arms in values.items()
        for arm, own in arms.items()
        for number, value in enumerate(own, first)
    )


SOC = [1.0, 2.0, 3.0, 4.0]
BEFORE = {"a_X": {"SOC": SOC, "FAST": [4.0, 1.0, 3.0, 2.0]}, "a_Y": {"SOC": SOC, "FAST": SOC}, "a_Z": {"SOC": SOC}}
BEFORE["a_W"] = {"SOC": SOC, "FAST": SOC[::-1]}
AFTER = {"a_X": {"SOC": [2.0, 4.0, 6.0, 8.0], "FAST": [2.0, 4.0, 6.1, 8.0]}, "a_Y": {"SOC": SOC, "FAST": [9.0] * 4}}
AFTER["a_W"] = {"SOC": SOC, "FAST": SOC}


def test_values_their_difference_and_what_became_stable_or_unstable() -> None:
    found = analyse(table(BEFORE), table(AFTER), reference="SOC")
    x, y, _ = found["features"]
    assert (x["feature"], x["first"], x["second"], x["relative_difference"]) == ("a_X", 2.5, 5.0, 1.0)
    # Lin's CCC of x and 2 x: 2 · 2 var / (var + 4 var + mean²), moments with n.
    assert x["ccc"]["estimate"] == pytest.approx(4 * 1.25 / (5 * 1.25 + 2.5**2))
    assert [x["arms"][0][key]["stable"] for key in ("first", "second")] == [False, True]
    assert [y["arms"][0][key]["stable"] for key in ("first", "second")] == [True, False]
    assert y["ccc"]["estimate"] == pytest.approx(1)
    assert found["arms"] == [{"arm": "FAST", "judged": 3, "became_stable": 2, "became_unstable": 1}]


def test_only_volumes_of_both_are_compared_and_the_command_says_the_same(tmp_path, capsys) -> None:
    later = table(AFTER, first=1)
    found = analyse(table(BEFORE), later, reference="SOC")
    assert found["n_rois"] == 3
    assert found["features"][1]["first"] == np.mean(SOC[1:])
    paths = [tmp_path / f"{number}.csv" for number in range(2)]
    for path, frame in zip(paths, (table(BEFORE), later), strict=True):
        frame.to_csv(path, index=False)
    assert main(["settings", *map(str, paths), "--reference", "SOC"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(found))


def test_tables_that_share_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="share no volume"):
        analyse(table(BEFORE), table(AFTER, first=9), reference="SOC")
