"""Schedule, presentations, pair delivery, ratings; the viewer page and its JSON."""
