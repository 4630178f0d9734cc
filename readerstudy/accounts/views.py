"""Sign in, and the home page: what to do next."""

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache

from readerstudy.accounts import selectors
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
        accounts = selectors.demo_accounts() if settings.DEMO else []
        return super().get_context_data(chosen=self.chosen, accounts=accounts, next=self.get_redirect_url(), **kwargs)


class ChangePassword(auth_views.PasswordChangeView):
    success_url = reverse_lazy("home")

    def get_form(self, form_class=None):
        form = super().get_form(form_class)
        for field in form.fields.values():
            field.widget.attrs["class"] = "input"
            field.help_text = ""
        return form


@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Readings, to-do list and studies, whichever this person has."""
    readings = selectors.readings_of(request.user)
    rows = selectors.studies_of(request.user)
    studies = [row["study"] for row in rows]
    context = {
        "first": readings[0] if readings and readings[0]["stage"] == "open" else None,
        "readings": readings[1:] if readings and readings[0]["stage"] == "open" else readings,
        "rows": rows,
        "tasks": selectors.tasks_of(rows),
        "may_create": request.user.is_staff,
    }
    if mine := [row["study"] for row in rows if row["role"] == "admin"]:
        context |= {
            "alarms": selectors.alarms(mine),
            "week": selectors.reading_this_week(studies),
            "lately": selectors.lately(studies),
            "machine": selectors.machine(studies),
        }
    return render(request, "home/home.html", context)
