"""Sign in, bind keys."""

from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView
from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from processing.errors import InputError
from readerstudy.accounts import keys, oidc, passkeys
from readerstudy.accounts.demonstration import ACCOUNTS
from readerstudy.accounts.forms import SignInForm


class SignIn(LoginView):
    template_name = "registration/login.html"
    form_class = SignInForm

    @property
    def chosen(self) -> str:
        """The demonstration account that was clicked."""
        name = self.request.GET.get("as", "")
        return name if settings.DEMO and name in ACCOUNTS else ""

    def get_initial(self) -> dict:
        return {"login": self.chosen}

    def get_context_data(self, **kwargs) -> dict:
        following = self.get_next_url() or ""
        there = oidc.address(following=following) if oidc.is_there() else ""
        return super().get_context_data(chosen=self.chosen, next=following, oidc=there, **kwargs)


class SecondFactor(AuthenticateView):
    """After the password: a code, or a passkey where there may be one."""

    def get_context_data(self, **kwargs) -> dict:
        context = super().get_context_data(**kwargs)
        options = context["js_data"]["request_options"]
        shown = passkeys.are_possible(self.request) and options["publicKey"].get("allowCredentials")
        return context | {"passkey": options if shown else None}


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
