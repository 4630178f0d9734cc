"""Before every page: a session that is locked, or whose person owes the site something, gets no further."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from readerstudy.accounts import gate

# What must stay within reach.
OPEN = {
    "unlock": {"unlock", "lock", "logout", "login", "openid_connect_login", "openid_connect_callback"},
    "password_change": {"password_change", "unlock", "lock", "here", "logout"},
    "mfa_activate_totp": {
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_view_recovery_codes",
        "prove",
        "unlock",
        "lock",
        "here",
        "logout",
    },
}


class GateMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view, args, kwargs) -> HttpResponse | None:
        """Go on, or be sent to what comes first."""
        session = request.session
        if SESSION_KEY not in session:
            return None
        before = gate.barrier(session)
        if not before:
            if request.headers.get("HX-Request") != "true" or request.method != "GET":  # a page that looks by itself
                gate.touch(session)
            return None
        name = request.resolver_match.url_name if request.resolver_match else ""
        if name in OPEN[before]:
            return None
        if request.headers.get("Accept", "text/html").startswith("text/html"):  # a page, not what a script asks for
            return redirect(f"{reverse(before)}?{urlencode({'next': request.get_full_path()})}")
        return JsonResponse({"code": before, "detail": "Sign in again."}, status=401)
