"""Who may do what: users, sign-in, roles in a study."""
