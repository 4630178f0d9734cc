"""Scan times and protocols: Table 1 of Bash et al., seconds saved with intervals, cohort, scanners."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import tables
from analysis.errors import InputError
from analysis.statistics import jackknife
from analysis.statistics.paired import paired_t
from analysis.statistics.result import Result, undefined

ALL, OTHER = "all", "other"
OLDEST = 90  # years; the series table keeps older as this
CODED = ("diagnosis", "origin")  # what subjects carry as a code and its meaning
FEWEST = 5  # subjects for an interval
NUMBERS = {
    "acquisition_seconds": "s",
    "tr": "ms",
    "te": "ms",
    "ti": "ms",
    "flip_angle": "degree",
    "echo_train_length": "",
    "averages": "",
    "slice_thickness": "mm",
    "slices": "",
}
TEXTS = ("matrix", "pixel_spacing")
SAVED = "mean over cases of reference − test; interval by leaving out each subject"
PERCENT = "100 (1 − sum of test / sum of reference); interval by leaving out each subject"
RATIO = "sum of test / sum of reference; interval by leaving out each subject"
PER_EXAMINATION = (
    "mean over subjects of reference − test, summed over each subject's cases; interval by leaving out each subject"
)
SIMULATED = "simulated, not acquired"
OTHERS = (
    "made_from",
    "simulated",
    "model_name",
    "processing_seconds",
    "site",
    "manufacturer",
    "model",
    "software",
    "field_strength",
)
CONVENTIONS = {
    "protocol": "the code of a case after that of its subject: region-plane-weighting; cases coded otherwise are "
    f"{OTHER}, or {ALL} where none is coded so",
    "case": "subject and case code together",
    "arms": "acquired arms: series that were not made from another; processing time of the others apart",
    "parameters": "median, minimum and maximum over the series of a protocol and arm that state it",
    "simulated": "series that no scanner acquired: their times do not count",
    "times": "paired by case; cases without both times are left out and counted by reason",
    "paired_t": "on subject means, reference − test",
    "age": f"over one examination per subject; ages over 89 are stored as {OLDEST} and counted as oldest, so that mean "
    "and SD are then too small",
}


def analyse(series: pd.DataFrame, *, reference: str | None = None) -> dict[str, Any]:
    """Parameters per protocol and arm, time saved against the reference, cohort and scanners, as JSON-able data.

    Parameters
    ----------
    series : DataFrame
        The series table (docs/tables/series.json).
    reference : str, optional
        An acquired arm; SOC if it is there, else the first of the table.

    Returns
    -------
    dict
        ``conventions``, ``reference``, ``protocols``, ``times``, ``processing``, ``cohort`` and ``scanners``. Times in
        seconds, TR, TE and TI in ms, ages in years.

    Raises
    ------
    InputError
        If the table cannot be used, or the reference is no acquired arm.

    Notes
    -----
    Saved is reference − test, paired by case; intervals resample subjects, none for fewer than five. What was simulated
    took no scanner's time: its ``acquisition_seconds`` do not count.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis.scan_times import analyse
    >>> rows = [("A", "SOC", 240.0), ("A", "FAST", 120.0), ("B", "SOC", 200.0), ("B", "FAST", 120.0)]
    >>> table = pd.DataFrame(rows, columns=["subject", "arm", "acquisition_seconds"])
    >>> times = analyse(table.assign(case=table["subject"], site="S1"))["times"][0]
    >>> times["test"], times["saved"]["estimate"], round(times["saved_percent"]["estimate"], 2)
    ('FAST', 100.0, 45.45)
    """
    series = tables.check(series, "series")
    for name in [*NUMBERS, *TEXTS, *OTHERS]:
        if name not in series:
            series[name] = np.nan
    series["acquisition_seconds"] = series["acquisition_seconds"].mask(series["simulated"].notna())
    series["protocol"] = _protocols(series)
    made = series["made_from"].notna()
    acquired = series[~made]
    made_arms = list(dict.fromkeys(series["arm"][made].astype(str)))
    arms = list(dict.fromkeys(acquired["arm"].astype(str)))
    if not arms:
        raise InputError("The series table has no acquired series.")
    reference = reference or ("SOC" if "SOC" in arms else arms[0])
    if reference not in arms:
        raise InputError(f"No series of the reference arm {reference} was acquired; there are {', '.join(arms)}.")
    protocols = sorted(acquired["protocol"].unique(), key=_protocol_order)
    tests = [arm for arm in arms if arm != reference]
    return {
        "conventions": CONVENTIONS,
        "reference": reference,
        "protocols": [_protocol(name, acquired[acquired["protocol"] == name], arms) for name in protocols],
        "times": [
            _times(acquired, protocol, reference, test)
            for test in tests
            for protocol in ([ALL] if protocols == [ALL] else [*protocols, ALL])
        ],
        "processing": [_processing(arm, series[made & (series["arm"] == arm)]) for arm in made_arms],
        "cohort": _cohort(series),
        "scanners": _scanners(acquired),
    }


def _protocols(series: pd.DataFrame) -> pd.Series:
    codes = []
    for subject, case in zip(series["subject"].astype(str), series["case"].astype(str), strict=True):
        rest = case.removeprefix(f"{subject}-")
        codes.append(rest if rest != case and rest.count("-") >= 2 else OTHER)
    return pd.Series(ALL if set(codes) <= {OTHER} else codes, index=series.index)


def _protocol_order(protocol: str) -> tuple:
    regions = ("cervical", "thoracic", "lumbar", "brain", "abdomen")
    region, _, rest = protocol.partition("-")
    return (regions.index(region) if region in regions else len(regions) + (protocol == OTHER), rest)


def _protocol(name: str, rows: pd.DataFrame, arms: list[str]) -> dict[str, Any]:
    found = [(arm, rows[rows["arm"] == arm]) for arm in arms]
    return {
        "protocol": name,
        "cases": _cases(rows),
        "subjects": int(rows["subject"].nunique()),
        "arms": [{"arm": arm, "n": len(own), "parameters": _parameters(own)} for arm, own in found if len(own)],
    }


def _cases(rows: pd.DataFrame) -> int:
    return len(rows[["subject", "case"]].drop_duplicates())


def _parameters(rows: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, unit in NUMBERS.items():
        values = rows[name].dropna().to_numpy(dtype=np.float64)
        stated = {"unit": unit, "n": int(values.size), "median": None, "min": None, "max": None}
        if values.size:
            stated |= {"median": float(np.median(values)), "min": float(values.min()), "max": float(values.max())}
        no_time = name == "acquisition_seconds" and rows["simulated"].notna().all()
        found[name] = stated | {"reason": None if values.size else SIMULATED if no_time else "no series states it"}
    for name in TEXTS:
        counts = rows[name].dropna().astype(str).value_counts()
        found[name] = {
            "n": int(counts.sum()),
            "values": [[str(value), int(count)] for value, count in counts.items()],
            "reason": None if len(counts) else "no series states it",
        }
    return found


def _times(acquired: pd.DataFrame, protocol: str, reference: str, test: str) -> dict[str, Any]:
    rows = acquired if protocol == ALL else acquired[acquired["protocol"] == protocol]
    # Echoes of one case share its time; grouping by seen combinations only keeps large tables small.
    grouped = rows.groupby(["subject", "case", "arm"], observed=True)["acquisition_seconds"]
    pair = grouped.mean().unstack("arm").reindex(columns=[reference, test])
    acquired_in = grouped.size().unstack("arm").reindex(columns=[reference, test]).notna()
    both = pair.dropna()
    x, y = (both[arm].to_numpy(dtype=np.float64) for arm in (reference, test))
    simulated = rows[rows["simulated"].notna()].groupby(["subject", "case", "arm"], observed=True).size()
    simulated_in = simulated.unstack("arm").reindex(index=pair.index, columns=pair.columns).notna()
    nothing = SIMULATED if simulated_in.any(axis=1).all() else "no case has a time in both arms"
    own, place = np.unique(both.index.get_level_values("subject").astype(str), return_inverse=True)
    slow, fast = (np.bincount(place, weights=values, minlength=own.size).astype(np.float64) for values in (x, y))
    cases = np.bincount(place, minlength=own.size).astype(np.float64)
    by_subject = paired_t(slow / cases, fast / cases)
    return {
        "protocol": protocol,
        "reference": reference,
        "test": test,
        "cases": int(x.size),
        "subjects": int(own.size),
        "left_out": _left_out(pair, acquired_in, simulated_in),
        "mean_reference": float(x.mean()) if x.size else None,
        "sd_reference": float(x.std(ddof=1)) if x.size > 1 else None,
        "mean_test": float(y.mean()) if y.size else None,
        "sd_test": float(y.std(ddof=1)) if y.size > 1 else None,
        "saved": _ratio(slow - fast, cases, SAVED, nothing).as_estimate(),
        "saved_percent": _ratio(100 * (slow - fast), slow, PERCENT, nothing).as_estimate(),
        "saved_per_examination": _ratio(slow - fast, np.ones(own.size), PER_EXAMINATION, nothing).as_estimate(),
        "ratio": _ratio(fast, slow, RATIO, nothing).as_estimate(),
        "saved_by_subject": by_subject.as_estimate(),
        "paired_t": by_subject.as_test(),
    }


def _left_out(seconds: pd.DataFrame, acquired: pd.DataFrame, simulated: pd.DataFrame) -> dict[str, int]:
    """How many cases have no pair of times, by reason; what was not acquired comes before what states no time."""
    reference, test = seconds.columns
    both, timeless = acquired.all(axis=1), seconds.isna()
    real = both & ~simulated.any(axis=1)
    reasons = {f"not acquired in {arm}": ~acquired[arm] & acquired.any(axis=1) for arm in (reference, test)}
    reasons |= {
        f"simulated in {test}": both & simulated[test],
        f"simulated in {reference}": both & simulated[reference] & ~simulated[test],
        "no time in either": real & timeless.all(axis=1),
        f"no time in {reference}": real & timeless[reference] & ~timeless[test],
        f"no time in {test}": real & timeless[test] & ~timeless[reference],
    }
    return {reason: int(found.sum()) for reason, found in reasons.items() if found.any()}


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64], method: str, nothing: str) -> Result:
    """Sum of ``above`` over sum of ``below`` (each per subject) with its interval."""
    n = int(above.size)
    if n == 0:
        return undefined(nothing, n=n, method=method)
    if below.sum() <= 0:
        return undefined("every time in the reference is 0", n=n, method=method)
    estimate = float(above.sum() / below.sum())
    if n < FEWEST:
        return Result(estimate=estimate, n=n, method=method, reason=f"no interval from fewer than {FEWEST} subjects")
    low, high = jackknife.ratio_bounds(above[:, None], below[:, None], confidence=0.95)[:, 0]
    if np.isnan(low):
        return Result(estimate=estimate, n=n, method=method, reason=jackknife.SAME)
    return Result(estimate=estimate, ci=(float(low), float(high)), n=n, method=method)


def _processing(arm: str, rows: pd.DataFrame) -> dict[str, Any]:
    seconds = rows["processing_seconds"].dropna().to_numpy(dtype=np.float64)
    models = rows["model_name"].dropna().astype(str).unique()
    return {
        "arm": arm,
        "n": len(seconds),
        "mean": float(np.mean(seconds)) if len(seconds) else None,
        "max": float(np.max(seconds)) if len(seconds) else None,
        "models": sorted(models),
        "reason": None if len(seconds) else "no series states its processing time",
    }


def _cohort(series: pd.DataFrame) -> dict[str, Any]:
    subjects = series.groupby("subject", observed=True)
    ages = subjects["age"].min().dropna().to_numpy(dtype=np.float64) if "age" in series else np.array([])
    known = subjects["sex"].first().astype(object) if "sex" in series else pd.Series(dtype=object)
    total = int(series["subject"].nunique())
    sites = sorted(series["site"].dropna().astype(str).unique())
    sex = {code: int((known == code).sum()) for code in ("F", "M", "O")}
    return {
        "subjects": total,
        "cases": _cases(series),
        "sites": {"codes": sites, "reason": None if sites else "no series states its site"},
        "age": {
            "n": int(ages.size),
            "mean": float(ages.mean()) if ages.size else None,
            "sd": float(ages.std(ddof=1)) if ages.size > 1 else None,
            "min": float(ages.min()) if ages.size else None,
            "max": float(ages.max()) if ages.size else None,
            "oldest": int((ages >= OLDEST).sum()),
            "reason": None if ages.size else "no subject has an age",
        },
        "sex": sex | {"unknown": total - sum(sex.values())},
        "groups": [row for kind in CODED if f"{kind}_code" in series for row in _groups(series, kind)],
    }


def _groups(series: pd.DataFrame, kind: str) -> list[dict[str, Any]]:
    """Subjects by a coded column, most first; last those without a code. None where nobody has one."""
    code, meaning = series[f"{kind}_code"], series[kind] if kind in series else series[f"{kind}_code"]
    said = pd.DataFrame({"subject": series["subject"], "code": code, "meaning": meaning}).astype(object)
    if said["code"].dropna().empty:
        return []
    rows = []
    for key in (*said["code"].dropna().unique(), None):
        own = series[said["code"].isna() if key is None else said["code"] == key]
        if own.empty:
            continue
        subjects = own.groupby("subject", observed=True)
        ages = subjects["age"].min().dropna() if "age" in own else pd.Series(dtype=float)
        known = subjects["sex"].first().astype(object) if "sex" in own else pd.Series(dtype=object)
        words = said.loc[own.index, "meaning"].dropna()
        rows.append(
            {
                "by": kind,
                "code": key,
                "meaning": str(words.iloc[0]) if key is not None and len(words) else None,
                "subjects": int(own["subject"].nunique()),
                "cases": _cases(own),
                "age_mean": float(ages.mean()) if len(ages) else None,
                "sex": {one: int((known == one).sum()) for one in ("F", "M", "O")},
            }
        )
    return sorted(rows, key=lambda row: (row["code"] is None, -row["subjects"]))


def _scanners(acquired: pd.DataFrame) -> list[dict[str, Any]]:
    names = ["manufacturer", "model", "field_strength"]
    told = [
        tuple(None if pd.isna(value) else value for value in row)
        for row in zip(*(acquired[name].astype(object) for name in names), strict=True)
    ]
    found = []
    for key in dict.fromkeys(told):
        own = acquired[[one == key for one in told]]
        software = sorted(own["software"].dropna().astype(str).unique())
        counts = {"software": software, "subjects": int(own["subject"].nunique()), "series": len(own)}
        found.append(dict(zip(names, key, strict=True)) | counts)
    return sorted(found, key=lambda row: -row["series"])
