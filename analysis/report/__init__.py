"""Figures, tables and the printed report of what the analyses found."""
