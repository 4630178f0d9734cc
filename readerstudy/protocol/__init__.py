"""What is asked: study, sites, arms, comparisons, criteria; its states and its freeze."""
