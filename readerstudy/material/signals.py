"""What the material tells the apps above it, which it does not know."""

from django.dispatch import Signal

# study, code: series of the case of this code are about to change. Receivers raise InputError if they are frozen.
changing_case = Signal()
