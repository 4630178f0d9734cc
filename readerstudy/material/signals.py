"""What the material tells the apps above it, which it does not know."""

from django.dispatch import Signal

# study, code: series of the case of this code are about to change. Receivers raise InputError if they are frozen.
changing_case = Signal()
# study, series (ids): they are about to be taken out, in that transaction. Receivers raise InputError while that may
# not be.
removing_series = Signal()
