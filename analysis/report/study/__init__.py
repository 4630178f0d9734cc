"""The report of a closed reader study: what a journal and a regulator read."""
