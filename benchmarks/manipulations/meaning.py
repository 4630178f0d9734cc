"""What could be done to what was asked, of whom, on what."""

from __future__ import annotations

from benchmarks.administrator import Administrator
from benchmarks.manipulations import (
    a_pair,
    confirm_half_read_pair,
    manipulation,
    one_more_line,
    save_draft,
    site,
)
from benchmarks.tampered_study import Studies, half_read_pair


def statement(name: str, sql: str, *, of: str = "closed") -> None:
    """A manipulation of one statement; `%s` in it stands for the id of that study."""

    @manipulation(name)
    def change(db: Administrator, studies: Studies) -> None:
        if db.run(sql, *[getattr(studies, of)] * sql.count("%s")) == 0:
            raise ValueError(f"“{name}” changed no row")


FIRST_CASE = "(SELECT min(id) FROM material_case WHERE study_id = %s)"
A_PAIR = "(SELECT min(id) FROM reading_presentation WHERE study_id = %s AND kind = 'main')"

for name, sql in {
    "a margin changed after closing": "UPDATE protocol_readerstudy SET margin_net = 0.5 WHERE id = %s",
    "another claim after closing": "UPDATE protocol_readerstudy SET claim = 'noninferiority' WHERE id = %s",
    "another primary criterion": (
        "UPDATE protocol_readerstudy SET primary_criterion_id = "
        "(SELECT max(id) FROM protocol_criterion WHERE study_id = %s) WHERE id = %s"
    ),
    "the seed changed": "UPDATE protocol_readerstudy SET seed = seed + 1 WHERE id = %s",
    "a study synthetic no more": "UPDATE protocol_readerstudy SET synthetic = NOT synthetic WHERE id = %s",
    "a criterion in other words": "UPDATE protocol_criterion SET better = 'less noise' WHERE study_id = %s",
    "the anchors of a scale changed": """UPDATE protocol_criterion SET anchors = '["a", "b"]' WHERE study_id = %s""",
    "the arms of a comparison exchanged": (
        "UPDATE protocol_comparison SET first_id = second_id, second_id = first_id "
        "WHERE id = (SELECT min(id) FROM protocol_comparison WHERE study_id = %s)"
    ),
    "an arm called accelerated": (
        "UPDATE protocol_arm SET acquisition = 'accelerated' WHERE code = 'SOC' AND study_id = %s"
    ),
    "the arms of a confirmed pair on the other sides": (
        "UPDATE reading_presentation SET first_side = CASE first_side WHEN 'left' THEN 'right' ELSE 'left' END "
        f"WHERE id = {A_PAIR}"
    ),
    "confirmed pairs made void": (
        "UPDATE reading_presentation SET state = 'void', void_reason = 'technical problem' "
        "WHERE kind = 'main' AND study_id = %s"
    ),
    "a confirmed pair of training made one of the analysis": (
        "UPDATE reading_presentation SET kind = 'main' WHERE kind = 'training' AND study_id = %s"
    ),
    "a case of training taken into the analysis": (
        "UPDATE material_case SET training = false WHERE training AND study_id = %s"
    ),
    "a case given to another subject": (
        "UPDATE material_case SET subject_id = (SELECT max(id) FROM material_subject WHERE study_id = %s) "
        f"WHERE id = {FIRST_CASE}"
    ),
    "the hash of a series changed": (
        "UPDATE material_series SET sha256 = 'f' || substr(sha256, 2, 62) || 'f' "
        "WHERE id = (SELECT min(id) FROM material_series WHERE study_id = %s)"
    ),
    "the file of a series exchanged": (
        "UPDATE material_instance SET sha256 = 'f' || substr(sha256, 2, 62) || 'f' "
        "WHERE series_id = (SELECT min(id) FROM material_series WHERE study_id = %s)"
    ),
    "the scan time of a series changed": (
        """UPDATE material_series SET parameters = '{"acquisition_seconds": 12}' """
        "WHERE id = (SELECT min(id) FROM material_series WHERE study_id = %s)"
    ),
    "left and right of the frames exchanged": (
        "UPDATE reading_preparedpair SET first_left_sha256 = first_right_sha256, first_right_sha256 = "
        "first_left_sha256 WHERE id = (SELECT min(id) FROM reading_preparedpair WHERE study_id = %s)"
    ),
    "the order of the slices of a pair changed": (
        "UPDATE reading_preparedpair SET \"order\" = '[0, 1, 2, 3, 4]' WHERE study_id = %s"
    ),
    "the alignment of two series changed": "UPDATE material_alignment SET matrix = '[[1]]' WHERE study_id = %s",
    "a volume of interest removed": (
        "UPDATE material_volumeofinterest SET removed_at = created_at WHERE study_id = %s"
    ),
    "metrics overwritten": "UPDATE results_metric SET value = value * 0.9 WHERE metric = 'ssim' AND study_id = %s",
    "a metric deleted": (
        "DELETE FROM results_metric WHERE id = (SELECT min(id) FROM results_metric WHERE study_id = %s)"
    ),
    "features overwritten": "UPDATE results_feature SET value = value * 1.01 WHERE status = 'ok' AND study_id = %s",
    "a feature deleted": (
        "DELETE FROM results_feature WHERE id = (SELECT min(id) FROM results_feature WHERE study_id = %s)"
    ),
    "the settings of the features changed": (
        """UPDATE results_featuresettings SET settings = '{"setting": {"binWidth": 5}}' WHERE study_id = %s"""
    ),
    "guesses overwritten": (
        "UPDATE reading_guess SET side = 'right' WHERE presentation_id IN "
        "(SELECT id FROM reading_presentation WHERE study_id = %s)"
    ),
    "a guess deleted": (
        "DELETE FROM reading_guess WHERE id = (SELECT min(reading_guess.id) FROM reading_guess "
        "JOIN reading_presentation ON reading_presentation.id = presentation_id WHERE study_id = %s)"
    ),
    "the time of reading overwritten": f"UPDATE reading_presentation SET seconds = seconds + 60 WHERE id = {A_PAIR}",
    "an analyst made admin": ("UPDATE accounts_membership SET role = 'admin' WHERE role = 'analyst' AND study_id = %s"),
    "the time of closing changed": ("UPDATE protocol_readerstudy SET closed_at = opened_at WHERE id = %s"),
    "a closed study opened again": ("UPDATE protocol_readerstudy SET state = 'open', closed_at = NULL WHERE id = %s"),
}.items():
    statement(name, sql)

statement(
    "a locked study unlocked",
    "UPDATE protocol_readerstudy SET state = 'closed', locked_at = NULL, lock_sha256 = '' WHERE id = %s",
    of="locked",
)
statement(
    "a pair that nobody has read taken out of the schedule",
    "DELETE FROM reading_presentation WHERE id = (SELECT max(id) FROM reading_presentation WHERE study_id = %s)",
    of="open",
)
statement(
    "the arms of a pair that nobody has read on the other sides",
    "UPDATE reading_presentation SET first_side = CASE first_side WHEN 'left' THEN 'right' ELSE 'left' END "
    "WHERE id = (SELECT max(id) FROM reading_presentation WHERE study_id = %s)",
    of="open",
)


@manipulation("a subject withdrawn")
def subject_withdrawn(db: Administrator, studies: Studies) -> None:
    subject = a_pair(studies.closed).case.subject_id
    db.run("UPDATE material_subject SET withdrawn_at = '2026-01-01 00:00:00+00:00' WHERE id = %s", subject)
    db.run(
        "UPDATE reading_presentation SET state = 'void', void_reason = 'subject withdrawn, amendment 1' "
        "WHERE case_id IN (SELECT id FROM material_case WHERE subject_id = %s)",
        subject,
    )


@manipulation("two readers' codes exchanged")
def codes_exchanged(db: Administrator, studies: Studies) -> None:
    db.swap("accounts_membership", "code", *_readers(db, studies.closed), between="R9")


@manipulation("two readers' accounts exchanged")
def accounts_exchanged(db: Administrator, studies: Studies) -> None:
    nobody = db.one("SELECT max(id) FROM accounts_user")
    db.swap("accounts_membership", "user_id", *_readers(db, studies.closed), between=nobody)


def _readers(db: Administrator, study: int) -> list[int]:
    found = "SELECT id FROM accounts_membership WHERE role = 'reader' AND study_id = %s ORDER BY id"
    return [row for (row,) in db.rows(found, study)]


@manipulation("an analyst made admin, one more person given a role")
def admin_made_and_on(db: Administrator, studies: Studies) -> None:
    db.run("UPDATE accounts_membership SET role = 'admin' WHERE role = 'analyst' AND study_id = %s", studies.closed)
    one_more_line(studies.closed)


@manipulation("a margin changed in a draft, another setting then saved by its admin")
def draft_changed_and_saved(db: Administrator, studies: Studies) -> None:
    db.run("UPDATE protocol_readerstudy SET margin_net = 0.5 WHERE id = %s", studies.draft)
    save_draft(studies)


@manipulation("the arms of a pair to come on the other sides, which the reader then reads")
def side_changed_and_read(db: Administrator, studies: Studies) -> None:
    pair = half_read_pair(studies)
    other = "CASE first_side WHEN 'left' THEN 'right' ELSE 'left' END"
    db.run(f"UPDATE reading_presentation SET first_side = {other} WHERE id = %s", pair.pk)
    with site():
        confirm_half_read_pair(studies)
