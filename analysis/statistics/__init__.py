"""Procedures: arrays in, results out. No tables, no protocol."""
