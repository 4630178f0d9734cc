"""Similarity and quality of images, overlap of masks."""
