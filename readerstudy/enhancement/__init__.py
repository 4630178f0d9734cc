"""Models and degradations that make series: their pages, runs on a whole study, before and after."""
