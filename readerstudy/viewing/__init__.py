"""How readers looked: the check of their display, and the log of what they did with the images."""
