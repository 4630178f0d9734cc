"""The tables of a reader study by subject, each made once for the printed report and for the pages of the site."""
