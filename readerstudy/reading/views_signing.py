"""A reader signs what has been read."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from processing.errors import InputError
from readerstudy.accounts import proofs
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import selectors, signatures


@never_cache
@sensitive_post_parameters("password")
@study_page("sign")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_reading(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """What will be signed; with a proof it is."""
    member = request.membership
    if request.method == "POST":
        try:
            signatures.sign(member=member, proof=proofs.prove(request))
            messages.success(request, "Signed. Thank you.", extra_tags="sign")
        except InputError as error:
            messages.error(request, str(error), extra_tags="sign")
        return redirect("sign_reading", study.slug)
    shown = {"reader_title": study.reader_title, "slug": study.slug, "synthetic": study.synthetic}
    return render(
        request,
        "reading/sign.html",
        {
            "study": shown,
            "parts": signatures.to_sign(member),
            "meaning": signatures.MEANING,
            "signed": member.signatures.order_by("part"),
            "ways": proofs.ways(request),
            "progress": selectors.progress(member),
        },
    )
