"""Degradations, phantoms and a model observer."""
