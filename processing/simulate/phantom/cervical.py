"""What lies around the cervical spine: skull base and brain, airway, throat, muscles of the neck, skin."""

from __future__ import annotations

import numpy as np

from processing.simulate.phantom.anatomy import Anatomy
from processing.simulate.phantom.canvas import Canvas, capsule, ellipse, ellipsoid, smooth_max
from processing.volume import Array


def paint_surroundings(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint from the skin inwards; the spine comes on top."""
    curves = anatomy.curves
    x, y, z = canvas.x, canvas.y, canvas.z
    wall, tips = curves.at(curves.wall, z), curves.at(curves.tips, z)
    c2, c7 = anatomy.level("C2").centre, anatomy.level("C7").centre
    fat = anatomy.fat * (0.8 + 0.9 * np.exp(-(((z - c7[2] - 8) / 28) ** 2)))
    # Nape, throat, shoulders: the neck widens into the trunk below and the head above.
    head = 1 / (1 + np.exp(-(z - c2[2] - 26) / 9))
    trunk = 1 / (1 + np.exp((z - c7[2] + 14) / 9))
    back = y - (tips + 5 + fat + 22 * head - 2.5 * np.exp(-((x / 12) ** 2)) - (x / 15) ** 2)
    chin = np.exp(-(((z - c2[2] + 6) / 20) ** 4))
    throat = wall - (62 + 34 * head + 30 * chin + 30 * trunk) - 0.4 * anatomy.fat
    sides = np.abs(x) - 60 - 14 * head - 95 * trunk
    outline = smooth_max(smooth_max(back, throat - y, 18.0), sides, 34.0)
    canvas.paint(outline, "skin", rough=0.5)
    canvas.paint(outline + 1.8, canvas.fields["fat"], rough=0.5)
    thick = 4 + (fat - 4) * np.exp(-((x / 42) ** 2))  # thickest in the nape
    deep = outline + 4 + (thick - 4) / (1 + np.exp(-(y - wall - 14) / 9))
    canvas.paint(deep, "fascia", rough=0.6)
    canvas.paint(deep + 0.8, canvas.fields["muscle"], rough=0.6)
    _paint_throat(canvas, anatomy, wall, deep)
    _paint_neck_muscles(canvas, anatomy, wall, tips, deep)
    _paint_head(canvas, anatomy)
    _paint_atlas(canvas, anatomy)


def _paint_neck_muscles(canvas: Canvas, anatomy: Anatomy, wall: Array, tips: Array, deep: Array) -> None:
    """Layers of the nape with fat between them, longus colli in front, sternomastoid and vessels beside."""
    u = canvas.x - anatomy.curves.at(anatomy.curves.x, canvas.z)
    side, behind = np.abs(u), canvas.y - wall
    reach = tips - wall
    gaps = 1.5 * (-0.6 - canvas.fields["patches"])  # the layers of fat are not complete
    for share, tilt, thickness in ((0.50, 0.10, 0.7), (0.68, 0.22, 1.0), (0.88, 0.30, 0.8)):
        layer = behind - share * reach - 3 + tilt * side + 1.5 * canvas.fields["patches"]
        within = np.maximum(np.maximum(deep + 1.5, side - 58), gaps)
        canvas.sheet(layer, thickness, canvas.fields["fat"], within=within, rough=1.2)
    midline = np.maximum(side - 2.0, np.maximum(deep + 1.0, 18 - behind))
    canvas.paint(midline, canvas.fields["interspinous"], rough=0.6)
    canvas.sheet(side, 1.0, "ligament", within=np.maximum(deep + 1, 30 - behind), rough=0.3)  # nuchal ligament
    for sign in (-1, 1):
        longus = ellipse(u - sign * 8, behind + 21, 6.5, 3.4)
        canvas.paint(longus, canvas.fields["muscle"], rough=0.5)
        sheath = ellipse(u - sign * 30, behind + 26, 12, 9)
        canvas.paint(sheath, canvas.fields["fat"], rough=1.0)
        canvas.paint(ellipse(u - sign * 26, behind + 27, 3.4, 3.4), "flowing blood", rough=0.3)
        canvas.paint(ellipse(u - sign * 34, behind + 25, 5.5 + sign, 4.5), "flowing blood", rough=0.3)
        mastoid = ellipse(u - sign * 45, behind + 20, 7, 17)
        canvas.paint(mastoid - 1.2, canvas.fields["fat"], rough=0.8)
        canvas.paint(mastoid, canvas.fields["muscle"], rough=0.8)


def _paint_throat(canvas: Canvas, anatomy: Anatomy, wall: Array, deep: Array) -> None:
    """Tongue, pharynx, larynx, windpipe, gullet and thyroid."""
    z = canvas.z
    u = canvas.x - anatomy.curves.at(anatomy.curves.x, z)
    side, ahead = np.abs(u), wall - canvas.y
    c2, c4, c6 = (anatomy.level(name).centre[2] for name in ("C2", "C4", "C6"))
    loose = np.maximum(np.maximum(deep + 4, 16.5 - ahead), ellipse(u, ahead - 40, 38, 27))
    canvas.paint(loose, canvas.fields["fat"], rough=3.0)
    strap = np.maximum(np.maximum(deep + 4, 36 - ahead), side - 22)
    canvas.paint(np.maximum(strap, z - c4 + 12), canvas.fields["muscle"], rough=2.0)
    tongue = ellipsoid(u, ahead - 58, z - c2 + 4, 24, 27, 24)
    canvas.paint(tongue, canvas.fields["muscle"], rough=1.2)
    # Wall of the pharynx, thin above, thicker behind the larynx.
    thick = np.interp(z, [c6 - 10, c6, c4 - 6, c4 + 6], [10.0, 10.0, 4.0, 3.0]).astype(z.dtype)
    canvas.paint(np.maximum(np.abs(ahead - 17 - thick / 2) - thick / 2, side - 15), "mucosa", rough=0.5)
    airway = np.interp(z, [c6 - 90, c6 - 14, c6 + 2, c4, c4 + 10, c2, c2 + 30], [8, 8, 3.0, 5, 7, 5.5, 8])
    wide = np.interp(z, [c6 - 14, c6 + 2, c4, c2], [8, 4.0, 9, 11])
    tube = ellipse(u, ahead - 18 - thick - airway, wide.astype(z.dtype), airway.astype(z.dtype))
    canvas.paint(tube - 2.2, "mucosa", rough=0.5)
    rings = np.maximum(np.abs(tube - 1.2) - 0.7, c6 - 6 - z)
    canvas.paint(np.where(z < c6 - 6, np.abs(tube - 1.2) - 0.7, rings), "cartilage", rough=0.3)
    canvas.paint(tube, "gas", rough=0.5)
    below = np.maximum(z - c6 + 6, ellipse(u - 2, ahead - 22, 6.5, 3.0))
    canvas.paint(below, "mucosa", rough=0.4)
    for sign in (-1, 1):
        lobe = ellipsoid(u - sign * 15, ahead - 34, z - c6 + 16, 7, 8, 20)
        canvas.paint(lobe, "gland", rough=0.6)
    leaf = capsule(u / 5, -ahead, z, (0, -33, c4 + 1), (0, -27, c4 + 20), 1.3)
    canvas.paint(leaf, "mucosa", rough=0.2)  # epiglottis
    bone = ellipsoid(u, ahead - 48, z - c4 - 2, 14, 4.5, 3.8)
    canvas.paint(bone, "cortex", rough=0.3)  # hyoid
    canvas.paint(bone + 1.0, canvas.fields["marrow"], rough=0.3)
    jaw = np.maximum(ellipsoid(u, ahead - 84, z - c2 + 8, 9, 7, 13), side - 9)
    canvas.paint(jaw, "cortex", rough=0.6)
    canvas.paint(jaw + 2.0, canvas.fields["marrow"], rough=0.6)


def _paint_head(canvas: Canvas, anatomy: Anatomy) -> None:
    """Occipital bone, clivus, cerebellum, brain stem and the fluid around them."""
    c2 = anatomy.level("C2")
    part = canvas.window((-62, 62), z=(c2.centre[2] + 18, 1e6))
    if part is None:
        return
    curves = anatomy.curves
    hole = c2.centre[2] + 31  # height of the foramen magnum
    wall = float(curves.at(curves.wall, np.array(hole)))
    u, v, w = part.x - c2.centre[0], part.y - wall, part.z - hole
    skull = ellipsoid(u, v - 25, w - 49, 57, 54, 53)
    part.paint(skull - 2, "cortex", rough=0.6)
    marrow = part.fields["marrow"]
    part.paint(np.abs(skull + 1.6) - 1.5, marrow, rough=0.5)
    part.paint(skull + 4, "csf", rough=0.4)
    # Clivus, rising forwards.
    clivus = capsule(u / 2.6, v, w, (0, -6.5, 2), (0, -23, 37), 4.4)
    part.paint(clivus - 0.2, "cortex", rough=0.3)
    part.paint(clivus + 1.0, marrow, rough=0.3)
    front = capsule(u / 4, v, w, (0, -36, 42), (0, -70, 46), 12)
    part.paint(front, marrow, rough=1.5)
    part.paint(ellipsoid(u, v + 46, w - 40, 14, 12, 8), "gas", rough=0.8)  # sphenoid sinus
    # Cerebellum: leaves that fan out from the fourth ventricle.
    white, grey = part.signals["brain"], part.signals["cortical grey"]
    ball = np.maximum(ellipsoid(u, v - 43, w - 33, 48, 30, 29), skull + 6)
    fan = np.arctan2(w - 26, v - 16) + 0.12 * part.fields["lobules"]
    radius = np.sqrt((v - 16) ** 2 + (w - 26) ** 2)
    leaves = np.sin(15 * fan) + 0.5 * np.sin(41 * fan + 0.25 * radius + part.fields["blotches"])
    core = np.clip((radius - 7) / 30, 0, 1)
    value = white + (grey - white) * np.clip(core + 0.45 * leaves * core, 0, 1)
    part.paint(ball, value * (1 + 0.02 * part.fields["blotches"]), rough=1.0)
    furrows = np.maximum(1.15 - leaves, np.maximum(ball + 0.5, 18 - radius))
    part.paint(2 * furrows, "csf", rough=0.3, soft=2.5)
    stem = np.minimum(
        capsule(u, v, w, (0, 10, -6), (0, 2, 18), 6.4),
        ellipsoid(u, v + 2.5, w - 27, 14, 12.5, 13),
    )
    stem = np.minimum(stem, capsule(u, v, w, (0, -1, 36), (0, -4, 56), 9.5))
    part.paint(stem, part.signals["brain"] * (1 + 0.02 * part.fields["blotches"]), rough=0.5)
    fourth = ellipsoid(u, v - 14.5, w - 25, 7, 4.0, 11)
    part.paint(fourth, "csf", rough=0.5)
    artery = capsule(u, v, w, (1, -6.5, -2), (0, -16.5, 38), 1.6)
    part.paint(artery, "flowing blood", rough=0.3)
    above = ellipsoid(u, v - 52, w - 78, 62, 50, 25)
    part.paint(np.maximum(above, skull + 6), grey * (1 + 0.05 * part.fields["lobules"]), rough=1.5)
    part.sheet(w - 54 - 0.10 * v, 1.6, "fascia", within=np.maximum(skull + 5, 14 - v), rough=0.4)  # tentorium


def _paint_atlas(canvas: Canvas, anatomy: Anatomy) -> None:
    """Dens, arches and lateral masses of the first vertebra, the ligaments between them and the skull."""
    c2 = anatomy.level("C2")
    part = canvas.window((-32, 32), z=(c2.centre[2] - 5, c2.centre[2] + 42))
    if part is None:
        return
    u, v, w = c2.local(part.x, part.y, part.z)
    side, b, h = np.abs(u), c2.b, c2.h
    marrow = part.fields["marrow"]
    mass = ellipsoid(side - 17, v - 1, w - h - 8, 7.5, 8, 7.5)
    arch = np.minimum(
        ellipsoid(u, v + b + 3.5, w - h - 10, 7, 3.2, 5.2), ellipsoid(u, v - b - 25, w - h - 9, 6, 3.4, 4.2)
    )
    bone = np.minimum(np.minimum(mass, arch), capsule(side, v, w, (17, 8, h + 8), (3, b + 25, h + 9), 3.0))
    part.paint(bone - 0.3, "ligament", rough=0.4)
    part.paint(bone, "cortex", rough=0.4)
    part.paint(bone + 1.0, marrow, rough=0.4, soft=1.0)
    dens = capsule(u, v, w, (0, -1.5, 0), (0, -0.5, h + 13), 4.9)
    sling = np.maximum(np.abs(v - b + 2.3) - 1.2, np.maximum(side - 9, np.abs(w - h - 13) - 18))
    part.paint(sling, "ligament", rough=0.3)
    part.paint(dens, "cortex", rough=0.3)
    part.paint(dens + 1.0, marrow, rough=0.3, soft=0.9)
    part.paint(capsule(u, v, w, (0, -1, h + 19), (0, -2, h + 25), 1.8), part.fields["fat"], rough=0.5)
