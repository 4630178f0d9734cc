"""What admins and readers write to each other: each reader sees the own letters alone."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from processing.errors import InputError
from readerstudy.accounts import mail
from readerstudy.accounts.models import Membership, Role
from readerstudy.accounts.permissions import may
from readerstudy.letters import selectors, services
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.selectors import progress_of

SUBJECT = "A letter about your reading"


@never_cache
@study_page("see_letters")
@require_http_methods(["GET", "HEAD", "POST"])
def letters(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """All that was written, the latest first; write something."""
    member, problem = request.membership, ""
    if request.method == "POST":
        try:
            if not may(member, "write_letters"):
                raise InputError("Nothing is written while the study is as it is.")
            reader = _reader(study, member, request.POST.get("reader", ""))
            services.write(sender=member, reader=reader, text=request.POST.get("text", ""))
        except InputError as error:
            problem = str(error)
        else:
            if member.role == Role.ADMIN:
                _tell(request, reader)
            return redirect("letters", study.slug)
    blind = member.role == Role.READER
    readers = [] if blind else list(study.memberships.filter(role=Role.READER).select_related("user"))
    numbers = progress_of(readers)
    context = {
        "study": study,
        "may_write": may(member, "write_letters"),
        "letters": selectors.letters(study, member.code),
        "waiting": selectors.waits_for_reader(member) if blind else selectors.waiting_for_admin(study),
        "readers": [(one, numbers[one.pk]) for one in readers],
        "problem": problem,
        "text": request.POST.get("text", ""),
        "longest": services.LONGEST,
    }
    page = "letters/of_reader.html" if blind else "letters/of_study.html"
    return render(request, page, context, status=422 if problem else 200)


@study_page("write_letters")
@require_POST
def note(request: StudyRequest, study: ReaderStudy, reader: str) -> HttpResponse:
    """The last letter was read, and nothing more is to be said."""
    try:
        services.note(sender=request.membership, reader=_reader(study, request.membership, reader))
    except InputError as error:
        messages.error(request, str(error))
    return redirect("letters", study.slug)


def _reader(study: ReaderStudy, member: Membership, code: str) -> Membership:
    """Whose letters these are: a reader's own, whatever is asked."""
    if member.role == Role.READER:
        if code not in ("", member.code):
            raise Http404
        return member
    return get_object_or_404(
        Membership.objects.select_related("study", "user"), study=study, code=code, role=Role.READER
    )


def _tell(request: StudyRequest, reader: Membership) -> None:
    """A mail that says that something was written, not what."""
    if not reader.user.email:
        return
    link = request.build_absolute_uri(reverse("letters", args=[reader.study.slug]))
    context = {"user": reader.user, "title": reader.study.reader_title, "link": link}
    try:
        mail.send(to=reader.user.email, subject=SUBJECT, template="letters/letter.txt", context=context)
    except InputError:
        messages.warning(request, "It stands on the reader's page, but no mail could be sent.")
