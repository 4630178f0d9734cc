"""What accounts tell the apps above them, which they do not know."""

from django.dispatch import Signal

# user: signed out everywhere, but perhaps for the present session: by this person, by a new password, or because the
# account was closed.
signed_out = Signal()
# study, user, actor: this person's role in the study was taken away.
member_removed = Signal()
