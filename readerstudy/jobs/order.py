"""Which jobs come first: queues for kinds of workers, and in each what a person waits for before the rest."""

QUEUES = ("intake", "enhance", "metrics", "default")
SOON, NEXT, LATER = 0, 3, 6  # as the broker counts: the least comes first
