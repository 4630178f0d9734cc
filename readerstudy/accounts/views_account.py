"""The own account: name and address, password, second factor, where one is signed in; proving again, and the lock."""

from allauth.account.internal.flows.reauthentication import resume_request
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.flows import remove_authenticator
from allauth.mfa.webauthn.views import AddWebAuthnView
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from processing.errors import InputError
from readerstudy.accounts import events, gate, oidc, passkeys, proofs, second_factor, services
from readerstudy.accounts.forms import AddressForm, as_inputs
from readerstudy.accounts.models import User


class AccountRequest(HttpRequest):
    """Of somebody who is signed in."""

    user: User


@never_cache
@login_required
def account(request: AccountRequest) -> HttpResponse:
    """All of the own account on one page."""
    user = User.objects.get(pk=request.user.pk)
    form = AddressForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        if form.has_changed():
            if not proofs.is_open(request):  # a link for a forgotten password goes to this address
                return redirect(f"{reverse('prove')}?next={reverse('account')}")
            form.save()
            events.note(user=user, what=f"changed {', '.join(sorted(form.changed_data))}", actor=user)
        return redirect("account")
    sessions = UserSession.objects.purge_and_list(request.user)
    return render(
        request,
        "accounts/account.html",
        {
            "form": form,
            "sessions": sorted(sessions, key=lambda one: one.last_seen_at, reverse=True),
            "codes": second_factor.has_codes(user),
            "passkeys": second_factor.passkeys(user),
            "passkeys_possible": passkeys.are_possible(request),
            "left": second_factor.recovery_codes_left(user),
            "connect": oidc.address("connect") if oidc.is_there() else "",
            "connected": oidc.is_connected(user),
            "wanted": second_factor.is_wanted(user),
            "log": events.of(user)[:20],
        },
    )


class ChangePassword(auth_views.PasswordChangeView):
    success_url = reverse_lazy("home")

    def get_form(self, form_class=None):
        form = super().get_form(form_class)
        as_inputs(form)
        return form

    def form_valid(self, form) -> HttpResponse:
        form.user.must_change_password = False
        answer = super().form_valid(form)
        self.request.session[gate.PASSWORD] = False
        services.end_sessions(user=form.user, but=self.request.session.session_key or "")
        UserSession.objects.create_from_request(self.request)
        events.note(user=form.user, what="changed the password", actor=form.user)
        return answer


@require_POST
@login_required
def end_session(request: AccountRequest) -> HttpResponse:
    """End one session of one's own, or all but this one."""
    if (number := request.POST.get("session", "")).isdecimal():
        for one in UserSession.objects.filter(user=request.user, pk=number):
            one.end()
    else:
        services.end_sessions(user=request.user, but=request.session.session_key or "")
    return redirect("account")


@never_cache
@login_required
def add_passkey(request: AccountRequest) -> HttpResponse:
    """Make a passkey, where browsers make them."""
    if not passkeys.are_possible(request):
        raise Http404
    return AddWebAuthnView.as_view()(request)


@require_POST
@login_required
def end_passkey(request: AccountRequest, passkey: int) -> HttpResponse:
    """Take a passkey of one's own away."""
    found = get_object_or_404(Authenticator, user=request.user, type=Authenticator.Type.WEBAUTHN, pk=passkey)
    if second_factor.may_end(found):
        remove_authenticator(request, found)
    else:
        messages.error(request, "One of your roles needs a second factor here. Set up another one first.")
    return redirect("account")


def _next(request: HttpRequest) -> str:
    asked = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return asked if safe else reverse("home")


@never_cache
@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: AccountRequest) -> HttpResponse:
    """Show again who one is, then go on with what asked for it."""
    if request.method == "POST":
        try:
            proof = proofs.prove(request)
        except InputError as error:
            messages.error(request, str(error))
        else:
            proofs.remember(request, proof.how)
            return resume_request(request) or redirect(_next(request))
    return render(request, "accounts/prove.html", {"next": _next(request), "ways": proofs.ways(request)})


def _wants_page(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "text/html").startswith("text/html")


@require_POST
@login_required
def lock(request: AccountRequest) -> HttpResponse:
    """Nobody has touched the page for a while, or its person leaves: nothing more without a proof."""
    gate.lock(request.session)
    request.session.pop(proofs.STATE, None)
    return redirect(f"{reverse('unlock')}?next={_next(request)}") if _wants_page(request) else HttpResponse(status=204)


@require_POST
@login_required
def here(request: AccountRequest) -> HttpResponse:
    """Somebody is at the page, which has asked nothing of the site meanwhile. 409 if the page is another person's."""
    own = request.POST.get("user", request.user.username) == request.user.username
    return HttpResponse(status=204 if own else 409)


@never_cache
@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def unlock(request: AccountRequest) -> HttpResponse:
    """Go on after a pause. A page that stayed open names its person: it goes on for nobody else."""
    if request.method == "GET" and not gate.is_locked(request.session):
        return redirect(_next(request))
    said = ""
    if request.method == "POST":
        said = _unlocked(request)
        if not said:
            return redirect(_next(request)) if _wants_page(request) else HttpResponse(status=204)
        if not _wants_page(request):
            return JsonResponse({"detail": said}, status=400)
    return render(request, "accounts/unlock.html", {"next": _next(request), "ways": proofs.ways(request), "said": said})


def _unlocked(request: AccountRequest) -> str:
    """Unlock; returns what is wrong, "" if nothing is."""
    named = request.POST.get("user", request.user.username)
    if named != request.user.username:
        return f"Somebody else has signed in. This page goes on when {named} has signed in again."
    try:
        proofs.prove(request)
    except InputError as error:
        return str(error)
    gate.unlock(request.session, request.user)
    return ""
