"""Letters of the site: by the server of READERSTUDY_EMAIL_URL, else into a folder that its own account alone reads."""

import os
import secrets
import smtplib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils import timezone

from processing.errors import InputError

PATIENCE = 10  # seconds for the server


def smtp_settings(url: str) -> dict:
    """What `smtp://name:password@host:587` says; `smtps://` for TLS from the first byte, `?tls=0` for none.

    ValueError for anything else.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("READERSTUDY_EMAIL_URL is smtp://name:password@host:587, or smtps://…:465.")
    ssl = parts.scheme == "smtps"
    return {
        "host": parts.hostname,
        "port": parts.port or (465 if ssl else 587),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_ssl": ssl,
        "use_tls": not ssl and parse_qs(parts.query).get("tls", ["1"]) != ["0"],
        "timeout": PATIENCE,
    }


class Backend(BaseEmailBackend):
    """The server of the settings, else the folder."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        if settings.EMAIL_URL:
            smtp = get_connection(
                "django.core.mail.backends.smtp.EmailBackend", fail_silently=False, **smtp_settings(settings.EMAIL_URL)
            )
            return smtp.send_messages(email_messages) or 0
        for message in email_messages:
            _keep(message, Path(settings.EMAIL_FOLDER))
        return len(email_messages)


def _keep(message: EmailMessage, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / f"{timezone.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.eml"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(message.message().as_bytes())


def send(*, to: str, subject: str, template: str, context: dict) -> None:
    """One letter of plain text. InputError if the server does not take it."""
    try:
        EmailMessage(subject, render_to_string(template, context), to=[to]).send()
    except (OSError, smtplib.SMTPException) as error:
        raise InputError("The letter could not be sent. Hand the link over, or try again later.") from error
