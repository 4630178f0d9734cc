"""PDF by whatever is there: WeasyPrint, else Chromium, else a sentence that names the packages."""

import base64
import re
import shutil
import sys
import zlib
from importlib.resources import files

import pytest
from PIL import Image

from analysis.__main__ import main
from analysis.errors import InputError
from analysis.report import charter, pdf
from tests.analysis.test_charter import PROTOCOL

PAGE = charter.page(PROTOCOL)


def streams(content: bytes) -> bytes:
    """All that a PDF says, its streams unpacked."""
    parts = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    return content + b"".join(zlib.decompressobj().decompress(part) for part in parts if part[:1] == b"x")


def pages(content: bytes) -> list[tuple[float, float]]:
    """Width and height of each page, in points."""
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", streams(content))
    return [(float(width), float(height)) for width, height in boxes]


@pytest.fixture
def without_weasyprint(monkeypatch):
    """As where the libraries of the system are missing: the import itself fails."""
    for name in [name for name in sys.modules if name.split(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "weasyprint", None)


def test_weasyprint_prints_it_where_its_libraries_load():
    made = pdf.pdf(PAGE)
    assert made.startswith(b"%PDF")
    assert b"WeasyPrint" in streams(made)
    assert {(round(width), round(height)) for width, height in pages(made)} == {(595, 842)}
    letter = pdf.pdf(charter.page(PROTOCOL, paper="letter"))
    assert {(round(width), round(height)) for width, height in pages(letter)} == {(612, 792)}


@pytest.mark.browser
def test_chromium_prints_it_where_weasyprint_does_not_load(without_weasyprint):
    made = pdf.pdf(PAGE)
    assert made.startswith(b"%PDF")
    assert b"Skia" in streams(made)
    assert {(round(width), round(height)) for width, height in pages(made)} <= {(595, 842), (596, 842), (594, 842)}


def test_without_either_the_packages_are_named(without_weasyprint, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="libpango"):
        pdf.pdf(PAGE)
    (tmp_path / "p.json").write_text('{"comparisons": [], "criteria": []}')
    assert main(["charter", str(tmp_path / "p.json"), "--pdf", str(tmp_path / "p.pdf")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "libpango-1.0-0" in said
    assert "chromium" in said
    assert not (tmp_path / "p.pdf").exists()


def test_a_browser_that_makes_nothing_is_an_error_in_words(monkeypatch, without_weasyprint):
    monkeypatch.setattr(pdf, "BROWSERS", ("false",))
    with pytest.raises(InputError, match="false made no PDF"):
        pdf.pdf(PAGE)


def test_nothing_that_a_page_names_elsewhere_is_fetched(tmp_path):
    Image.new("RGB", (4, 4), "red").save(tmp_path / "a.png")
    inside = base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    assert b"/Image" in streams(pdf.pdf(f'<img alt="a" src="data:image/png;base64,{inside}">'))
    assert b"/Image" not in streams(pdf.pdf(f'<img alt="a" src="{(tmp_path / "a.png").as_uri()}">'))


def test_a_figure_takes_its_colours_from_the_style_of_the_page_to_paper():
    style = ":root{--arm-soc:#5d6166;--text-2:#444}\n"
    style += "svg text{font:11px system-ui;fill:var(--text-2)}\nsvg .soc{fill:var(--arm-soc)}"
    figure = '<svg viewBox="0 0 9 9" width="9"><rect class="soc" width="9" height="9"/></svg>'
    page = pdf.with_styled_figures(f"<style>{style}</style>{figure}")
    inside = page.partition("<svg")[2]
    assert "<style>text{font-size:11px;font-family:system-ui;fill:#444}.soc{fill:#5d6166}</style>" in inside
    assert b"0.364706" in streams(pdf.pdf(page))  # 0x5d of 255
    assert b"0.364706" not in streams(pdf.pdf(figure))


def test_the_cells_of_a_heat_map_have_their_shade_on_paper():
    style = (files("analysis.report") / "report.css").read_text(encoding="utf-8")
    cell = '<table class="heat"><tr><td class="h10">1</td></tr></table>'
    assert b"0.705882" in streams(pdf.pdf(f"<style>{style}</style>{cell}"))  # 180 of 255
    mixed = style.replace("#b4b4b4", "color-mix(in srgb,#444 40%,#fff)")
    assert mixed != style
    assert b"0.705882" not in streams(pdf.pdf(f"<style>{mixed}</style>{cell}"))  # what WeasyPrint does not know
