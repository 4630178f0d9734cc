"""Radiomic features of a volume of interest: pyradiomics' own on its bounding box, and eleven of Moummad et al.

Which features, of which image, is data: `presets/`, or a file in pyradiomics' form. `ibsi.csv` names each feature as
IBSI does.
"""
