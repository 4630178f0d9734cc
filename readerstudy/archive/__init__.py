"""Where files lie: a content-addressed store."""
