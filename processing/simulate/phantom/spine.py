"""Paint vertebrae, discs, canal, cord and roots of a subject."""

from __future__ import annotations

import numpy as np

from processing.simulate.phantom.anatomy import Anatomy, Disc, Level
from processing.simulate.phantom.canvas import Canvas, capsule, ellipse, ellipsoid, smooth_max
from processing.volume import Array


def paint_spine(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint everything from the ligaments of the bodies to the roots, back to front."""
    for level in anatomy.levels:
        _paint_foramen(canvas, level)
    for level in anatomy.levels:
        _paint_posterior_elements(canvas, level)
    _paint_canal(canvas, anatomy)
    for level in anatomy.levels:
        _paint_root(canvas, level)
    for level in anatomy.levels:
        _paint_disc(canvas, level)
    for level in anatomy.levels:
        _paint_body(canvas, level)
    _paint_dural_sac(canvas, anatomy)
    for level in anatomy.levels:
        _paint_hernia(canvas, level)


def _window_around(
    canvas: Canvas, level: Level, u: float, v: tuple[float, float], w: tuple[float, float]
) -> Canvas | None:
    """Window around a box in the vertebra's frame: |u| up to `u`, v and w within their limits, in mm."""
    corners = np.array([level.place(0, v_, w_) for v_ in v for w_ in w])
    (_, y0, z0), (_, y1, z1) = corners.min(axis=0), corners.max(axis=0)
    return canvas.window((level.centre[0] - u, level.centre[0] + u), (y0, y1), (z0, z1))


def _outline(u: Array, v: Array, a: float, b: float) -> tuple[Array, Array]:
    """Normalised radius in the axial plane, and distance to the kidney-shaped outline of a body."""
    rho = (np.abs(u / a) ** 2.4 + np.abs(v / b) ** 2.4) ** (1 / 2.4)
    back = v - b * (0.90 + 0.08 * np.minimum(np.abs(u / a), 1) ** 2)
    return rho, np.maximum((rho - 1) * min(a, b), back)


def _paint_body(canvas: Canvas, level: Level) -> None:
    v_reach, w_reach = level.b + 9, level.h + abs(level.wedge) + 4
    part = _window_around(canvas, level, level.a + 8, (-v_reach, v_reach), (-w_reach, w_reach))
    if part is None:
        return
    u, v, w = level.local(part.x, part.y, part.z)
    a, b, h = level.a, level.b, level.h
    rho, side = _outline(u, v, a, b)
    inner = np.minimum(rho, 1.1)
    # Waisted walls, hollow endplates, front higher than back; spurs at the rims.
    top = h + level.wedge / 2 * np.clip(-v / b, -1, 1) - 0.11 * h * (1 - inner**2)
    relative = np.clip(w / h, -1.1, 1.1)
    side = side + 0.09 * b * (1 - relative**2)
    if level.osteophyte:
        side = side - level.osteophyte * np.exp(-(((np.abs(w) - h) / 2.2) ** 2)) * (rho > 0.8)
    end = np.abs(w) - top
    if level.schmorl:
        node = level.schmorl * np.exp(-((u - 2) ** 2 + (v - 1) ** 2) / 22)
        end = np.where(w > 0, end + node, end)
    body = smooth_max(side, end, 2.2)
    part.paint(body - 0.5, "ligament", rough=0.5)
    part.paint(body, "cortex", rough=0.3)
    fat, water = part.signals["fat"], part.signals["red marrow"]
    share = np.clip(part.fields["marrow fat"] * level.marrow, 0, 1)
    # Fattier beside the vein in the middle, redder under the endplates.
    share = np.clip(share + 0.10 * np.exp(-((w / 6) ** 2)) * np.clip(v / b, 0, 1) - 0.05 * (np.abs(w) > h - 3), 0, 1)
    marrow = water + share * (fat - water)
    part.paint(body + 0.75, marrow, rough=0.3, soft=0.9)
    if level.name[0] in "LT":
        cleft = capsule(u, v, w, (0, b, 0), (0, b * 0.35, 0), 0.4) - 0.07 * np.clip(v, 0, b)
        part.paint(cleft, "vein", rough=0.3, soft=1.5)
    if level.lesion is not None:
        lu, lv, lw, radius = level.lesion
        lesion = ellipsoid(u - lu, v - lv, w - lw, radius, radius, 1.2 * radius)
        speckled = part.signals["haemangioma"] * (1 + 0.22 * part.fields["grain"])
        part.paint(np.maximum(lesion, body + 1.5), speckled, rough=1.2, soft=1.5)
    if level.modic:
        change = np.maximum(ellipsoid(u, v + 0.3 * b, w + h, 0.7 * a, 0.75 * b, 0.5 * h), body + 1.4)
        tissue = part.signals["modic 1"] if level.modic == 1 else fat
        part.paint(change, marrow + 0.65 * (tissue - marrow), rough=1.5, soft=4)


def _disc_frame(level: Level) -> tuple[list[float], float]:
    """Centre of the disc below a vertebra, and its half height."""
    return level.place(0, 0, -level.h - level.disc.height / 2).tolist(), level.disc.height / 2


def _paint_disc(canvas: Canvas, level: Level) -> None:
    half = level.disc.height / 2
    v_reach, slack = level.b + 9, 0.2 * level.h + 4
    reach = (-level.h - level.disc.height - slack, -level.h + slack)
    part = _window_around(canvas, level, level.a + 8, (-v_reach, v_reach), reach)
    if part is None:
        return
    disc = level.disc
    u, v, w = level.local(part.x, part.y, part.z)
    w = w + level.h + half
    _, side = _outline(u, v, level.a, level.b)
    side = side - 0.6 - disc.bulge * np.clip(0.65 + 0.35 * v / level.b, 0, 1)
    # Taller than the space: the endplates, painted later, give it its shape.
    whole = smooth_max(side, np.abs(w) - half - 0.16 * level.h - 1, 1.5)
    part.paint(whole, "outer annulus", rough=0.3)
    part.paint(whole + 1.8, "annulus", rough=0.3, soft=2.0)
    _paint_nucleus(part, level, disc, u, v, w, half)
    if disc.fissure:
        place = 0.86 * level.b + disc.bulge - 1.8
        part.paint(ellipsoid(u - disc.hernia_x, v - place, w, 4, 1.1, 1.4), "fissure", rough=0.2)


def _paint_nucleus(part: Canvas, level: Level, disc: Disc, u: Array, v: Array, w: Array, half: float) -> None:
    young, worn, annulus = (part.signals[name] for name in ("nucleus", "worn nucleus", "annulus"))
    fresh = max(0.0, 1 - 1.15 * disc.wear)
    mean = fresh * young + (1 - fresh) * (worn + 0.5 * disc.wear * (annulus - worn))
    texture = 1 + 0.07 * part.fields["blotches"] + 0.04 * part.fields["grain"]
    # The fibrous cleft across the middle of adult discs.
    cleft = np.exp(-(((w + 0.25 * part.fields["blotches"]) / (0.22 * half + 0.3)) ** 2))
    cleft = cleft * np.exp(-((v / (0.45 * level.b)) ** 2))
    value = mean * texture * (1 - (0.10 + 0.25 * fresh) * cleft)
    nucleus = ellipsoid(u, v - 0.06 * level.b, w, 0.66 * level.a, 0.64 * level.b, half + 0.09 * level.h)
    part.paint(nucleus, value, rough=0.9, soft=2.5 + 2 * disc.wear)


def _paint_hernia(canvas: Canvas, level: Level) -> None:
    disc = level.disc
    if not disc.hernia:
        return
    half = level.disc.height / 2
    part = _window_around(canvas, level, 26, (0.5 * level.b, level.b + 18), (-level.h - 2 * half - 10, -level.h + 10))
    if part is None:
        return
    u, v, w = level.local(part.x, part.y, part.z)
    w = w + level.h + half
    wall = 0.9 * level.b
    # A flat dome on the back wall, broader than deep, sagging a little.
    lump = ellipsoid(
        u - disc.hernia_x,
        v - wall - disc.bulge,
        w + 0.12 * disc.hernia,
        1.6 * disc.hernia,
        disc.hernia,
        0.8 * half + 1.8,
    )
    outside = np.maximum(lump, wall - 2.5 - v)
    part.paint(outside - 0.6, "outer annulus", rough=0.4)
    inside = part.signals["worn nucleus"] * (1 + 0.08 * part.fields["blotches"])
    part.paint(outside + 0.5, inside, rough=0.4, soft=1.5)


def _posterior_elements(level: Level, u: Array, v: Array, w: Array) -> Array:
    """Distance to pedicles, laminae, articular, transverse and spinous processes."""
    b, h = level.b, level.h
    cervical = level.name[0] == "C"
    s = min(1.0, h / 13)  # size against a lumbar vertebra
    side = np.abs(u)
    if cervical:
        p = 0.92 * level.a + 1.5
        back = b + 15.5
        parts = [
            capsule(side, v, w, (p - 2, b - 3, 0.1 * h), (p + 3, b + 4, 0.05 * h), 2.8),
            # Articular pillar, slanted; lamina thin.
            capsule(side, v, w, (p + 4.5, b + 7, 0.95 * h), (p + 4, b + 9, -0.95 * h), 4.2),
            capsule(side, v, w, (p + 3, b + 10, 0), (2.5, back, -0.5 * h), 2.1),
            capsule(side, v, w, (p + 3, b - 6, 0), (p + 7, b + 1, -1), 2.3),
        ]
        length = {"C2": 17, "C3": 11, "C4": 11, "C5": 13, "C6": 18, "C7": 27}[level.name]
        drop = 0.75 if level.name != "C7" else 0.65
        tip = (0, back + length * 0.9, -0.5 * h - length * drop * 0.5)
        parts.append(capsule(side * 1.15, v, w, (0, back, -0.45 * h), tip, 3.1))
        if level.name in ("C2", "C3", "C4", "C5", "C6"):  # forked tips
            parts.append(capsule(side, v, w, (1, back + length * 0.75, tip[2] + 1), (4, tip[1] + 1, tip[2]), 2.6))
        return np.minimum.reduce(parts)
    thoracic = level.name[0] == "T"
    p = 0.56 * level.a + 2
    back = b + 21 * s + 3
    parts = [
        capsule(side, v, w * 0.72, (p, b - 4, 0.32 * h), (p, b + 8, 0.30 * h), 4.3 * s),
        capsule(side, v, w, (p + 1, b + 10, 0.1 * h), (3, back - 2, -0.45 * h), 3.4 * s),
        capsule(side, v, w, (p + 5, b + 9, 0.5 * h), (p + 6, b + 9.5, h + 6 * s), 5.6 * s),
        capsule(side, v, w, (p, b + 18, -0.5 * h), (p + 1, b + 18.5, -h - 8 * s), 5.8 * s),
        capsule(side, v, w, (p + 4, b + 8, 0.25 * h), (p + 26 * s, b + (20 if thoracic else 12), 0.15 * h), 3.3 * s),
    ]
    if thoracic:  # long, slanting downwards, overlapping like tiles
        parts.append(capsule(side, v, w, (0, back, -0.5 * h), (0, back + 19, -1.9 * h), 3.6))
    else:  # a plate
        start, end = back, back + 27 * s
        plate = np.maximum(
            np.maximum(np.abs(w + 0.62 * h + 0.12 * (v - start)) - 8.5 * s - 0.05 * (v - start), start - 3 - v), v - end
        )
        thin = side - 3.0 - 0.08 * np.clip(v - start, 0, 30)
        parts.append(smooth_max(plate, thin, 3.0))
    return np.minimum.reduce(parts)


def _paint_posterior_elements(canvas: Canvas, level: Level) -> None:
    if level.name[0] == "S":
        _paint_sacral_wings(canvas, level)
        return
    v_reach, w_reach = (level.b - 13, level.b + 60), (-2 * level.h - 12, level.h + 14)
    part = _window_around(canvas, level, level.a + 32, v_reach, w_reach)
    if part is None:
        return
    u, v, w = level.local(part.x, part.y, part.z)
    bone = _posterior_elements(level, u, v, w)
    part.paint(bone - 0.3, "ligament", rough=0.6)
    part.paint(bone, "cortex", rough=0.6)
    part.paint(bone + 1.0, part.fields["marrow"], rough=0.6, soft=1.0)
    if level.name[0] == "L":  # joint space with the vertebra above: bright line in the axial plane
        p, b, h = 0.56 * level.a + 2, level.b, level.h
        side = np.abs(u)
        process = capsule(side, v, w, (p + 5, b + 9, 0.5 * h), (p + 6, b + 9.5, h + 6), 5.6)
        behind = np.maximum(0.7 * (side - p - 5) + 0.7 * (b + 10 - v), np.abs(w - h - 2) - 7)
        part.sheet(process - 0.7, 1.1, "cartilage", within=behind, rough=0.2)


def _paint_sacral_wings(canvas: Canvas, level: Level) -> None:
    part = _window_around(canvas, level, 62, (-45, 60), (-45, 45))
    if part is None:
        return
    u, v, w = level.local(part.x, part.y, part.z)
    side, a, b, h = np.abs(u), level.a, level.b, level.h
    wing = capsule(side, v, w, (0.7 * a, 2, 0), (1.15 * a + 16 * (h / 13) ** 2, b + 6, -2), 0.85 * h)
    crest = np.maximum(np.abs(v - b - 14 * h / 13) - 3.2, np.maximum(side - 0.7 * a, np.abs(w) - 1.15 * h))
    spine = capsule(side, v, w, (0, b + 15 * h / 13, 0.2 * h), (0, b + 22 * h / 13, -0.4 * h), 3.6)
    bone = np.minimum(np.minimum(wing, spine), crest)
    part.paint(bone, "cortex", rough=0.8)
    part.paint(bone + 1.3, part.fields["marrow"], rough=0.8, soft=1.0)


def sac_tables(anatomy: Anatomy) -> tuple[Array, Array, Array, Array]:
    """Over the z of the curves: half width and half depth of the dural sac, y of its centre, depth of the
    epidural space behind it, all in mm."""
    z = anatomy.curves.z
    if anatomy.region == "lumbar":
        top, low = anatomy.level("T11").centre[2], anatomy.level("S2").centre[2]
        rx = np.interp(z, [low - 9, low, anatomy.level("L5").centre[2], 20, top], [0.1, 5, 8.5, 10.5, 9.5])
        ry = np.interp(z, [low - 9, low, anatomy.level("L5").centre[2], 20, top], [0.1, 3.2, 6.4, 8.2, 7.8])
        front = np.interp(z, [low, anatomy.level("L5").centre[2] - 10, 0], [7.5, 4.0, 1.6])
        gap, rhythm = 2.0, 6.5
    else:
        c3, t2 = anatomy.level("C3").centre[2], anatomy.level("T2").centre[2]
        rx = np.interp(z, [t2 - 40, t2, c3 - 40, c3, c3 + 45], [8.5, 8.8, 11, 11.5, 13])
        ry = np.interp(z, [t2 - 40, t2, c3 - 40, c3, c3 + 45], [6.6, 6.4, 6.3, 6.8, 9.5])
        front = np.full_like(z, 1.3)
        gap, rhythm = 0.9, 2.0
    tilt = anatomy.curves.tilt
    centre = anatomy.curves.wall - 0.5 + (front + ry) / np.cos(tilt)
    # Fat behind the sac lies between the laminae: at the level of the discs.
    discs = np.array([_disc_frame(level)[0][2] for level in anatomy.levels if level.name[0] != "S"])
    near = np.min(np.abs(z[:, None] - 3 - discs), axis=1)
    return rx, ry, centre, gap + rhythm * np.exp(-((near / 8) ** 2))


def _paint_canal(canvas: Canvas, anatomy: Anatomy) -> None:
    curves = anatomy.curves
    low = anatomy.level("S2").centre[2] - 25 if anatomy.region == "lumbar" else -1e6
    high = 1e6 if anatomy.region == "lumbar" else anatomy.level("C2").centre[2] + 30
    part = canvas.window((-32, 32), z=(low, high))
    if part is None:
        return
    rx, ry, centre, behind = (curves.at(table, part.z) for table in sac_tables(anatomy))
    u = part.x - curves.at(curves.x, part.z)
    t = (part.y - centre) * np.cos(curves.at(curves.tilt, part.z))
    # Narrower towards the back, as the laminae meet.
    taper = np.clip(1 - 0.55 * (t - ry) / np.maximum(behind, 1), 0.25, 1)
    canal = ellipse(u / taper, t - behind / 2, rx + 2.2, ry + behind / 2 + 1.6)
    flavum = np.maximum(canal - 3.0, -t - 2)
    part.paint(flavum, "ligament", rough=0.5)
    part.paint(canal, part.fields["fat"], rough=0.4)


def _foramina_window(canvas: Canvas, level: Level) -> Canvas | None:
    """Window around the foramina below the pedicles of `level`; None for the sacrum."""
    if level.name[0] == "S":
        return None
    front = -4 if level.name[0] == "C" else level.b - 10
    return _window_around(canvas, level, level.a + 26, (front, level.b + 14), (-2 * level.h - 6, level.h + 8))


def _paint_foramen(canvas: Canvas, level: Level) -> None:
    """Fat in the foramina below the pedicles; in the neck also the vertebral arteries."""
    part = _foramina_window(canvas, level)
    if part is None:
        return
    u, v, w = level.local(part.x, part.y, part.z)
    side, b, h = np.abs(u), level.b, level.h
    if level.name[0] == "C":
        p = 0.92 * level.a + 1
        hole = capsule(side, v, w, (p - 3, b + 2.5, -1.15 * h), (p + 7, b - 2, -1.2 * h), 3.0)
        part.paint(hole, part.fields["fat"], rough=0.4)
        artery = ellipse(side - p - 3.5, v - 0.1 * b, 2.2, 2.2) + 0 * w
        part.paint(np.maximum(artery, np.abs(w) - h - 6), "flowing blood", rough=0.3)
        return
    p = 0.56 * level.a + 2
    hole = np.minimum(
        capsule(side, v, w, (p - 2, b + 3.5, -0.55 * h), (p + 11, b + 1, -0.75 * h), 6.5),
        capsule(side, v, w, (p - 2, b + 3, -0.8 * h), (p + 11, b + 2, -1.5 * h), 4.2),
    )
    part.paint(hole, part.fields["fat"], rough=0.8)


def _paint_root(canvas: Canvas, level: Level) -> None:
    """Root, ganglion and veins in the foramina below the pedicles."""
    part = _foramina_window(canvas, level)
    if part is None:
        return
    u, v, w = level.local(part.x, part.y, part.z)
    side, b, h = np.abs(u), level.b, level.h
    if level.name[0] == "C":
        p = 0.92 * level.a + 1
        root = capsule(side, v, w, (p - 2, b + 2.5, -1.1 * h), (p + 9, b - 2.5, -1.25 * h), 1.7)
        part.paint(root, "ganglion", rough=0.3)
        return
    p = 0.56 * level.a + 2
    root = capsule(side, v, w, (p - 6, b + 5, 0.3 * h), (p + 3, b + 2.5, -0.55 * h), 1.7)
    part.paint(root, "nerve", rough=0.2)
    part.paint(ellipsoid(side - p - 3, v - b - 2.5, w + 0.6 * h, 5, 2.6, 3.0), "ganglion", rough=0.3)
    part.paint(capsule(side, v, w, (p + 5, b + 2, -0.7 * h), (p + 22, b - 6, -1.9 * h), 1.9), "nerve", rough=0.2)
    part.paint(ellipsoid(side - p - 6, v - b - 1, w + 0.25 * h, 2.0, 1.5, 1.5), "vein", rough=0.2)


def _paint_dural_sac(canvas: Canvas, anatomy: Anatomy) -> None:
    curves = anatomy.curves
    bottom, top = -1e6, 1e6
    if anatomy.region == "lumbar":
        bottom = anatomy.level("S2").centre[2] - 8
    else:  # up to the foramen magnum; the brain stem goes on from there
        top = anatomy.level("C2").centre[2] + 35
    part = canvas.window((-20, 20), z=(bottom, top))
    if part is None:
        return
    rx, ry, centre, _ = (curves.at(table, part.z) for table in sac_tables(anatomy))
    u = part.x - curves.at(curves.x, part.z)
    t = (part.y - centre) * np.cos(curves.at(curves.tilt, part.z))
    sac = ellipse(u, t, rx, ry)
    part.paint(sac - 0.5, "ligament", rough=0.4)
    # The moving fluid is not quite even.
    part.paint(sac, part.signals["csf"] * (1 + 0.02 * part.fields["lobules"]), rough=0.4)
    if anatomy.region == "lumbar":
        _paint_cord(part, anatomy, u, t + 0.12 * ry, tip=anatomy.conus, wide=(4.6, 3.7))
        _paint_cauda(part, anatomy, u, t, rx, ry)
    else:
        _paint_cord(part, anatomy, u, t + 0.10 * ry, tip=None, wide=(6.4, 3.9))
        _paint_cervical_roots(part, anatomy)


def _paint_cord(
    part: Canvas, anatomy: Anatomy, u: Array, t: Array, *, tip: float | None, wide: tuple[float, float]
) -> None:
    if tip is not None:  # enlargement, then cone
        above = part.z - tip
        swell = 1 + 0.12 * np.exp(-(((above - 35) / 18) ** 2))
        cone = np.clip(np.maximum(above, 0) / 24, 0, 1) ** 0.7
        size = np.where(above > 0, swell * cone, 0)
        if not np.any(size > 0):
            return
    else:
        c5, t2 = anatomy.level("C5").centre[2], anatomy.level("T2").centre[2]
        size = np.interp(part.z, [t2 - 30, t2, c5 - 15, c5 + 10, c5 + 45], [0.80, 0.82, 1.0, 1.03, 0.97])
    a, b = np.maximum(wide[0] * size, 0.05), np.maximum(wide[1] * (0.6 + 0.4 * size) * (size > 0), 0.05)
    cord = ellipse(u, t, a, b)
    part.paint(cord, part.signals["cord"] * (1 + 0.02 * part.fields["blotches"]), rough=0.15)
    side = np.abs(u)
    horns = np.minimum(
        ellipse(side - 0.30 * a, t + 0.12 * b, 0.20 * a, 0.42 * b),
        ellipse(side - 0.34 * a, t - 0.28 * b, 0.1 * a, 0.42 * b),
    )
    bridge = np.maximum(np.abs(t + 0.02 * b) - 0.10 * b, side - 0.3 * a)
    grey = np.maximum(np.minimum(horns, bridge), cord + 0.5)
    part.paint(grey, "grey matter", rough=0.0)
    # Anterior fissure.
    part.paint(np.maximum(side - 0.25, np.abs(t + 0.78 * b) - 0.22 * b), "csf", rough=0.0)


def _paint_cauda(part: Canvas, anatomy: Anatomy, u: Array, t: Array, rx: Array, ry: Array) -> None:
    """Roots from the conus down: lying on the back of the sac, turning outwards where they leave."""
    rng = np.random.default_rng([anatomy.seed, 5])
    names = ["L1", "L2", "L3", "L4", "L5", "S1", "S2", "S3"]
    for index, name in enumerate(names):
        exit_z = anatomy.level(name).centre[2]
        for sign in (-1, 1):
            for _ in range(2):
                start = anatomy.conus + 38 - 3.5 * index
                lane = sign * float(np.clip(0.78 - 0.095 * index + rng.normal(0, 0.05), 0.05, 0.85))
                depth = 0.30 + 0.05 * index + rng.normal(0, 0.09)
                radius = rng.uniform(0.45, 0.65)
                wave = rng.uniform(0.02, 0.06) * np.sin(part.z / rng.uniform(12, 22) + rng.uniform(0, 6))
                near = np.exp(-np.maximum(part.z - exit_z, 0) / 12)
                begin = np.clip((start - part.z) / 30, 0, 1)
                x = rx * ((1 - near) * lane * (0.45 + 0.55 * begin) + near * sign * 0.88) + rx * wave
                y = ry * ((1 - near) * depth * (1 - lane**2) ** 0.5 * begin - 0.15 * near)
                if np.abs(u - x).min() > 1.5:
                    continue
                gone = np.maximum(part.z - start, exit_z - part.z) * 0.5
                root = np.maximum(np.sqrt((u - x) ** 2 + (t - y) ** 2) - radius, gone)
                part.paint(root, "nerve", rough=0.0)


def _paint_cervical_roots(canvas: Canvas, anatomy: Anatomy) -> None:
    """Front and back roots on their way through the fluid."""
    for level in anatomy.levels:
        part = _window_around(canvas, level, 15, (level.b, level.b + 14), (-1.4 * level.h, 0))
        if part is None:
            continue
        u, v, w = level.local(part.x, part.y, part.z)
        for back in (-1.6, 2.2):
            start, end = (5, level.b + 9 + back, -0.6 * level.h), (13, level.b + 5, -1.1 * level.h)
            part.paint(capsule(np.abs(u), v, w, start, end, 0.6), "nerve", rough=0.0)
