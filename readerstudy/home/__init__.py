"""What each person has to do next, and the pages that bring together what the apps say of a study."""
