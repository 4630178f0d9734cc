"""What lies around the lumbar spine: skin, fat, muscles, vessels, bowel, kidneys, iliac bones."""

from __future__ import annotations

import numpy as np

from processing.simulate.phantom.anatomy import Anatomy
from processing.simulate.phantom.canvas import Canvas, capsule, ellipse, ellipsoid, smooth_max


def paint_surroundings(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint from the skin inwards; the spine comes on top."""
    curves = anatomy.curves
    x, y, z = canvas.x, canvas.y, canvas.z
    wall = curves.at(curves.wall, z)
    middle = curves.at(curves.x, z)
    # Thicker fat over the sacrum, a furrow in the midline, the flanks curving forwards.
    low = anatomy.level("L5").centre[2]
    fat = anatomy.fat * (1 + 0.5 * np.exp(-(((z - low + 10) / 40) ** 2)))
    furrow = 3.5 * np.exp(-((x / 14) ** 2))
    skin = y - (curves.at(curves.tips, z) + fat - furrow - (x / 27) ** 2)
    front = (curves.at(curves.wall, np.zeros((1, 1))) - 115 - 2 * anatomy.fat) - y
    outline = smooth_max(smooth_max(skin, front, 40.0), np.abs(x) - 165 - anatomy.fat, 50.0)
    canvas.paint(outline, "skin", rough=0.5)
    canvas.paint(outline + 1.8, canvas.fields["fat"], rough=0.5)
    canvas.sheet(
        outline + 0.55 * fat, 0.45, "fascia", within=-0.6 - canvas.fields["patches"], rough=2.0
    )  # membranous layer
    deep = outline + fat
    canvas.paint(deep, "fascia", rough=0.6)
    canvas.paint(deep + 1.0, canvas.fields["fat"], rough=0.6)
    # Wall of the abdomen: three thin muscles, painted as one.
    flank = np.maximum(np.maximum(deep + 2.5, -deep - 17), 62 - np.abs(x))
    canvas.paint(flank, canvas.fields["muscle"], rough=0.8)
    _paint_abdomen(canvas, anatomy, deep)
    _paint_back_muscles(canvas, anatomy, deep)
    _paint_vessels(canvas, anatomy, middle, wall)
    _paint_ilium(canvas, anatomy)


def _paint_back_muscles(canvas: Canvas, anatomy: Anatomy, deep: np.ndarray) -> None:
    """Erector spinae with septa between its columns, multifidus, the midline with its ligaments."""
    curves = anatomy.curves
    u = canvas.x - curves.at(curves.x, canvas.z)
    side, behind = np.abs(u), canvas.y - curves.at(curves.wall, canvas.z)
    z0 = anatomy.level("L4").centre[2]
    low = np.exp(-(((canvas.z - z0 + 30) / 40) ** 2))
    depth = (curves.at(curves.tips, canvas.z) - curves.at(curves.wall, canvas.z) - 12) / 2
    bulk = smooth_max(ellipse(side - 30, behind - 14 - depth, 44, depth + 3), deep + 1.5, 4.0)
    canvas.paint(bulk - 0.8, "fascia", rough=0.8)
    canvas.paint(bulk, canvas.fields["muscle"], rough=0.8)
    # Multifidus turns to fat from the bone outwards, more so low down and with age.
    spread = 20 + 8 * low
    halo = np.exp(-np.maximum(behind - 22, 0) / 14) * np.exp(-(((canvas.z - z0 + 25) / 55) ** 2))
    share = np.clip(2.4 * anatomy.muscle_fat * halo * (1 + 0.4 * canvas.fields["patches"]), 0, 0.85)
    inner = np.maximum(np.maximum(side - spread, bulk + 1.0), 16 - behind)
    fatty = canvas.fields["muscle"] + share * (canvas.fields["fat"] - canvas.fields["muscle"])
    canvas.paint(inner, fatty, rough=1.0, soft=3.0)
    for place, slope in ((spread, 0.18), (spread + 22, 0.35)):
        septum = side - place - slope * (behind - 40)
        canvas.sheet(septum, 0.9, canvas.fields["fat"], within=np.maximum(bulk + 1, 30 - behind), rough=1.5)
    midline = np.maximum(side - 2.6, np.maximum(deep + 1.5, 10 - behind))
    canvas.paint(midline, canvas.fields["interspinous"], rough=0.8)
    tips = canvas.y - curves.at(curves.tips, canvas.z)
    canvas.sheet(tips + 3, 2.4, "ligament", within=np.maximum(side - 3.5, deep + 0.5), rough=0.5)


def _paint_abdomen(canvas: Canvas, anatomy: Anatomy, deep: np.ndarray) -> None:
    curves = anatomy.curves
    ahead = curves.at(curves.wall, canvas.z) - canvas.y
    loops = np.tanh(3 * (canvas.fields["patches"] + 0.5 * canvas.fields["lobules"]))
    bowel = canvas.signals["bowel"] * (1 + 0.18 * loops + 0.08 * canvas.fields["blotches"])
    canvas.paint(np.maximum(np.maximum(deep + 22, 58 - ahead), -6 - 9 * canvas.fields["patches"]), bowel, rough=4.0)
    gas = np.maximum(np.maximum(deep + 30, 70 - ahead), 6 * (1.7 - canvas.fields["patches"]))
    canvas.paint(gas, "gas", rough=2.0)
    levels = {level.name: level.centre for level in anatomy.levels}
    for sign in (-1, 1):
        # Psoas: from the side of the bodies forwards and outwards on its way down.
        top, low = levels["L1"][2], levels["L5"][2]
        part = canvas.window((4, 95) if sign > 0 else (-95, -4), z=(low - 60, top))
        if part is not None:
            fat, muscle = part.fields["fat"], part.fields["muscle"]
            f = np.clip((top - part.z) / (top - low), 0, 1.4)
            r = 6 + 15 * np.sqrt(f + 0.01)
            u = part.x - sign * (27 + 19 * f)
            v = part.y - curves.at(curves.wall, part.z) + 14 + 16 * f
            shape = ellipse(u, v + 0.3 * sign * u, 0.92 * r, 1.12 * r)
            part.paint(shape, muscle, rough=1.3)
            part.sheet(shape + 0.38 * r, 0.8, fat, within=u * sign - 2, rough=1.5)
        part = canvas.window((40, 110) if sign > 0 else (-110, -40), z=(levels["L4"][2] - 12, levels["T12"][2]))
        if part is not None:  # quadratus lumborum
            u, v = part.x - sign * 63, part.y - curves.at(curves.wall, part.z) - 8
            part.paint(ellipse(u, v + 0.25 * sign * u, 20, 7.5), part.fields["muscle"], rough=1.0)
        part = canvas.window((30, 110) if sign > 0 else (-110, -30), z=(levels["L3"][2] - 25, levels["T11"][2]))
        if part is not None:
            cz = (levels["L1"][2] + levels["L2"][2]) / 2 - 8 * (sign < 0)
            cy = float(curves.at(curves.wall, np.array(cz))) - 18
            kidney = ellipsoid(part.x - sign * 64, part.y - cy, part.z - cz, 24, 25, 52)
            part.paint(kidney, "kidney", rough=0.8)
            sinus = ellipsoid(part.x - sign * 56, part.y - cy, part.z - cz, 11, 12, 34)
            part.paint(sinus, part.fields["fat"], rough=1.5)


def _paint_vessels(canvas: Canvas, anatomy: Anatomy, middle: np.ndarray, wall: np.ndarray) -> None:
    """Aorta and cava with flow voids, dividing before L4 and L5."""
    split = anatomy.level("L4").place(0, 0, -8)[2]
    part = canvas.window((-75, 75))
    if part is None:
        return
    deep = 2 * anatomy.level("L3").b
    down = np.maximum(split - part.z, 0)
    for sign, size, place, lower in ((1, 8.5, 9, 0), (-1, 10.5, 16, 14)):
        below = np.maximum(down - lower, 0)
        r = size * (1 - 0.28 * np.clip(below / 12, 0, 1))
        y = part.y - (wall - deep - 11 + 0.55 * below)
        for fork in (-1, 1):
            x = part.x - middle - sign * place - fork * 0.62 * below
            tube = ellipse(x, y, r, r * (0.8 if sign < 0 else 1))
            part.paint(tube - 1.0, "ligament", rough=0.4)
            inside = 0.6 * part.signals["flowing blood"] + (0.15 if sign < 0 else 0.02) * part.signals["vein"]
            part.paint(tube, inside, rough=0.4)


def _paint_ilium(canvas: Canvas, anatomy: Anatomy) -> None:
    s1, l4 = anatomy.level("S1"), anatomy.level("L4")
    for sign in (-1, 1):
        part = canvas.window((20, 140) if sign > 0 else (-140, -20), z=(s1.centre[2] - 70, l4.centre[2] + 15))
        if part is None:
            continue
        u, v, w = sign * (part.x - s1.centre[0]), part.y - s1.centre[1], part.z - s1.centre[2]
        crest = 30 - 0.008 * (u - 85) ** 2
        # A curved plate from the joint with the sacrum outwards and forwards.
        sheet = v - (46 - 0.95 * (u - 42)) + 4 * np.sin(u / 17)
        plate = np.abs(sheet) * 0.72 - (4.2 + 2.5 * np.exp(-(((u - 48) / 12) ** 2)))
        bone = smooth_max(np.maximum(plate, w - crest), np.maximum(44 - u, u - 118), 4.0)
        part.paint(bone, "cortex", rough=0.8)
        part.paint(bone + 1.5, part.fields["marrow"], rough=0.8)
        joint = capsule(u, v, w, (40, 34, 10), (44, 8, -4), 1.0)
        part.paint(joint, "cartilage", rough=0.4)
