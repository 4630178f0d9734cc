"""Actions of the log that more than one place goes by, as they stand in its lines."""

CONFIRMED = "pair confirmed"
FINISHED = "list finished"
SEEN = "results seen"
EXPORTED = "results exported"
RESTORED = "sealed after a restore"
PREPARED = "pairs prepared"
# Answers after the first, or after confirmation: each line keeps the hash of its row.
LATER_ANSWERS = ("rating revised", "answer revised", "finding added later")
# What readers do with single pairs; of these, what they may not do with a confirmed one after their last look.
CHANGES = (*LATER_ANSWERS, "finding withdrawn")
ON_PAIRS = (*CHANGES, CONFIRMED, "guess on blinding")
READING = (*ON_PAIRS, "pair skipped", FINISHED)
# What jobs make of single cases.
WORK = ("metrics computed", PREPARED, "acquisitions aligned", "features computed")
