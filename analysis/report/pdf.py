"""A page of a report as PDF: by WeasyPrint where its libraries load, else by the Chromium that is there.

Neither asks a network for anything: the pages are complete in themselves, and what names another address gets nothing.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from analysis.errors import InputError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
SECONDS = 300
VARIABLE = re.compile(r"--([\w-]+):([^;}]+)")
RULE = re.compile(r"(?:^|\n)(?:svg )([^{}]+)\{([^{}]+)\}")


def pdf(page: str) -> bytes:
    """The PDF of a page of HTML that needs nothing but itself.

    Raises
    ------
    InputError
        Where neither WeasyPrint nor Chromium is there; it names the packages.
    """
    printer = weasyprint()
    if printer is not None:
        within = printer.urls.URLFetcher(allowed_protocols=["data"])
        return bytes(printer.HTML(string=with_styled_figures(page), url_fetcher=within).write_pdf(pdf_tags=True))
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is not None:
        return _printed_by(browser, page)
    raise InputError(
        "A PDF needs WeasyPrint with the libraries of Pango (pip install weasyprint; apt-get install "
        f"{PACKAGES}) or a Chromium (apt-get install chromium); neither is here."
    )


def weasyprint() -> Any:
    """The library, or None where it or a library of the system that it needs is missing."""
    try:
        import weasyprint
    except (ImportError, OSError):
        return None
    return weasyprint


def with_styled_figures(page: str) -> str:
    """The page with the rules of its style sheet for figures inside each figure: WeasyPrint draws a figure as an image
    of its own, which the page's style does not reach."""
    variables = dict(VARIABLE.findall(page))
    rules = [f"{names}{{{_plain(body, variables)}}}" for names, body in RULE.findall(page)]
    style = f"<style>{''.join(rules)}</style>"
    return re.sub(r"(<svg\b[^>]*>)", lambda found: found[1] + style, page)


def _plain(body: str, variables: dict[str, str]) -> str:
    """A rule without variables and without the short form of fonts."""
    body = re.sub(r"var\(--([\w-]+)\)", lambda found: variables.get(found[1], "inherit"), body)
    return re.sub(r"font:\s*(\w+) ([^;}]+)", r"font-size:\1;font-family:\2", body)


def _printed_by(browser: str, page: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, encoding="utf-8")
        command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder}/own"]
        command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--print-to-pdf={out}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")
        try:
            said = subprocess.run([*command, source.as_uri()], capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise InputError(f"{Path(browser).name} made no PDF: {type(problem).__name__}.") from None
        if not out.is_file():
            last = (said.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
            raise InputError(f"{Path(browser).name} made no PDF: {last[:200]}")
        return out.read_bytes()
