"""The image metrics on the first page of results: SSIM, L1, and all of them as a table to copy."""

from collections.abc import Callable

from analysis.report import table_cells
from readerstudy.images import charts
from readerstudy.images.charts import Arms

# What pages show; metrics.csv has them all.
METRICS = {"ssim": "SSIM", "l1": "L1", "psnr": "PSNR (dB)", "ms_ssim": "MS-SSIM", "nrmse": "NRMSE", "mse": "MSE"}
DIGITS = {"l1": 1, "psnr": 1, "mse": 0}


def images(metrics: dict | None, rules: list[str], arms: Arms) -> dict | None:
    """The results of `analysis.image_metrics` per pair of arms, with the paired test between the pairs shown."""
    if metrics is None:
        return None
    rows = [row for row in metrics["pairs"] if row["reference"] in arms and row["test"] in arms]
    unregistered = [row for row in rows if not row["registered"]]

    def made_from_it(row: dict) -> bool:
        test = arms[row["test"]]
        return test.made_from_id == arms[row["reference"]].pk and test.recipe is None

    def accelerated(row: dict) -> bool:
        return arms[row["test"]].acquisition != arms[row["reference"]].acquisition

    return {
        "ssim": _metric(metrics, arms, "ssim", unregistered, made_from_it, 3),
        "l1": _metric(metrics, arms, "l1", unregistered, accelerated, 1),
        "rules": rules,
        "rows": [
            {
                **row,
                "name": METRICS[row["metric"]],
                "shown": table_cells.mean_sd({**row, "estimate": row["mean"]}, row["sd"], DIGITS.get(row["metric"], 3)),
                "quartiles": table_cells.quartiles(row, DIGITS.get(row["metric"], 3)),
            }
            for row in sorted((row for row in rows if row["metric"] in METRICS), key=_metric_order)
        ],
    }


def _metric_order(row: dict) -> tuple:
    return [*METRICS].index(row["metric"]), row["region"] != "whole", row["registered"]


def _metric(
    metrics: dict, arms: Arms, metric: str, rows: list[dict], wanted: Callable[[dict], bool], digits: int
) -> dict:
    """One metric over the whole volume: the pairs that the paper shows, else all that are there."""
    whole = [row for row in rows if row["metric"] == metric and row["region"] == "whole"]
    shown = [row for row in whole if wanted(row)] or whole
    codes = [f"{row['reference']} vs {row['test']}" for row in shown]
    tests = [
        {
            "a": pair["a"],
            "b": pair["b"],
            "p": table_cells.p_of_test(pair["test"]),
            "exact": table_cells.p_of_test_in_full(pair["test"]),
        }
        for pair in metrics["paired"]
        if (pair["metric"], pair["region"], pair["registered"]) == (metric, "whole", False)
        and {pair["a"], pair["b"]} <= set(codes)
    ]
    pairs = [
        {
            "code": code,
            "arm": arms[row["test"]],
            "n": row["n"],
            "text": table_cells.mean_sd({"estimate": row["mean"], "reason": row["reason"]}, row["sd"], digits),
            "values": row["values"],
        }
        for code, row in zip(codes, shown, strict=True)
    ]
    figure = charts.distribution(pairs, arms, digits=digits, top=1 if metric == "ssim" else None)
    return {"pairs": pairs, "tests": tests, "figure": figure}
