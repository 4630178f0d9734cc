"""Names of files and folders tell subject and arm; what may name a patient is a keyed hash before it is read."""

from __future__ import annotations

import re

import pytest

from processing.errors import InputError
from processing.ingest.file_names import NAMELESS, OFF_PATTERN, NameReading, arms_named, masked, read_names

KEY = b"0123456789abcdef0123456789abcdef"
ARMS = ["SOC", "FAST", "FAST-DL", "SOC-DL"]


def read(names: list[str], **options: object) -> list[NameReading]:
    arms = options.get("arms", ARMS)
    return read_names([masked(name, key=KEY, arms=arms) for name in names], **{"arms": ARMS, **options})  # type: ignore[arg-type]


def test_what_may_name_a_patient_is_not_in_a_masked_name() -> None:
    name = masked("Muster_Erika/19500317_lumbar_T2w_FAST-DL.nii.gz", key=KEY, arms=ARMS)
    assert re.fullmatch(r"x\w{6}_x\w{6}/x\w{6}_lumbar_t2w_fast-dl", name)
    assert name != masked("Muster_Erika/19500317_lumbar_T2w_FAST-DL.nii.gz", key=KEY[::-1], arms=ARMS)


@pytest.mark.parametrize(
    ("text", "arms"),
    [
        ("pat7_lumbar_T2_FAST-DL", {"FAST-DL"}),
        ("pat7 lumbar fast dl", {"FAST-DL"}),
        ("pat7.FASTDL", {"FAST-DL"}),
        ("pat7_FAST", {"FAST"}),
        ("T2_fast_spin_echo_SOC", {"SOC"}),
        ("fastidious_society", set()),
        ("SOC_vs_FAST-DL", {"SOC", "FAST-DL"}),
    ],
)
def test_the_longest_code_of_an_arm_is_read(text: str, arms: set[str]) -> None:
    assert arms_named(text, ARMS) == arms


def test_a_studys_own_arms_are_read_too() -> None:
    first, second = read(["a/p1_REF-STD.nii", "a/p1_acc_dlr.nii"], arms=["REF-STD", "ACC-DLR", "ACC"])
    assert (first.arm, second.arm) == ("REF-STD", "ACC-DLR")


def test_a_flat_folder_holds_a_subject_per_name() -> None:
    names = [f"all/pat{n}_lumbar_T2_{arm}.nii.gz" for n in (8, 9) for arm in ("SOC", "FAST")]
    readings = read(names)
    assert [one.subject for one in readings] == [readings[0].subject] * 2 + [readings[2].subject] * 2
    assert readings[0].subject != readings[2].subject
    assert [(one.arm, one.region, one.weighting, one.several) for one in readings[:2]] == [
        ("SOC", "lumbar", "T2", False),
        ("FAST", "lumbar", "T2", False),
    ]
    assert {one.pattern for one in readings} == {"{subject}_{region}_{weighting}_{arm}"}


def test_names_that_differ_without_a_second_series_may_be_one_subject() -> None:
    readings = read(["flat/pat8_lumbar_T2_SOC.nii.gz", "flat/pat9_lumbar_T2_FAST.nii.gz"])
    assert readings[0].subject != readings[1].subject
    assert all(one.several for one in readings)


def test_the_folder_is_the_subject_where_names_agree() -> None:
    readings = read(["pat7/SOC/t2.nii.gz", "pat7/FAST/t2.nii.gz", "pat8/SOC/t2.nii.gz"])
    assert readings[0].subject == readings[1].subject != readings[2].subject
    assert [one.arm for one in readings] == ["SOC", "FAST", "SOC"]


@pytest.mark.parametrize("pattern", ["", "{subject}_{arm}"])
def test_one_name_in_two_data_sets_is_two_subjects(pattern: str) -> None:
    one, other = read(["basel/p1_SOC.nii", "bern/p1_FAST.nii"], pattern=pattern)
    assert one.subject != other.subject
    one, other = read(["basel/sub-01/anat/sub-01_T2w.nii", "bern/sub-01/anat/sub-01_T2w.nii"])
    assert one.subject != other.subject


def test_one_file_alone_is_the_subject_that_it_is_among_others() -> None:
    (alone,) = read(["all/pat9_FAST.nii"])
    among = read(["all/pat8_FAST.nii", "all/pat9_FAST.nii"])
    assert alone.subject == among[1].subject != among[0].subject


def test_nothing_that_tells_the_subject_is_said() -> None:
    assert {one.doubt for one in read(["SOC/t2.nii.gz", "FAST/t2.nii.gz"])} == {NAMELESS}


def test_a_folder_and_a_name_that_disagree_about_the_arm_are_said() -> None:
    (one,) = read(["pat7/FAST/pat7_SOC.nii.gz"])
    assert (one.arm, one.doubt) == ("SOC", "a folder says FAST, the name in it SOC")
    (one,) = read(["pat7/pat7_SOC_FAST.nii.gz"])
    assert (one.arm, one.doubt) == (None, "the name holds FAST and SOC")


def test_bids_names_their_subject_and_no_session() -> None:
    readings = read(
        ["sub-01/ses-1/anat/sub-01_ses-1_acq-soc_T2w.nii.gz", "sub-01/ses-2/anat/sub-01_ses-2_acq-fast_T2w.nii.gz"]
    )
    assert readings[0].subject == readings[1].subject
    assert [(one.arm, one.weighting, one.pattern) for one in readings] == [
        ("SOC", "T2", "BIDS"),
        ("FAST", "T2", "BIDS"),
    ]


def test_a_channel_of_nnunet_is_no_arm_and_is_asked_about() -> None:
    readings = read(["imagesTr/case_0001_0000.nii.gz", "imagesTr/case_0001_0001.nii.gz"])
    assert readings[0].subject == readings[1].subject
    assert [(one.arm, one.doubt) for one in readings] == [(None, "channel 0000"), (None, "channel 0001")]


def test_a_pattern_goes_before_what_is_guessed() -> None:
    names = ["x/p_1_sag_T2_SOC.nii", "x/p_2_sag_T2_FAST.nii", "x/other.nii"]
    first, second, other = read(names, pattern="{subject}_{plane}_{weighting}_{arm}")
    assert first.subject != second.subject
    assert (first.arm, first.plane, first.weighting, first.several) == ("SOC", "sagittal", "T2", False)
    assert other.doubt == OFF_PATTERN
    first, second = read(names[:2], pattern="{subject}_{skip}_{plane}_{weighting}_{arm}")
    assert first.subject == second.subject


@pytest.mark.parametrize(
    "pattern",
    ["{arm}", "{subject}{arm}", "muster_{subject}", "{subject}_{name}", "{subject}_{subject}", "{subject}_[a"],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match=r"pattern|placeholders"):
        read(["x/p1_SOC.nii"], pattern=pattern)
