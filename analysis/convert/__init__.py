"""Other people's sheets become ratings.csv."""
