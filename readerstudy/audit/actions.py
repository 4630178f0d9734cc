"""What a line of the log tells of: every action there is, as it stands in the lines."""

from django.db.models import TextChoices


class Action(TextChoices):
    ACQUISITIONS_ALIGNED = "acquisitions aligned"
    ANSWER_REVISED = "answer revised"
    BRIEFING_READ = "briefing read"
    BRIEFING_WRITTEN = "briefing written"
    CASE_HELD_BACK = "case held back"
    CASE_RELEASED = "case released"
    CASE_MOVED = "case moved"
    CASE_REMOVED = "case removed"
    CASE_SET_ASIDE = "case set aside"
    CASE_TAKEN_UP_AGAIN = "case taken up again"
    CHARTER_KEPT = "charter kept"
    DISPLAY_CHECKED = "display checked"
    DRY_RUN = "dry run"
    FEATURES_COMPUTED = "features computed"
    FEEDBACK_CHANGED = "feedback changed"
    FILE_NAMES_READ = "file names read"
    FINDING_ADDED_LATER = "finding added later"
    FINDING_WITHDRAWN = "finding withdrawn"
    GUESS_ON_BLINDING = "guess on blinding"
    HEADERS_READ_ANEW = "headers read anew"
    KEY_CHANGED = "key changed"
    LETTER_NOTED = "letter noted"
    LETTER_WRITTEN = "letter written"
    LIST_FINISHED = "list finished"
    MEMBER_ADDED = "member added"
    MEMBER_REMOVED = "member removed"
    METRICS_COMPUTED = "metrics computed"
    MODEL_RUN = "model run"
    OPENING_ASKED_FOR = "opening asked for"
    PAIR_CONFIRMED = "pair confirmed"
    PAIR_SKIPPED = "pair skipped"
    PAIRS_PREPARED = "pairs prepared"
    PROGRAM_ADMITTED = "program admitted"
    PROGRAM_SHUT_OUT = "program shut out"
    PROPOSALS_CHANGED_BY_CSV = "proposals changed by CSV"
    PROTOCOL_CHANGED = "protocol changed"
    RADIOMIC_SETTINGS_CHANGED = "radiomic settings changed"
    RATING_REVISED = "rating revised"
    READING_SIGNED = "reading signed"
    RETENTION_CHANGED = "retention changed"
    RESTORED = "restored from a backup"
    RESULTS_EXPORTED = "results exported"
    RESULTS_SEEN = "results seen"
    SCAN_TIME_TYPED = "scan time typed"
    SCREENING_LOG_CHANGED = "screening log changed"
    SEALED_AFTER_A_RESTORE = "sealed after a restore"
    SEALED_BY_UPGRADE = "sealed by upgrade"
    SERIES_MADE_AGAIN = "series made again"
    SERIES_PLACED = "series placed"
    SERIES_PUT_ASIDE = "series put aside"
    SERIES_REMOVED = "series removed"
    SERIES_TAKEN_BACK = "series taken back"
    SERIES_TAKEN_UP_AGAIN = "series taken up again"
    SETTINGS_CHANGED = "settings changed"
    SITE_LIST_CHANGED = "site list changed"
    STABILITY_CRITERIA_CHANGED = "stability criteria changed"
    STUDY_AMENDED = "study amended"
    STUDY_CLOSED = "study closed"
    STUDY_CREATED = "study created"
    STUDY_LOCKED = "study locked"
    STUDY_OPEN = "study open"
    STUDY_OPENED = "study opened"
    STUDY_PAUSED = "study paused"
    SUBJECTS_CODED = "subjects coded"
    SUBJECT_GIVEN_A_SITE = "subject given a site"
    SUBJECT_REMOVED = "subject removed"
    TABLE_IMPORTED = "table imported"
    TABLE_REMOVED = "table removed"
    TRAIL_REVIEWED = "trail reviewed"
    UNBLINDED = "unblinded"
    UNBLINDING_ASSESSED = "unblinding assessed"
    UPLOAD_RECEIVED = "upload received"
    UPLOAD_REMOVED = "upload removed"
    UPLOAD_SORTED = "upload sorted"
    VOLUMES_MEASURED = "volumes measured"
    VOLUME_OF_INTEREST_ADDED = "volume of interest added"
    VOLUME_OF_INTEREST_CALLED_BACK = "volume of interest called back"
    VOLUME_OF_INTEREST_DRAWN = "volume of interest drawn"
    VOLUME_OF_INTEREST_LOOKED_AT = "volume of interest looked at"
    VOLUME_OF_INTEREST_REMOVED = "volume of interest removed"


# Every log begins with it.
FIRST = Action.STUDY_CREATED
# What may still be noted of a locked study: who looked, who took what, who may, with which key, how long it is kept,
# a restore, what whoever reviews its log found, that what DICOMweb tells was read from the files again.
AFTER_LOCKING = {
    Action.RESULTS_SEEN,
    Action.RESULTS_EXPORTED,
    Action.MEMBER_ADDED,
    Action.MEMBER_REMOVED,
    Action.STUDY_LOCKED,
    Action.KEY_CHANGED,
    Action.RETENTION_CHANGED,
    Action.RESTORED,
    Action.PROGRAM_ADMITTED,
    Action.PROGRAM_SHUT_OUT,
    Action.TRAIL_REVIEWED,
    Action.UNBLINDING_ASSESSED,
    Action.HEADERS_READ_ANEW,
}
# Answers after the first, or after confirmation: each line keeps the hash of its row.
LATER_ANSWERS = (Action.RATING_REVISED, Action.ANSWER_REVISED, Action.FINDING_ADDED_LATER)
# What readers do with single pairs; of these, what they may not do with a confirmed one after their last look.
CHANGES = (*LATER_ANSWERS, Action.FINDING_WITHDRAWN)
ON_PAIRS = (*CHANGES, Action.PAIR_CONFIRMED, Action.GUESS_ON_BLINDING)
READING = (*ON_PAIRS, Action.PAIR_SKIPPED, Action.LIST_FINISHED, Action.DISPLAY_CHECKED, Action.BRIEFING_READ)
# What jobs make of single cases.
WORK = (
    Action.METRICS_COMPUTED,
    Action.PAIRS_PREPARED,
    Action.ACQUISITIONS_ALIGNED,
    Action.FEATURES_COMPUTED,
    Action.VOLUMES_MEASURED,
)
