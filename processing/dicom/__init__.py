"""Read, sort and write DICOM MR series."""
