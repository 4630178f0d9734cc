"""Pixels to pixels and pixels to numbers. Never imports Django."""
