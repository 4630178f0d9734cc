"""Pages as a browser reads them: how a template breaks its lines is no matter."""

import re

from django.urls import URLResolver, get_resolver

# Elements that swallow the white space at their edges.
BLOCK = re.compile(
    r"\s*(</?(?:html|head|title|body|main|section|form|fieldset|div|p|h[1-3]|[duo]l|li|d[td]|option"
    r"|table|caption|thead|tbody|tr|t[hd])\b[^>]*>)\s*"
)


def html(answer) -> str:
    """The HTML of an answer, white space as a browser shows it."""
    collapsed = re.sub(r"\s+", " ", answer.content.decode()).replace(" >", ">")
    return BLOCK.sub(r"\1", collapsed)


def fields(page: str) -> dict[str, str]:
    """What a browser would send of the forms of a page, unchanged."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input [^>]*>", page):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("type") != "checkbox" or " checked" in tag:
            found[attributes.get("name", "")] = attributes.get("value", "")
    for name, body in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = chosen.group(1) if chosen else ""
    for name, body in re.findall(r'<textarea name="([^"]+)".*?>(.*?)</textarea>', page, re.S):
        found[name] = body.strip().replace("\n", "\r\n")
    return found


def addresses(slug: str) -> list[str]:
    """Every address of the site that needs no more than the address of a study."""

    def below(patterns, prefix: str, needed: frozenset[str]):
        for one in patterns:
            route, names = str(one.pattern), needed | set(one.pattern.converters)
            if isinstance(one, URLResolver):
                yield from below(one.url_patterns, prefix + route, names)
            elif names <= {"slug"}:
                yield "/" + re.sub(r"<(?:\w+:)?slug>", slug, prefix + route)

    found = below(get_resolver().url_patterns, "", frozenset())
    return sorted({one for one in found if not re.search(r"[<(^\\]", one)})
