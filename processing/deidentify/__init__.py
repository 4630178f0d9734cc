"""Remove what identifies: deny by default, by rules that a privacy officer can read.

rules.csv lists every attribute that may stay, with the check its value must pass; vocabulary.toml the
words and patterns of those checks. Everything else is removed.
"""
