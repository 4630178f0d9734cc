"""Sign in, and change a password."""

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.urls import reverse_lazy

from readerstudy.accounts.demonstration import ACCOUNTS
from readerstudy.accounts.forms import SignInForm


class SignIn(auth_views.LoginView):
    template_name = "registration/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    @property
    def chosen(self) -> str:
        """The demonstration account that was clicked."""
        name = self.request.GET.get("as", "")
        return name if settings.DEMO and name in ACCOUNTS else ""

    def get_initial(self) -> dict:
        return {"username": self.chosen}

    def get_context_data(self, **kwargs) -> dict:
        return super().get_context_data(chosen=self.chosen, next=self.get_redirect_url(), **kwargs)


class ChangePassword(auth_views.PasswordChangeView):
    success_url = reverse_lazy("home")

    def get_form(self, form_class=None):
        form = super().get_form(form_class)
        for field in form.fields.values():
            field.widget.attrs["class"] = "input"
            field.help_text = ""
        return form
