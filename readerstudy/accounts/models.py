from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person, and what this person may do on the whole site; everything else is a role in one study. `is_staff`
    creates studies, a superuser does all that is of the site."""

    sees_accounts = models.BooleanField(default=False)
    operates = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False)  # somebody else set it

    def may(self, what: str) -> bool:
        """Whether this person does something for the site: a name of `SiteRole`."""
        return self.is_superuser or bool(getattr(self, SiteRole(what)))


class SiteRole(models.TextChoices):
    """What a person may do on the whole site, by the field that says so. None of them opens a study."""

    CREATES_STUDIES = "is_staff", "create studies"
    SEES_ACCOUNTS = "sees_accounts", "see accounts"
    OPERATES = "operates", "operate the site"


class Invitation(models.Model):
    """A link by which a person sets a password, once and for some days. Only its hash is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="invitations")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Invitation of {self.user}"


class AccountEvent(models.Model):
    """What was done with an account, by whom. Rows are only ever added; names stay as they were then."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    account = models.BigIntegerField()
    account_name = models.CharField(max_length=150)
    actor_name = models.CharField(max_length=150, blank=True)
    what = models.CharField(max_length=200)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.actor_name or 'the site'} {self.what} ({self.account_name})"


class Preferences(models.Model):
    """How a person likes to work, on every machine. No part of any study's record."""

    user = models.OneToOneField(User, models.CASCADE, related_name="preferences")
    keys = models.JSONField(default=dict)  # of the reading room, where they are not the usual ones: `accounts/keys.py`

    def __str__(self) -> str:
        return f"Preferences of {self.user}"


class Role(models.TextChoices):
    ADMIN = "admin", "Admin"
    READER = "reader", "Reader"
    ANALYST = "analyst", "Analyst"


class Membership(models.Model):
    """One person's one role in one reader study. A reader has a code (R1) that stands in every table."""

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices)
    code = models.CharField(max_length=8, blank=True)
    strip_collapsed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["role", "code", "pk"]
        constraints = [
            # A reader holds no other role in the same study: one row per person and study says so.
            models.UniqueConstraint(fields=["study", "user"], name="one_role_per_study"),
            models.UniqueConstraint(fields=["study", "code"], condition=~models.Q(code=""), name="unique_reader_code"),
            models.CheckConstraint(
                condition=models.Q(role="reader") & ~models.Q(code="") | ~models.Q(role="reader") & models.Q(code=""),
                name="code_is_for_readers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()} of {self.study}"


class Tries(models.Model):
    """What has been used up of one budget of `accounts.throttle`. key: a hash that names it; until: when it will be
    full again, in seconds since 1970."""

    key = models.CharField(max_length=64, primary_key=True)
    until = models.FloatField(db_index=True)

    def __str__(self) -> str:
        return self.key[:8]
