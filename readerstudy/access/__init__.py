"""Who saw what: images, numbers and files that left the site for a person's screen, in a log of their own."""
