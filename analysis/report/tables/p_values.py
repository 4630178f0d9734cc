"""Every test of every cell."""

from analysis import verdict
from analysis.report.table import Names, Results, Table
from analysis.report.table_cells import FEW, adjusted_p, cell_names, estimate_with_interval, p_of_test


def every_test(results: Results, names: Names) -> Table:
    """The p values of all tests, unadjusted and adjusted."""
    conventions, rows = results["conventions"], []
    for cell in results["comparisons"]:
        tests, holm, bh = cell["tests"], cell["p_holm"], cell["p_bh"]
        published, primary = tests["as_published"], tests[cell["primary_test"]]
        rows.append(
            [
                *cell_names(cell, names),
                estimate_with_interval(cell["mean"]),
                p_of_test(published),
                adjusted_p(holm["as_published"], published),
                adjusted_p(bh["as_published"], published),
                *(p_of_test(tests[name]) for name in ("cluster_sign_flip", "cluster_permutation", "datta_satten")),
                adjusted_p(holm["primary"], primary),
                adjusted_p(bh["primary"], primary),
                p_of_test(tests["rank_sum_mirror"]),
            ]
        )
    tested = ["published", "Holm", "BH", "sign flip", "permutation", "Datta–Satten", "Holm", "BH", "mirror"]
    return Table(
        "tests",
        "Every test of every cell",
        "two-sided p of no preference; bold: p < 0.05",
        ["Comparison", "Criterion", "Mean, 95 %", *tested],
        rows,
        f"Mean: 95 % by leaving out each subject once. {FEW}. Published: {conventions['as_published']}. Sign flip, "
        f"permutation, Datta–Satten: clusters are {conventions['clusters']}. Second Holm and BH: of the primary test "
        f"({verdict.TESTS[conventions['primary_test']]}). {conventions['multiplicity']}. Mirror: "
        f"{conventions['rank_sum_mirror']}.",
        words=2,
    )
