"""Images from k-space of which lines are missing."""
