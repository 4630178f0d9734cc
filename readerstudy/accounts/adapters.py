"""Where django-allauth asks the site: who signs in, how a second factor is kept, who comes by another sign-in."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from processing.errors import InputError
from readerstudy.accounts import factor_secrets, gate, oidc_entry, proofs, second_factor, security
from readerstudy.accounts.backends import ACCOUNT_BACKEND, AccountBackend
from readerstudy.accounts.clients import address_of

UNKNOWN = "::"  # the address of who comes by a socket
WRONG_CODE = "This is not the code of now. Type the six digits that the app shows, or a recovery code."


class Accounts(DefaultAccountAdapter):
    """Sign-in by user name and password; nobody signs up."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "incorrect_code": WRONG_CODE,
        "too_many_login_attempts": "Too many wrong codes. Wait five minutes, then try again.",
        "rate_limited": "Too many wrong codes. Wait five minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials) -> None:
        """Nothing: wrong passwords are counted where every way of signing in passes, in the backends."""

    def login(self, request: HttpRequest, user) -> None:
        """Also after a second factor: in between the account may have been closed."""
        if not AccountBackend().user_can_authenticate(user):
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        login(request, user, backend=ACCOUNT_BACKEND)
        gate.enter(request.session, user)
        proofs.remember(request, proofs.PASSWORD)

    def respond_user_inactive(self, request: HttpRequest, user) -> HttpResponse:
        messages.error(request, "This account is closed. Ask whoever runs the study.")
        return redirect("login")

    def add_message(self, request: HttpRequest, level: int, *args, message: str | None = None, **kwargs) -> None:
        """Only what went wrong: a page that shows what is so needs no sentence about it."""
        if message:
            messages.add_message(request, level, message)

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request) or UNKNOWN

    def is_reauthentication_required(self, *, app: str, **kwargs) -> bool:
        return not proofs.is_open(self.request)

    def get_reauthentication_methods(self, user) -> list[dict]:
        return [{"id": "prove", "description": "", "url": reverse("prove")}] if user.is_authenticated else []


class SecondFactor(DefaultMFAAdapter):
    """Codes of an app, recovery codes, and passkeys where the site has a name."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": WRONG_CODE,
        "cannot_delete_authenticator": "One of your roles needs a second factor here. Set up another one first.",
    }

    def encrypt(self, text: str) -> str:
        return factor_secrets.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return factor_secrets.unseal(encrypted_text)

    def get_totp_label(self, user) -> str:
        return user.username

    def can_delete_authenticator(self, authenticator) -> bool:
        return second_factor.may_end(authenticator)

    def generate_authenticator_name(self, user, type) -> str:
        return "Passkey"

    def send_notification_mail(self, *args, **kwargs) -> None:
        """The line of the account's log tells of it."""


class OtherSignIn(DefaultSocialAccountAdapter):
    """Sign-in by OpenID Connect."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin) -> None:
        try:
            oidc_entry.meet(request, sociallogin)
        except InputError as error:
            raise self._refused(request, str(error)) from error

    def on_authentication_error(self, request: HttpRequest, provider, **kwargs) -> None:
        security.note("sign-in elsewhere failed", request)
        raise self._refused(request, "The other sign-in came to nothing. Try again, or use another way.")

    def _refused(self, request: HttpRequest, said: str) -> ImmediateHttpResponse:
        messages.error(request, said)
        return ImmediateHttpResponse(redirect("account" if request.user.is_authenticated else "login"))

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount) -> str:
        return reverse("account")
