"""DICOMweb (PS3.18) of one study: instances come in, series are found and taken, under /dicomweb/studies/<slug>/."""
