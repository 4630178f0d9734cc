"""Sign in, set a password, give people a role."""

from allauth.account.forms import LoginForm
from django import forms
from django.conf import settings
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.validators import UnicodeUsernameValidator

from readerstudy.accounts.demonstration import ACCOUNTS, PASSWORD
from readerstudy.accounts.models import Role, User


class SignInForm(LoginForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs = {
            "class": "input",
            "autofocus": True,
            "autocapitalize": "none",
            "autocomplete": "username",
        }
        self.fields["login"].validators.clear()  # any name is tried, and told to the security log

    def add_prefix(self, field_name: str) -> str:
        """The user name is named as everywhere, for whoever fills it in by script."""
        return super().add_prefix("username" if field_name == "login" else field_name)

    @property
    def is_of_demonstration(self) -> bool:
        """Whether somebody tries an account of the demonstration while it does not run."""
        known = self.data.get("username") in ACCOUNTS and self.data.get("password") == PASSWORD
        return known and not settings.DEMO


class OwnPasswordForm(SetPasswordForm):
    """Whoever follows a link says who it is, and sets a password that nobody else knows."""

    first_name = forms.CharField(label="First name", max_length=150, widget=forms.TextInput())
    last_name = forms.CharField(label="Last name", max_length=150, widget=forms.TextInput())

    field_order = ("first_name", "last_name", "new_password1", "new_password2")

    def __init__(self, user: User, *args, **kwargs) -> None:
        super().__init__(user, *args, **kwargs)
        for name in ("first_name", "last_name"):
            if getattr(user, name):
                del self.fields[name]  # a new password alone was asked for
        for name, autocomplete in (("first_name", "given-name"), ("last_name", "family-name")):
            if name in self.fields:
                self.fields[name].widget.attrs["autocomplete"] = autocomplete
        as_inputs(self)


class AddressForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("first_name", "last_name", "email")
        labels = {"email": "Mail address"}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        as_inputs(self)


def as_inputs(form: forms.BaseForm) -> None:
    """In the site's look, without the help of Django."""
    for field in form.fields.values():
        field.widget.attrs["class"] = "input"
        field.help_text = ""


# To choose from: the one that does all last.
ROLES = [choice for choice in Role.choices if choice[0] != Role.ADMIN] + [(Role.ADMIN.value, Role.ADMIN.label)]


class MemberForm(forms.Form):
    """One person by user name, and the role in this study; an invitation where there is no account."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        choices=ROLES,
        initial=Role.READER,
        widget=forms.Select(attrs={"class": "select"}),
    )
    new = forms.BooleanField(label="Invite: there is no account of this name yet", required=False)
    email = forms.EmailField(
        label="Mail address", required=False, widget=forms.EmailInput(attrs={"class": "input", "autocomplete": "off"})
    )

    def __init__(self, *args, readers: bool = True, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        if not readers:
            role.choices = [choice for choice in ROLES if choice[0] != Role.READER]
            role.initial = Role.ANALYST
