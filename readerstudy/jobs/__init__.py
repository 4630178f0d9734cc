"""The Job table: claim, progress, retry, requeue. Each app keeps its own tasks.py."""
