"""What the protocol tells the apps above it, which it does not know."""

from django.dispatch import Signal

# study: arms, comparisons or criteria of a draft were changed, and the change is committed.
protocol_changed = Signal()
# study, part: an arm, a comparison or a criterion is about to be removed. Receivers return the sealed units that go
# with it, or raise InputError if something of theirs needs it.
removing_part = Signal()
# study, template, actor: a draft was made of a template, in that transaction.
study_made = Signal()
# study: a study of images alone is about to be opened, in that transaction. Receivers return what the log keeps of
# what is frozen, as a dict.
freezing = Signal()
# study: it moved to another state, and the move is committed.
moved = Signal()
# study: every row of it is about to be removed, in that transaction. Receivers return the hashes of its files in the
# archive that are theirs, and see to what lies elsewhere.
removing_study = Signal()
# study: every row of it was removed.
removed = Signal()
# study: it is about to be locked, in that transaction. Receivers make what would else be made later, or raise
# InputError while something of theirs may still change.
locking = Signal()
