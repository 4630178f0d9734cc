"""What the columns of the tables of results mean, in words: their codebook."""

from collections.abc import Iterable, Mapping

ENDS = {  # how a column ends → what it says of the number that its beginning names
    "_estimate": "{}",
    "_low": "{}: lower end of the interval",
    "_high": "{}: upper end of the interval",
    "_low90": "{}: lower end of the 90 % interval",
    "_high90": "{}: upper end of the 90 % interval",
    "_level": "{}: confidence of the interval",
    "_n": "{}: how many entered",
    "_method": "{}: how it was made",
    "_reason": "{}: why there is none, or no interval",
    "_caution": "{}: what to mind",
    "_statistic": "{}: test statistic",
    "_p": "{}: p value, two-sided unless the method says otherwise",
    "_p_exact": "{}: p value that assumes no more than the scale's bound",
}
BEGINNINGS = {
    "first": "first arm of the comparison, which preferences above 3 favour",
    "second": "second arm of the comparison",
    "criterion": "what was rated",
    "comparison": "the two arms",
    "reader": "code of the reader",
    "mean": "mean preference, 1 to 5",
    "sd": "standard deviation of the ratings",
    "net_preference": "share of answers for the first arm less that for the second",
    "simultaneous_mean": "mean preference, interval for all cells of the family together",
    "simultaneous_net_preference": "net preference, interval for all cells of the family together",
    "hodges_lehmann": "Hodges–Lehmann estimate of preference, subjects counted once",
    "subject_correlation": "intraclass correlation of the ratings of one subject",
    "design_effect": "variance of the mean over that of independent ratings",
    "tests_as_published": "pooled signed rank test",
    "tests_rank_sum_mirror": "rank sum test against the mirror image, for comparison only",
    "tests_cluster_sign_flip": "clustered signed rank test, sign flip",
    "tests_cluster_permutation": "clustered signed rank test, exact permutation",
    "tests_datta_satten": "clustered signed rank test of Datta and Satten",
    "as_published": "pooled signed rank test of one reader",
    "primary_test": "the test that the protocol names",
    "primary": "whether the cell is the primary hypothesis",
    "favours": "the arm for which the primary test rejects: first, second or neither",
    "favours_unadjusted": "the arm for which the primary test of the answers given rejects, before any adjustment",
    "p_holm": "p value adjusted by Holm",
    "p_hommel": "p value adjusted by Hommel",
    "p_bh": "p value adjusted by Benjamini and Hochberg",
    "regression_preference": "visual grading regression: log odds of the first arm",
    "regression_test": "visual grading regression: test of no preference",
    "regression_side": "visual grading regression: log odds of the right image",
    "regression_readers": "visual grading regression: test of equal readers",
    "preference": "mixed model: log odds of the first arm, for one subject and reader",
    "test": "test of no preference",
    "side": "mixed model: log odds of the right image",
    "sd_subject": "mixed model: SD of the subjects' own preferences, log odds; 0 in a singular fit",
    "sd_reader": "mixed model: SD of the readers' own preferences, log odds; 0 in a singular fit",
    "singular": "mixed model: which factors have no variance, so that they were left out",
    "log_likelihood": "mixed model: log likelihood at the maximum",
    "random_readers": "inference to readers like these",
    "kind": "equivalence or non-inferiority",
    "on": "what the margin is on",
    "margin": "the margin declared before opening",
    "krippendorff_alpha": "Krippendorff's alpha, ordinal",
    "gwet_ac2": "Gwet's AC2, ordinal weights; never alone",
    "kendall_w": "Kendall's W, corrected for ties",
    "icc": "intraclass correlation of readers, form of Shrout and Fleiss",
    "reader_a": "code of one reader",
    "reader_b": "code of the other",
    "spearman": "Spearman's correlation of two readers",
    "percent": "share of equal scores",
    "kappa_linear": "weighted kappa, linear",
    "kappa_quadratic": "weighted kappa, quadratic",
    "left": "answers for the left image",
    "right": "answers for the right image",
    "neutral": "answers of no difference",
    "binomial": "test of right against left",
    "threshold_shift": "lean to the right image, in probit units",
    "bias": "distance of the reader from the others, in points",
    "inconsistency": "standard deviation of the reader about units and bias",
    "time": "active seconds per main pair",
    "drift_seconds": "correlation of position and seconds",
    "drift_decided": "correlation of position and share of answers other than 3",
    "screening": "screening of ITU-R BT.500, a flag",
    "repeats": "agreement with the reader's own first reading",
    "variance_reader": "variance between readers",
    "variance_case": "variance between cases",
    "variance_reader_case": "variance of reader × case",
    "variance_condition_reader": "variance of comparison × reader",
    "variance_condition_case": "variance of comparison × case",
    "variance_rest": "variance that is left",
    "limits_between_readers": "limit of agreement of two readers on one pair, ±",
    "limits_between_conditions": "limit of agreement of one reader on two comparisons, ±",
    "limits_between_both": "limit of agreement of two readers on two comparisons, ±",
    "asked": "questions asked",
    "cannot_judge": "answered cannot judge",
    "missing": "not answered",
    "unread": "pairs of these cases that a reader of this comparison was not shown, or that do not apply",
    "all": "answers given",
    "per_protocol": "cases that every reader of the comparison answered",
    "as_no_difference": "all asked, unanswered taken for no difference",
    "lowest_mean": "mean, were all unanswered the lowest answer",
    "highest_mean": "mean, were all unanswered the highest answer",
    "tips_at": "answer nearest to 3 (two where both are) at which the primary test would say something else, were all "
    "unanswered that one",
    "tipping": "the tipping answer",
    "unanswered": "share of what was asked",
    "by": "what the row is of: arm, reader or criterion",
    "variable": "subgroup variable",
    "level": "level of the subgroup",
    "subjects": "subjects with a rating",
    "interaction": "test of equal means of the levels",
    "parameter": "an arm's log worth, tie or side",
    "log_worth": "log worth",
    "question": "integrity or diagnostic quality",
    "share": "share of panels",
    "bang": "Bang's blinding index",
    "james": "James' blinding index",
    "says": "the primary hypothesis in words",
    "claim": "what the margin claims",
    "verdict": "whether it was shown",
}


def codebook(tables: Mapping[str, Iterable[str]]) -> list[dict[str, str]]:
    """One row per column of these tables: table, column, description."""
    return [
        {"table": table, "column": column, "description": described(column)}
        for table, columns in tables.items()
        for column in columns
    ]


def described(column: str) -> str:
    """A column in words: what its beginning names and its end says; a name without an entry stands for itself."""
    if len(column) == 2 and column[0] == "n" and column[1].isdigit():
        return f"number of preferences of {column[1]}"
    end = next((one for one in sorted(ENDS, key=len, reverse=True) if column.endswith(one) and column != one), "")
    stem = column.removesuffix(end)
    if f"_{column}" in ENDS and column not in BEGINNINGS:
        return ENDS[f"_{column}"].format("the number")
    words = stem.split("_")
    rest: list[str] = []
    while words and "_".join(words) not in BEGINNINGS:
        rest.insert(0, words.pop())
    known = BEGINNINGS.get("_".join(words), "")
    name = ", ".join(part for part in (known, " ".join(rest)) if part)
    return (ENDS[end] if end else "{}").format(name)
