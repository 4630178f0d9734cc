"""The page of one's own tokens."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.accounts import proofs
from readerstudy.api import tokens as services
from readerstudy.api.models import Scope, Token
from readerstudy.protocol.access import SignedInRequest


@never_cache
@login_required
def tokens(request: SignedInRequest) -> HttpResponse:
    """Tokens that are good, and a form for a new one, whose words are shown once."""
    if not proofs.is_open(request):
        return redirect(f"{reverse('prove')}?next={reverse('tokens')}")
    members = {str(one.pk): one for one in request.user.memberships.select_related("study").order_by("study__title")}
    context: dict = {"asked": request.POST, "chosen": request.POST.getlist("scope")}
    status = 200
    if request.method == "POST":
        asked = request.POST
        try:
            if (member := members.get(asked.get("study", ""))) is None:
                raise InputError("Choose a study.")
            days = int(asked["days"]) if asked.get("days", "").isdecimal() else 0
            context["token"], context["words"] = services.make(
                member=member, name=asked.get("name", ""), scopes=asked.getlist("scope"), days=days
            )
            context |= {"asked": {}, "chosen": []}
        except InputError as error:
            context["problem"], status = str(error), 422
    context |= {"members": members.values(), "scopes": Scope.choices, "days": services.DAYS}
    return render(request, "api/tokens.html", context | {"tokens": services.of(request.user)}, status=status)


@require_POST
@login_required
def end_token(request: SignedInRequest, token: int) -> HttpResponse:
    """From now on it opens nothing."""
    services.end(token=get_object_or_404(Token, user=request.user, pk=token), actor=request.user)
    return redirect("tokens")
