"""Components of the pages: bars, arms, messages, times in words, addresses of tabs."""

from datetime import timedelta

from django import template
from django.contrib.messages import get_messages
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from readerstudy.accounts.permissions import FROZEN_WITH_IMAGES, OF_READERS

register = template.Library()

# tab, name of its address, action that opens it
TABS = [
    ("Overview", "study", "see_overview"),
    ("Protocol", "protocol", "see_protocol"),
    ("Material", "material", "see_material"),
    ("Jobs", "jobs", "see_jobs"),
    ("Images", "image_metrics", "see_material"),
    ("Reading", "reading_progress", "see_progress"),
    ("Results", "results", "see_results"),
    ("Log", "log", "see_log"),
]

WHY_NOT = {
    "edit_protocol": "Its protocol was frozen when the study was opened.",
    "write_briefing": "Nobody reads a briefing any more once the study is closed.",
    "add_material": "It takes no more series.",
    "amend": "Readers and cases are added while a study is open or paused.",
    "withdraw_subject": "A subject is withdrawn from an opened study, until it is locked.",
    "add_masks": "A locked study cannot change.",
    "keep_screening": "A locked study cannot change.",
    "type_scan_times": "A locked study cannot change.",
    "rehearse": "A dry run is for a draft.",
    "open_study": "It has been opened already.",
    "see_results": "Preferences stay closed until the study is closed, so that no reader can be influenced.",
    "import_tables": "A locked study cannot change.",
    "export": "Tables can be downloaded once the study is closed.",
    "unblind": "Unblinding is for a study that is being read; a closed one shows its arms in the results.",
    "see_schedule": "The schedule is made when the study is opened.",
    "remove_study": "A study that is being read cannot be removed: close it first.",
    "run_jobs": "A locked study cannot change.",
}
WHY_NOT_READ = {
    "draft": "It is not open yet. It will stand on your home page as soon as it is.",
    "paused": "The study is paused. What you have answered is kept; it goes on with the same pair.",
    "closed": "The study is closed. Thank you for your readings.",
    "locked": "The study is closed. Thank you for your readings.",
}


@register.simple_tag(takes_context=True)
def tabs(context) -> list[dict]:
    """The tabs of the study that this role has, in order; `now` marks the one that is open."""
    if not context.get("membership"):
        return []
    page = context.get("tab", "")
    found = []
    for name, address, action in TABS:
        if not context["has"][action]:
            continue
        try:
            url = reverse(address, args=[context["membership"].study.slug])
        except NoReverseMatch:
            continue
        found.append({"name": name, "url": url, "now": page == address})
    return found


@register.simple_tag
def why_not(study, action: str) -> str:
    """Why this cannot be done in the study's present state."""
    if study.images_only and action in OF_READERS:
        return "It compares images alone: nobody reads in it. What they say stands under Images."
    if study.images_only and action in FROZEN_WITH_IMAGES:
        return "Opening froze its series, volumes of interest and settings."
    if action == "read":
        return WHY_NOT_READ[study.state]
    return WHY_NOT.get(action, "The study's present state does not allow it.")


@register.inclusion_tag("messages.html", takes_context=True)
def messages(context, place: str = "") -> dict:
    """Messages that belong to one place of the page: those whose extra tag names it."""
    request = context.get("request")
    if request is None:
        return {"messages": []}
    if not hasattr(request, "messages_to_show"):
        request.messages_to_show = list(get_messages(request))
    return {"messages": [one for one in request.messages_to_show if (one.extra_tags or "") == place]}


@register.simple_tag
def bar(done: float, total: float, *, running: float = 0, failed: float = 0, kind: str = "", thick: bool = False):
    """How much of `total` is done, running and failed; said in words to who cannot see it."""
    if not total:
        done = running = failed = 0
    shares = [(kind, done), ("run", running), ("bad", failed)]
    start, parts = 0.0, []
    for name, count in shares:
        width = 100 * count / total if total else 0
        if width:
            parts.append((f"{start:.2f}%", f"{width:.2f}%", name))
        start += width
    return format_html(
        '<svg class="bar{}" role="img" aria-label="{} of {}">{}</svg>',
        " thick" if thick else "",
        f"{done:.0f}",
        f"{total:.0f}",
        format_html_join("", '<rect x="{}" width="{}" height="100%" class="{}"/>', parts),
    )


@register.simple_tag
def arm(arm) -> str:
    """The code of an arm beside its colour."""
    return format_html('<span class="arm {}">{}</span>', arm.css, arm.code)


@register.simple_tag
def not_available(reason: str) -> str:
    """n/a instead of a number; why is in the tooltip."""
    return format_html('<span class="dim3" title="{}">n/a</span>', reason)


@register.filter
def in_words(seconds: float | timedelta | None) -> str:
    """A duration: 18 s, 6 min, 1 h 20 min; empty while unknown."""
    if seconds is None:
        return ""
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    if seconds < 100:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


@register.filter
def ago(moment) -> str:
    """How long ago in words: 2 s ago."""
    return f"{in_words(timezone.now() - moment)} ago" if moment else ""


@register.filter
def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


@register.filter
def count(number: int, noun: str) -> str:
    """1 case, 2 cases, no case. The plural is the noun with s, or given after a comma: `series,series`."""
    one, _, many = noun.partition(",")
    return f"{number:,} {one if number == 1 else many or one + 's'}" if number else f"no {one}"


@register.filter
def get(mapping: dict, key):
    return mapping.get(key)


@register.filter
def has(user, role: str) -> bool:
    """Whether an account has this role of the site."""
    return user.may(role)


@register.filter
def minus(number: float, other: float) -> float:
    return number - other
