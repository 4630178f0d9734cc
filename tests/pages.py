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
