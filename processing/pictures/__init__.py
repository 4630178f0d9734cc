"""Pictures for people: figure panels, before and after."""
