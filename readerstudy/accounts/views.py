"""Sign in, change a password, bind keys."""

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.urls import reverse_lazy
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from processing.errors import InputError
from readerstudy.accounts import keys
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


class Keys(APIView):
    """The signed-in person's own keys in the reading room; what is put replaces them all."""

    def get(self, request: Request) -> Response:
        return Response({"keys": keys.bound(request.user)})

    def put(self, request: Request) -> Response:
        said = request.data.get("keys") if isinstance(request.data, dict) else None
        try:
            keys.set_keys(user=request.user, keys=said)
        except InputError as error:
            return Response({"detail": str(error)}, status=400)
        return self.get(request)
