"""Sign in, give people a role."""

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.contrib.auth.validators import UnicodeUsernameValidator

from readerstudy.accounts.demonstration import ACCOUNTS, PASSWORD
from readerstudy.accounts.models import Role


class SignInForm(AuthenticationForm):
    username = UsernameField(
        widget=forms.TextInput(
            attrs={"class": "input", "autofocus": True, "autocapitalize": "none", "autocomplete": "username"}
        )
    )

    @property
    def is_of_demonstration(self) -> bool:
        """Whether somebody tries an account of the demonstration while it does not run."""
        known = self.data.get("username") in ACCOUNTS and self.data.get("password") == PASSWORD
        return known and not settings.DEMO


class MemberForm(forms.Form):
    """One person by user name, and the role in this study; a new account where there is none."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "list": "people"}),
    )
    role = forms.ChoiceField(
        choices=[choice for choice in Role.choices if choice[0] != "admin"] + [("admin", "Admin")],
        initial=Role.READER,
        widget=forms.Select(attrs={"class": "select"}),
    )
    new = forms.BooleanField(label="Make a new account of this name", required=False)
