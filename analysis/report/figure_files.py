"""Figures as files for a journal: SVG, PDF or PNG of a chosen width, in the colours of paper, letters inside.

A figure keeps the proportions that it has on the page. Its edges move out to hold every letter, however long a name is.
"""

import base64
import io
import logging
import math
import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import unescape
from pathlib import Path

from analysis.errors import InputError
from analysis.report import pdf

FORMS = ("svg", "pdf", "png")
WIDTHS = (85.0, 170.0)  # mm: one column, two columns
NARROWEST, WIDEST = 20.0, 400.0  # mm
RESOLUTIONS = (300, 600)  # dots per inch
COARSEST, FINEST = 72, 1200
EDGE = 4.0  # pixels around everything that is drawn
LETTER = 11.0  # pixels: the size of letters in a figure
SMALLEST = 6.0  # points: of letters on paper
FONTS = "apt-get install fonts-noto-core fonts-noto-cjk"
STYLE = Path(__file__).with_name("report.css")
# A figure of a page stands in an element named so.
PLACED = re.compile(r'id="figure-([\w-]+)"[^>]*>(?:(?!id="figure-).)*?(<svg\b.*?</svg>)', re.DOTALL)
TEXT = re.compile(r'<text x="(-?[\d.]+)" y="(-?[\d.]+)"(?: text-anchor="(\w+)")?[^>]*>([^<]*)</text>')
BOX = re.compile(r'<svg width="([\d.]+)" height="([\d.]+)" viewBox="[^"]*" overflow="visible"')
logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every step
_one_at_a_time = threading.Lock()  # PDFium works in one thread


def of_page(page: str) -> dict[str, str]:
    """Every figure of a page by its name, as the page draws it."""
    return dict(PLACED.findall(page))


def room(width: float) -> float:
    """How many pixels wide a figure is to be drawn (``svg.drawn_for``) so that its letters are large enough on a paper
    of this width in mm; some of it is for letters that stand out."""
    return width / 25.4 * 72 * LETTER / SMALLEST * 0.93 - 2 * EDGE


def letters(figure: str, width: float) -> float:
    """The size in points that letters of a figure have on a paper of this width in mm."""
    left, _, right, _ = _box(figure)
    return LETTER * width / 25.4 * 72 / (right - left)


def ensure_readable(figure: str, width: float) -> None:
    """InputError, naming the width that it needs, where letters of a figure would be too small on paper."""
    if (size := letters(figure, width)) < SMALLEST:
        needed = math.ceil(width * SMALLEST / size)
        said = f"At {width:g} mm the letters of this figure would be {size:.1f} points high"
        raise InputError(f"{said}; at {needed} mm they are {SMALLEST:g}.")


def ensure_possible(form: str, *, width: float, dpi: int) -> None:
    """InputError for a form, width or dpi that no figure has."""
    if form not in FORMS:
        raise InputError(f"The form of a figure is one of {', '.join(FORMS)}, not {form!r}.")
    if not NARROWEST <= width <= WIDEST:
        raise InputError(f"The width of a figure is {NARROWEST:g} to {WIDEST:g} mm, not {width:g}.")
    if not COARSEST <= dpi <= FINEST:
        raise InputError(f"A figure has {COARSEST} to {FINEST} dots per inch, not {dpi:g}.")


def made(figure: str, form: str, *, width: float = WIDTHS[0], dpi: int = RESOLUTIONS[0]) -> bytes:
    """The file of a figure.

    Parameters
    ----------
    figure
        SVG as ``analysis.report.svg.figure`` makes it.
    form
        One of ``FORMS``.
    width
        In mm, with the edges.
    dpi
        Of a PNG, in dots per inch.

    Raises
    ------
    InputError
        For another form, width or dpi; where nothing can print; where no font has a letter of the figure.
    """
    ensure_possible(form, width=width, dpi=dpi)
    drawn, height = _on_paper(figure, width)
    if form == "svg":
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{_with_fonts(drawn, width, height)}\n'.encode()
    with _no_letter_missing():
        printed = pdf.pdf(_page(drawn, width, height))
    return printed if form == "pdf" else _png(printed, width, dpi)


def _on_paper(figure: str, width: float) -> tuple[str, float]:
    """The figure with all that it needs, and its height in mm."""
    left, top, right, bottom = _box(figure)
    height = width * (bottom - top) / (right - left)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:.2f}mm" '
        f'viewBox="{left:.1f} {top:.1f} {right - left:.1f} {bottom - top:.1f}"'
    )
    ground = f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" fill="#fff"/>'
    opened, rest = (head + BOX.sub("", figure, count=1)).split(">", 1)
    style = f"<style>{STYLE.read_text(encoding='utf-8')}</style>"
    styled = pdf.with_styled_figures(f"{style}{opened}>{ground}{rest}")
    return styled[len(style) :], height


def _box(figure: str) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of all that a figure draws, in pixels. InputError if it is none."""
    found = BOX.match(figure)
    if found is None:
        raise InputError("This is no figure of a report.")
    right, bottom = float(found[1]), float(found[2])
    left = top = 0.0
    for x, y, anchor, words in TEXT.findall(figure):
        long = _length(unescape(words))
        start = float(x) - long * {"": 0.0, "middle": 0.5, "end": 1.0}[anchor]
        left, right = min(left, start), max(right, start + long)
        top, bottom = min(top, float(y) - LETTER), max(bottom, float(y) + LETTER / 3)
    return left - EDGE, top - EDGE, right + EDGE, bottom + EDGE


def _length(words: str) -> float:
    """At least as many pixels as these words are long."""
    return sum(LETTER * _share(letter) for letter in words)


@cache
def _share(letter: str) -> float:
    """What part of its height a letter is wide, in a wide font."""
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF" or letter in "@%MWmwЖШЩЮжшщю—…":
        return 1.02
    return 0.8 if letter.isupper() or not letter.isascii() else 0.66


def _page(drawn: str, width: float, height: float) -> str:
    paper = f"@page{{size:{width:g}mm {height + 0.05:.2f}mm;margin:0}}html,body{{margin:0}}svg{{display:block}}"
    return f'<!DOCTYPE html><html lang="en"><head><title>Figure</title><style>{paper}</style></head><body>{drawn}'


def _png(printed: bytes, width: float, dpi: int) -> bytes:
    import pypdfium2  # numbers are made without it

    with _one_at_a_time:
        document = pypdfium2.PdfDocument(printed)
        picture = document[0].render(scale=dpi / 72).to_pil().convert("RGB")
        document.close()
    pixels = round(width / 25.4 * dpi)  # a page may be a fraction of a point wider
    picture = picture.crop((0, 0, pixels, picture.height))
    file = io.BytesIO()
    picture.save(file, "PNG", dpi=(dpi, dpi), optimize=True)
    return file.getvalue()


@contextmanager
def _no_letter_missing() -> Iterator[None]:
    """InputError where a letter was drawn as an empty box."""
    missing: dict[str, None] = {}
    here = threading.get_ident()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == here and "notdef" in str(record.msg) and record.args:
                missing[str(record.args[0])] = None  # type: ignore[index]

    listener, log = Listener(), logging.getLogger("weasyprint")
    log.addHandler(listener)
    try:
        yield
    finally:
        log.removeHandler(listener)
    if missing:
        raise InputError(f"No font here has {' '.join(missing)}: install one that has ({FONTS}).")


def _with_fonts(drawn: str, width: float, height: float) -> str:
    """The SVG with those letters of the fonts that it uses, and no other family asked for."""
    weasyprint = pdf.weasyprint()
    if weasyprint is None:
        raise InputError(f"Letters inside an SVG need WeasyPrint with its libraries (apt-get install {pdf.PACKAGES}).")
    document = weasyprint.HTML(string=_page(drawn, width, height)).render()
    with _no_letter_missing():
        document.write_pdf(full_fonts=True)
    letters = {ord(letter) for *_, words in TEXT.findall(drawn) for letter in unescape(words)}
    faces, families = [], []
    for number, font in enumerate(document.fonts.values()):
        families.append(f"figure-{number}")
        inside = base64.b64encode(_part_of(font.file_content, font.index, letters)).decode()
        source = f"url(data:font/woff2;base64,{inside})format('woff2')"
        faces.append(f"@font-face{{font-family:{families[-1]};src:{source}}}")
    rule = f"text{{font-family:{','.join([*families, 'sans-serif'])}}}"
    return drawn.replace("</style>", f"{rule}{''.join(faces)}</style>", 1)


def _part_of(file: bytes, number: int, letters: set[int]) -> bytes:
    """The font as WOFF2, with what these letters need and nothing else."""
    from fontTools import subset  # numbers are made without it
    from fontTools.ttLib import TTFont

    options = subset.Options(flavor="woff2", layout_features=["*"], notdef_outline=True)
    options.drop_tables += ["FFTM"]
    font = TTFont(io.BytesIO(file), fontNumber=number)
    picked = subset.Subsetter(options)
    picked.populate(unicodes=letters)
    picked.subset(font)
    font.flavor = "woff2"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()
