"""Off to the provider of OpenID Connect, and back."""

from urllib.parse import urlencode

from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from readerstudy.accounts import oidc, proofs


class Provider(OpenIDConnectOAuth2Adapter):
    """The signature of every ID token is looked at, also of one that came straight from the provider."""

    def _decode_id_token(self, app, id_token: str) -> dict:
        self.did_fetch_access_token = False
        return super()._decode_id_token(app, id_token)


def _provider(request: HttpRequest, provider_id: str) -> Provider:
    if not oidc.is_there() or provider_id != oidc.PROVIDER:
        raise Http404
    return Provider(request, provider_id)


def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Off to the provider. What is to be connected is not kept for a later proof, which may be another person's."""
    if request.GET.get("process") == AuthProcess.CONNECT and not proofs.is_open(request):
        return redirect(f"{reverse('prove')}?{urlencode({'next': request.get_full_path()})}")
    try:
        return OAuth2LoginView.adapter_view(_provider(request, provider_id))(request)
    except OSError:  # also whatever a request over the network raises
        messages.error(request, "The other sign-in does not answer. Try again in a moment, or use another way.")
        return redirect("account" if request.user.is_authenticated else "login")


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from it."""
    return OAuth2CallbackView.adapter_view(_provider(request, provider_id))(request)
