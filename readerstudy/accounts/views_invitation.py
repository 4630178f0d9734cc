"""Follow a link to set a password; ask for one."""

from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from processing.errors import InputError
from readerstudy.accounts import invitations
from readerstudy.accounts.forms import OwnPasswordForm

NAMES = ("first_name", "last_name")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The person whom the link is for sets name and password; then signs in."""
    found = invitations.found(token)
    if found is None:
        return render(request, "accounts/invitation_over.html", status=410)
    form = OwnPasswordForm(found.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        names = {name: given[name] for name in NAMES if name in given}
        try:
            invitations.take_up(invitation=found, password=given["new_password1"], **names)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"Your password is set. Sign in as {found.user.username}.")
            return redirect("login")
    return render(request, "accounts/invitation.html", {"form": form, "person": found.user})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail. The answer is the same whoever asks."""
    sent = False
    if request.method == "POST" and (name := request.POST.get("name", "").strip()):
        if ratelimit.consume(request, action="reset_password", key=name.lower()):
            invitations.send_forgotten(request, name)
        sent = True
    return render(request, "accounts/forgotten.html", {"sent": sent})
