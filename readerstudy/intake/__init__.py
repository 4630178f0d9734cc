"""The way in: upload or folder import, quarantine, de-identified series."""
