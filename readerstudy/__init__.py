"""The site: people, requests, the database. The only part that knows Django."""

from readerstudy.celery import app as celery_app

__all__ = ["celery_app"]
