"""What the archive tells the apps above it, which it does not know."""

from django.dispatch import Signal

# study, say: the site was restored from a backup, and the study's log tells of it. Receivers do again what is not to be
# undone by that, and say in a sentence what they could not.
restored = Signal()
