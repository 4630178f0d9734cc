"""What a new study can begin with: paired reading as in Bash et al. 2021, or images alone, as papers on radiomics do.

Arms and comparisons of readings are in `defaults`. An arm that names no maker is uploaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from readerstudy.protocol import defaults, recipes

DEFAULT_MODEL = "default"  # the first model of this site
# % of the 99.9th percentile. Moummad et al. print no level; by the variance that noise adds to lesions in their
# workbook its SD is 3.2 % of a lesion's maximum (median). 2 % brings two whole brains to 33.9 and 35.5 dB, near
# their 35.5.
HALF_NEX = 2.0


@dataclass(frozen=True)
class PlannedArm:
    """An arm to be made. model: the name of one, or DEFAULT_MODEL; step: of a simulation. Uploaded without either."""

    code: str
    acquisition: str
    reconstruction: str = "standard"
    made_from: str | None = None
    model: str = ""
    step: recipes.Step | None = None


@dataclass(frozen=True)
class StudyTemplate:
    """A kind of study. says: what it is for, in a sentence; comparisons, primary: of readers, none where images alone
    are compared; preset: of the radiomic settings, "" for those that hold without a word; criteria: thresholds of
    stability that are not those of the analysis; sites: key of the list of what is drawn in every case, "" for none."""

    name: str
    title: str
    says: str
    arms: Sequence[PlannedArm]
    comparisons: Sequence[tuple[str, str, str]] = ()
    primary: tuple[str, str, str] | None = None  # first, second, criterion
    preset: str = ""
    criteria: Mapping[str, float] = field(default_factory=dict)
    sites: str = ""

    @property
    def images_only(self) -> bool:
        return not self.comparisons

    @property
    def codes(self) -> list[str]:
        return [arm.code for arm in self.arms]


BASH = StudyTemplate(
    "bash",
    "Readers compare pairs",
    "Blinded pairs of SOC, FAST and DL, a score for each criterion, as in Bash et al. 2021.",
    [
        PlannedArm(code, acquisition, reconstruction, made_from, DEFAULT_MODEL if made_from else "")
        for code, acquisition, reconstruction, made_from in defaults.ARMS
    ],
    defaults.COMPARISONS,
    ("FAST-DL", "SOC", "snr"),
)
ZHONG = StudyTemplate(
    "zhong",
    "Images alone: two acquisitions, each with and without DL",
    "Which radiomic features survive acceleration and DL reconstruction, as in Zhong et al.: REF and ACC are uploaded, "
    "a model makes the DL arms; ten places of the abdomen; ICC and CCC above 0.90, CV and QCD below 10 %.",
    [
        PlannedArm("REF-STD", "reference"),
        PlannedArm("ACC-STD", "accelerated"),
        PlannedArm("REF-DLR", "reference", "dl", "REF-STD", DEFAULT_MODEL),
        PlannedArm("ACC-DLR", "accelerated", "dl", "ACC-STD", DEFAULT_MODEL),
    ],
    preset="zhong93",
    criteria={"ccc": 0.90, "icc": 0.90, "dispersion": 0.10},
    sites="abdomen",
)
MOUMMAD = StudyTemplate(
    "moummad",
    "Images alone: one acquisition, degraded and restored",
    "What half the matrix and half the NEX do to radiomic features, and what networks give back, after Moummad et al.: "
    "SOC alone is uploaded, every other arm is made from it; a volume for each lesion. The paper halves the matrix by "
    "linear interpolation; here k-space is cut, as a scanner does and as networks for restoring undo.",
    [
        PlannedArm("SOC", "reference"),
        PlannedArm(
            "HALF-MATRIX",
            "accelerated",
            made_from="SOC",
            step=recipes.Step(recipes.KINDS["half_matrix_kspace"], None, 0),
        ),
        PlannedArm("RESTORED", "accelerated", "dl", "HALF-MATRIX", "restore"),
        PlannedArm(
            "HALF-NEX", "accelerated", made_from="SOC", step=recipes.Step(recipes.KINDS["half_nex"], HALF_NEX, 1)
        ),
        PlannedArm("DENOISED", "accelerated", "dl", "HALF-NEX", "denoise"),
    ],
    preset="moummad104",
    criteria={"ccc": 0.85},
)
TEMPLATES = {one.name: one for one in (BASH, ZHONG, MOUMMAD)}
