"""The paper beside the workbook: what the printed table says, and when it says the same."""

import pytest

from benchmarks.published_radiomics import agrees, table_2

TEXT = """**Table 2.** Paired *t*-test.
Classes\tFeatures\tSignificantly Different\tClasses\tFeatures\tSignificantly Different
Intensity\tMin\tNS $p = 0.73$\tGray Level Dependence Matrix\tgldm_DependenceEntropy\t***
glcm_MaximumProbability\t*\tngtdm_Contrast\t\t**
**Figure 4.** Min\t*"""


def test_marks_stand_behind_their_features():
    names = ["Min", "gldm_DependenceEntropy", "glcm_MaximumProbability", "ngtdm_Contrast", "Max"]
    assert table_2(TEXT, names) == dict(zip(names, ["NS p = 0.73", "***", "*", "**"], strict=False))


@pytest.mark.parametrize(
    ("mark", "p", "same"),
    [
        ("***", 0.0004, True),
        ("***", 0.004, False),
        ("*", 0.004, False),
        ("NS p = 0.73", 0.729, True),
        ("NS p = 0.73", 0.74, False),
        ("**", 0.06, False),
    ],
)
def test_a_mark_is_a_level_or_a_value(mark, p, same):
    assert agrees(mark, p) is same
