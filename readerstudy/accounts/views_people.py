"""The accounts of the site, and what each may do on it: for who sees accounts."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.accounts import events, invitations, proofs, selectors, services
from readerstudy.accounts.models import SiteRole, User
from readerstudy.accounts.views_account import AccountRequest

PAGE = 50


def _ensure_sees_accounts(request: AccountRequest) -> None:
    if not request.user.may(SiteRole.SEES_ACCOUNTS):
        raise Http404


@never_cache
@login_required
def site_people(request: AccountRequest) -> HttpResponse:
    """Every account by name, and what was done with accounts."""
    _ensure_sees_accounts(request)
    return _page(request)


def _page(request: AccountRequest, **more) -> HttpResponse:
    pages = Paginator(selectors.accounts(request.GET.get("q", "").strip()), PAGE)
    return render(
        request,
        "accounts/people.html",
        {
            "page": pages.get_page(request.GET.get("page")),
            "roles": SiteRole.choices,
            "q": request.GET.get("q", ""),
            "log": events.of()[:PAGE],
            **more,
        },
    )


@never_cache
@require_POST
@login_required
def change_account(request: AccountRequest, account: int) -> HttpResponse:
    """One thing about one account, after a proof: a role, open or closed, a new link, no second factor."""
    _ensure_sees_accounts(request)
    if not proofs.is_open(request):
        messages.info(request, "Show first that it is you; then do it again.")
        return redirect(f"{reverse('prove')}?{urlencode({'next': reverse('site_people')})}")
    user, actor = get_object_or_404(User, pk=account), request.user
    do = request.POST.get("do", "")
    try:
        if user.is_superuser and not actor.is_superuser:
            raise InputError(f"{user} may do everything here: only who may do so too changes that account.")
        if do in SiteRole.values:
            services.set_site_role(user=user, role=do, on=request.POST.get("on") == "1", actor=actor)
        elif do in ("close", "open"):
            services.set_active(user=user, on=do == "open", actor=actor)
        elif do == "link":
            token = invitations.invite(user=user, actor=actor)
            return _page(request, person=user, **invitations.hand_out(request, user=user, token=token))
        elif do == "no_second_factor":
            services.remove_second_factor(user=user, actor=actor)
    except InputError as error:
        messages.error(request, str(error))
    return redirect("site_people")
