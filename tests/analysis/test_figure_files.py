"""Figures as files: size, letters, nothing cut off; told apart without colour."""

import base64
import ctypes
import io
import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from fontTools.ttLib import TTFont
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from analysis import stability, tables
from analysis.__main__ import main
from analysis.errors import InputError
from analysis.report import (
    box_figures,
    feature_figures,
    figure_files,
    figures,
    plan_figures,
    stability_figures,
    svg,
    training_figures,
)

COLOURS = {"SOC": "soc", "FAST": "fast", "FAST-DL": "fastdl", "SOC-DL": "socdl", "FAST 2": "fast2"}
LONG = "Ωμέγα·Жёлтый·Größe·ħ·"
MISSING = "\U0010ff00"  # no font has it
ROWS = [
    {"label": f"{LONG}{LONG}", "arm": "FAST", "values": [0.95, 0.97, 0.975, 0.99]},
    {"label": "SOC & <FAST>", "arm": "SOC", "values": [0.98, 0.99]},
]
FIGURE = figures.distribution(ROWS, colours=COLOURS, digits=3, top_value=1)


def embedded(document: pypdfium2.PdfDocument) -> list[bool]:
    """Of each piece of text, whether the PDF holds its font, as PDFium says."""
    texts = document[0].get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT])
    return [pdfium.FPDFFont_GetIsEmbedded(pdfium.FPDFTextObj_GetFont(text)) == 1 for text in texts]


def frame(picture: Image.Image) -> int:
    """The darkest value within two pixels of an edge."""
    pixels = np.asarray(picture.convert("L"))
    return min(int(edge.min()) for edge in (pixels[:2], pixels[-2:], pixels[:, :2], pixels[:, -2:]))


@pytest.mark.parametrize("width", [85.0, 170.0, 61.5])
def test_a_pdf_has_its_width_one_page_and_every_letter_inside(width):
    document = pypdfium2.PdfDocument(figure_files.made(FIGURE, "pdf", width=width))
    assert len(document) == 1
    assert document[0].get_width() == pytest.approx(width / 25.4 * 72, abs=0.1)
    fonts = embedded(document)
    assert fonts
    assert all(fonts)
    said = document[0].get_textpage().get_text_range()
    assert LONG in said
    assert "SOC & <FAST>" in said


def test_a_png_has_its_dots_and_nothing_is_cut_off(monkeypatch):
    for dpi in (300, 600):
        picture = Image.open(io.BytesIO(figure_files.made(FIGURE, "png", width=85, dpi=dpi)))
        assert picture.width == round(85 / 25.4 * dpi)
        assert picture.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)
        assert frame(picture) == 255
    # as it would be without room for its letters
    far = svg.figure(60, 20, "", [svg.text(40, 12, LONG)])
    assert frame(Image.open(io.BytesIO(figure_files.made(far, "png")))) == 255
    monkeypatch.setattr(figure_files, "_length", lambda words: 0.0)
    assert frame(Image.open(io.BytesIO(figure_files.made(far, "png")))) < 200


def test_an_svg_carries_the_letters_that_it_uses_and_asks_for_nothing_else():
    text = figure_files.made(FIGURE, "svg", width=85).decode()
    root = ET.fromstring(text)
    assert root.get("width") == "85mm"
    fonts = [TTFont(io.BytesIO(base64.b64decode(part))) for part in re.findall(r"woff2;base64,([^)]+)\)", text)]
    assert fonts
    held = {letter for font in fonts for letter in font.getBestCmap()}
    assert {ord(letter) for letter in LONG} <= held
    assert len(held) < 200
    assert re.findall(r"url\((?!data:)|href|@import|<script", text) == []


@pytest.mark.parametrize("form", figure_files.FORMS)
def test_a_letter_that_no_font_has_is_refused_and_named_not_drawn_as_a_box(form):
    with pytest.raises(InputError, match=f"has {MISSING}: install.*fonts-noto"):
        figure_files.made(FIGURE.replace("SOC", f"S{MISSING}C"), form)


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"form": "gif"}, "svg, pdf, png"), ({"form": "pdf", "width": 4000}, "mm"), ({"form": "png", "dpi": 9}, "dots")],
)
def test_what_is_asked_for_wrongly_is_said_in_words(asked, said):
    with pytest.raises(InputError, match=said):
        figure_files.made(FIGURE, **asked)


def test_the_command_writes_every_figure_of_its_page(tmp_path):
    features = tmp_path / "features.csv"
    rng = np.random.default_rng(0)
    lines = [
        f"S{subject},lesion,{arm},{name},{rng.normal():.4f}"
        for subject in range(6)
        for arm in ("SOC", "FAST")
        for name in ("glcm_Contrast", "glcm_Idm")
    ]
    features.write_text("subject,roi,arm,feature,value\n" + "\n".join(lines) + "\n")
    command = ["stability", str(features), "--reference", "SOC", "--figures", str(tmp_path / "out")]
    assert main([*command, "--format", "png", "--width", "85", "--dpi", "150"]) == 0
    made = sorted((tmp_path / "out").iterdir())
    assert len(made) >= 2
    assert {Image.open(file).width for file in made} == {round(85 / 25.4 * 150)}


# Machado, Oliveira & Fernandes 2009, table 1, severity 1.0; on linear RGB. Grey: luminance of sRGB, IEC 61966-2-1.
SEEN = {
    "three cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    "grey": [[0.2126, 0.7152, 0.0722]] * 3,
}
APART = 10.0  # CIEDE2000


def lab(colour: str, seen: object) -> np.ndarray:
    rgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.clip(np.asarray(seen) @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4), 0, 1)
    return rgb2lab(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


def alike(figure: str) -> list[tuple[str, str, str]]:
    """Pairs of colours of a figure's series that somebody takes for one: colour, colour, way of seeing.

    Not where the shapes of their marks differ, or where words beside each mark name it.
    """
    drawn = ET.fromstring(figure_files.made(figure, "svg"))
    space = "{http://www.w3.org/2000/svg}"
    style = drawn.find(f"{space}style").text
    fills = dict(re.findall(r"\.([\w-]+)\{(?:fill|stroke):(#\w{6})\}", style)) | {"zero": "#444444", "neu": "#c9ccd0"}
    shapes: dict[str, set[tuple]] = {}
    named = {float(text.get("y")) for text in drawn.iter(f"{space}text") if any(arm in text.text for arm in COLOURS)}
    for one in drawn.iter():
        css = (one.get("class") or "").split(" ")[0]
        tag = one.tag.removeprefix(space)
        if css not in fills or tag not in ("rect", "circle", "polygon", "polyline", "path"):
            continue
        y = float(one.get("y") or -1e9)
        told = tag == "rect" and any(y <= word <= y + float(one.get("height")) + 4 for word in named)
        corners = one.get("points", "").replace(",", " ").split()
        sides = np.diff(np.array(corners, float).reshape(-1, 2), axis=0)
        shape = (tag, *np.sign(sides).flat) if tag == "polygon" else (tag,)
        shapes.setdefault(css, set()).add((css,) if told else shape)
    return [
        (a, b, way)
        for (a, own), (b, others) in itertools.combinations(shapes.items(), 2)
        if own & others
        for way, seen in SEEN.items()
        if deltaE_ciede2000(lab(fills[a], seen), lab(fills[b], seen)) < APART
    ]


def worth(value: float) -> dict:
    return {"estimate": value, "ci": (value - 0.5, value + 0.4), "reason": None}


RANKING = {
    "criteria": [
        {"criterion": name, "arms": [{"arm": arm, "log_worth": worth(place / 3)} for place, arm in enumerate(COLOURS)]}
        for name in ("snr", "artifacts")
    ]
}
TIMES = [{"label": "Lumbar", "bars": [(arm, 60.0 + 20 * place) for place, arm in enumerate(COLOURS)]}]
COURSE = {"all": [(0.0, 20.0, 21.0), (10.0, 20.0, 25.0)]}
OTHER = {"all": [(0.0, 20.0, 20.5), (10.0, 20.0, 23.0)]}
SERIES = {
    "ranking": figures.ranking(RANKING, colours=COLOURS),
    "scan times": figures.scan_times(TIMES, colours=COLOURS),
    "two trainings": training_figures.psnr(COURSE, others=OTHER),
    "changes": training_figures.change([[(0, 20.0), (5, 22.0), (9, 23.0)], [(0, 20.0), (5, 21.0), (9, 23.0)]]),
}


@pytest.mark.parametrize("name", SERIES)
def test_series_are_told_apart_by_two_cones_and_in_grey(name):
    assert alike(SERIES[name]) == []


def test_series_that_only_colour_tells_apart_are_seen():
    dots = re.sub(r"<polygon [^>]*class=\"(\w+)\"/>", r'<circle r="3" class="\1"/>', SERIES["ranking"])
    assert {way for *_, way in alike(dots)} >= {"grey"}
    unnamed = re.sub(r"(\d:\d\d) [^<]+<", r"\1<", SERIES["scan times"])
    assert {way for *_, way in alike(unnamed)} >= {"grey"}


def test_the_bars_of_a_comparison_are_one_figure_that_needs_no_page():
    rows = [("SNR", [1, 4, 20, 9, 3]), (f"{LONG}", [0, 0, 0, 0, 0]), ("Bone", [9, 2, 1, 0, 0])]
    figure = figures.preference(rows, first="FAST-DL", second="SOC", colours=COLOURS)
    words = [text.text for text in ET.fromstring(figure).iter("text")]
    assert {"SNR", "◂ SOC better", "FAST-DL better ▸", "1 / 4 / 20 / 9 / 3", "n/a: no ratings"} <= set(words)
    assert alike(figure) == []


def results_of_features(arms=("FAST", "FAST-DL", "SOC-DL"), seed=0) -> tuple[dict, pd.DataFrame]:
    """The analysis of features of seven classes with names of usual length, and their table."""
    names = [f"{group}_{name}" for group in CLASSES for name in ("LowGrayLevelEmphasis", "Variance", "Busyness", "Idm")]
    rng = np.random.default_rng(seed)
    rows = [
        {"subject": f"S{subject}", "roi": "lesion", "arm": arm, "feature": name, "value": rng.normal()}
        for subject in range(5)
        for arm in ("SOC", *arms)
        for name in names
    ]
    table = tables.check(pd.DataFrame(rows), "features")
    return stability.analyse(table, reference="SOC", restores=[("FAST", "FAST-DL")]), table


CLASSES = ("firstorder", "shape", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


def every_figure() -> dict[str, str]:
    """One of each kind of figure, as a page or a paper has it; drawn for the room that there is."""
    found, table = results_of_features()
    shared = {"reference": "SOC", "colours": COLOURS}
    panels = stability.pairs(table, reference="SOC", feature="glcm_Idm")
    heat = [{"label": arm, "values": [0.5] * 7} for arm in COLOURS]
    boxes = [{"arm": arm, "group": "disc", "values": [0.1, 0.5, 0.9]} for arm in COLOURS]
    bars = [(name, [1, 40, 200, 90, 3]) for name in ("Cord/CSF contrast", "Facet/ligament")]
    steps = [{"subjects": n, "power": n / 99, "ci": (n / 120, n / 98)} for n in (10, 40, 90)]
    loss = [(step, 1 / (step + 1)) for step in range(9)]
    return {
        "columns": stability_figures.columns(found, threshold=0.9, colours=COLOURS),
        "restored": stability_figures.restored(found["restores"][0], **shared),
        "Bland-Altman": stability_figures.bland_altman(panels, **shared),
        "scatter": feature_figures.scatter(panels, **shared),
        "heat": feature_figures.heat_map(heat, columns=CLASSES, title="CCC"),
        "boxes": box_figures.box_plots(boxes, colours=COLOURS, width=640),
        "preference": figures.preference(bars, first="FAST-DL", second="SOC", colours=COLOURS),
        "ranking": figures.ranking(RANKING, colours=COLOURS),
        "scan times": figures.scan_times(TIMES, colours=COLOURS),
        "power": plan_figures.power_curve(steps, target=0.8),
        "loss": training_figures.loss(loss),
        "PSNR": training_figures.psnr(dict.fromkeys(CLASSES, COURSE["all"])),
        "change": training_figures.change([loss]),
    }


@pytest.mark.parametrize("width", figure_files.WIDTHS)
def test_letters_of_every_figure_are_large_enough_at_the_width_that_it_is_drawn_for(width):
    with svg.drawn_for(figure_files.room(width)):
        drawn = every_figure()
    sizes = {name: figure_files.letters(figure, width) for name, figure in drawn.items()}
    assert {name: size for name, size in sizes.items() if size < figure_files.SMALLEST} == {}
    usual = {name: figure_files.letters(figure, 85) for name, figure in every_figure().items()}
    assert usual["columns"] < 3  # as a page has it
    with pytest.raises(InputError, match=r"points high; at .* mm they are 6"):
        figure_files.ensure_readable(every_figure()["columns"], width)


def test_the_size_of_letters_that_is_told_is_that_of_the_files():
    with svg.drawn_for(figure_files.room(85)):
        figure = stability_figures.columns(results_of_features()[0], threshold=0.9, colours=COLOURS)
    told = figure_files.letters(figure, 85)
    root = ET.fromstring(figure_files.made(figure, "svg"))
    style = root.find("{http://www.w3.org/2000/svg}style").text
    pixels = float(re.search(r"text\{font-size:(\d+)px", style)[1])
    assert pixels * 85 / 25.4 * 72 / float(root.get("viewBox").split()[2]) == pytest.approx(told, abs=0.02)
    page = pypdfium2.PdfDocument(figure_files.made(figure, "pdf"))[0]
    sizes = set()
    for text in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT]):
        size = ctypes.c_float()
        pdfium.FPDFTextObj_GetFontSize(text, size)
        sizes.add(round(size.value * text.get_matrix().d, 2))
    assert {size for size in sizes if size > 0} == {round(told, 2)}  # turned: as an image inside has it


def test_the_power_of_a_plan_leaves_as_a_figure(tmp_path):
    command = ["plan", "--subjects", "8", "--distribution", "0", "0", "0", "1", "0", "--studies", "5"]
    assert main([*command, "--figures", str(tmp_path), "--format", "svg"]) == 0
    assert "16 subjects" in (tmp_path / "power.svg").read_text()
