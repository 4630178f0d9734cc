"""Pages as a browser reads them: how a template breaks its lines is no matter."""

import re

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
