"""Who did what when: append-only, hash-chained per study."""
