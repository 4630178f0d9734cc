"""Numbers to tables and figures. Never imports Django, never sees a pixel."""
