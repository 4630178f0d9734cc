"""Off to the provider of OpenID Connect, and back."""

from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import Http404, HttpRequest, HttpResponse

from readerstudy.accounts import oidc


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
    """Off to the provider."""
    return OAuth2LoginView.adapter_view(_provider(request, provider_id))(request)


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from it."""
    return OAuth2CallbackView.adapter_view(_provider(request, provider_id))(request)
