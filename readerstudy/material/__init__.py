"""What is shown: subjects, cases, series."""
