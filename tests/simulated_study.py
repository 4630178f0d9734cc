"""A simulated reader study of the size of Bash et al.: 61 subjects, 111 cases, 3 readers, 3 comparisons, 8 criteria.

Nobody was scanned and nobody read: scores are normal variates with parts of subject, case and answer, cut where the
readers of such a study would answer 1 … 5. The same seed gives the same tables.
"""

from typing import Any

import numpy as np
import pandas as pd

from analysis import protocol
from readerstudy.protocol.defaults import ARMS, COMPARISONS, criteria_for
from readerstudy.reading.schedule import Schedule, ScheduledCase, generate

SUBJECTS, CASES, READERS = 61, 111, ("R1", "R2", "R3")
SEED = 2021
DISTANCE, REPEAT_SHARE = 5, 0.1
NAMES = [f"{first} vs {second}" for first, second, _ in COMPARISONS]
HOW = "simulated study, nobody was scanned"
WEIGHTINGS = ("T1", "T2", "STIR")
SECONDS = {"SOC": 171, "FAST": 97}
CUTS = (-2.1, -0.9, 0.9, 2.1)
# Mean of the latent preference for the first arm, criterion by criterion, in the order of COMPARISONS.
LEANINGS = {
    "snr": (1.0, 0.9, 1.7),
    "resolution": (0.3, 0.1, 0.5),
    "artifacts": (0.1, 0.2, 0.3),
    "cord_delineation": (0.4, 0.2, 0.6),
    "cord_csf_contrast": (0.3, 0.2, 0.5),
    "disc_pathology": (0.2, 0.1, 0.3),
    "bone_lesions": (0.2, 0.0, 0.3),
    "facet_ligament": (0.2, 0.1, 0.3),
}
FEATURES = ("firstorder_Mean", "firstorder_Entropy", "glcm_Contrast", "glcm_JointEnergy", "glrlm_RunEntropy")
FEATURES += ("glszm_ZoneVariance", "gldm_DependenceEntropy", "ngtdm_Busyness")


def protocol_json() -> dict[str, Any]:
    """Its protocol as the site exports one, with its SHA-256."""
    arms = [
        {
            "id": code,
            "acquisition": acquisition,
            "reconstruction": reconstruction,
            "made_from": source,
            "model": "denoise" if source else None,
        }
        for code, acquisition, reconstruction, source in ARMS[:3]
    ]
    made = {
        "study": "simulated-spine",
        "title": "Simulated study of 61 subjects",
        "arms": arms,
        "comparisons": [{"first": a, "second": b, "question": question} for a, b, question in COMPARISONS],
        "criteria": [{"id": one.pop("code"), **one} for one in criteria_for([])],
        "primary": {"first": "FAST-DL", "second": "SOC", "criterion": "snr"},
        "margins": [
            {"kind": "equivalence", "on": "mean", "margin": 0.25},
            {"kind": "noninferiority", "on": "net_preference", "margin": 0.15},
        ],
        "readers": "fixed",
        "reader_codes": list(READERS),
        "schedule": {"min_distance": DISTANCE, "repeat_share": REPEAT_SHARE, "parts": 1, "washout_days": 0},
        "questions": {"integrity": True, "diagnostic": True, "cannot_judge": True, "guesses": 20},
        "seed": SEED,
    }
    return {**made, "sha256": protocol.sha256(made), "synthetic": True}


def tables() -> dict[str, pd.DataFrame]:
    """ratings, integrity, findings, guesses, series and features, by name."""
    random = np.random.default_rng(SEED)
    cases = _cases()
    return {**_read(random, cases), "series": _series(random, cases), "features": _features(random, cases)}


def _cases() -> list[tuple[str, str, str]]:
    """(subject, case, weighting): fifty subjects have a second sequence."""
    order = [*range(SUBJECTS), *range(CASES - SUBJECTS)]
    named = [(f"S{subject + 1:02d}", WEIGHTINGS[place // SUBJECTS]) for place, subject in enumerate(order)]
    return [(subject, f"{subject}-lumbar-sag-{weighting}", weighting) for subject, weighting in named]


def schedule() -> Schedule:
    """Who sees which pair when, as the site would have drawn it."""
    cases = [ScheduledCase(case, subject) for subject, case, _ in _cases()]
    return generate(
        seed=SEED, readers=READERS, cases=cases, comparisons=NAMES, distance=DISTANCE, repeat_share=REPEAT_SHARE
    )


def _read(random: np.random.Generator, cases: list[tuple[str, str, str]]) -> dict[str, pd.DataFrame]:
    rows: dict[str, list[dict[str, Any]]] = {"ratings": [], "integrity": [], "findings": [], "guesses": []}
    of_subject = dict(zip(sorted({subject for subject, *_ in cases}), random.normal(0, 0.45, SUBJECTS), strict=True))
    of_case = {case: random.normal(0, 0.35) for _, case, _ in cases}
    named, entries = {case: (subject, weighting) for subject, case, weighting in cases}, schedule().entries
    for reader in READERS:
        for entry in (one for one in entries if one.reader == reader):
            case, position, kind, side = entry.case, entry.position, entry.kind, entry.first_side
            subject, weighting = named[case]
            place = NAMES.index(entry.comparison)
            first, second, _ = COMPARISONS[place]
            of_pair = {
                "study": "simulated-spine",
                "subject": subject,
                "case": case,
                "reader": reader,
                "presentation": f"{reader}-{position}",
                "comparison": entry.comparison,
            }
            seconds = round(float(random.lognormal(3.4, 0.35)), 1)
            for criterion, leanings in LEANINGS.items():
                felt = leanings[place] + of_subject[subject] + of_case[case] + random.normal(0, 1)
                preference = 1 + int(np.searchsorted(CUTS, felt))
                judged = random.random() > 0.004
                rows["ratings"].append(
                    {
                        **of_pair,
                        "site": "A",
                        "region": "lumbar",
                        "plane": "sagittal",
                        "weighting": weighting,
                        "position": position,
                        "part": 1,
                        "kind": kind,
                        "repeat_of": f"{reader}-{entry.repeat_of}" if entry.repeat_of else None,
                        "first": first,
                        "second": second,
                        "first_side": side,
                        "criterion": criterion,
                        "score": (preference if side == "right" else 6 - preference) if judged else None,
                        "status": "rated" if judged else "cannot_judge",
                        "revision": 1,
                        "seconds": seconds,
                    }
                )
            other = {"left": "right", "right": "left"}[side]
            lost = kind == "main" and second == "FAST" and random.random() < 0.01
            for arm, where in ((first, side), (second, other)):
                told = {"kind": kind, "side": where, "arm": arm}
                seen = {"consistent": not (lost and arm == second), "diagnostic": bool(random.random() > 0.003)}
                rows["integrity"].append({**of_pair, **told, **seen})
            if lost:
                what = {"side": other, "arm": second, "kind": "loss", "structure": "facet joint"}
                rows["findings"].append({**of_pair, **what})
            if kind == "main" and position <= 20:
                guessed = ("left", "right", "unknown")[random.choice(3, p=(0.3, 0.3, 0.4))]
                rows["guesses"].append({**of_pair, "guessed": guessed, "first_side": side})
    return {
        name: pd.DataFrame(found).astype({"score": "Int64"} if name == "ratings" else {})
        for name, found in rows.items()
    }


def _series(random: np.random.Generator, cases: list[tuple[str, str, str]]) -> pd.DataFrame:
    people = {subject: (int(random.integers(24, 82)), random.choice(["F", "M"])) for subject, *_ in cases}
    return pd.DataFrame(
        {
            "subject": subject,
            "site": "A",
            "case": case,
            "arm": arm,
            "series": f"{case}-{arm}",
            "manufacturer": "none",
            "model": HOW,
            "field_strength": 3.0,
            "acquisition_seconds": SECONDS.get(arm),
            "made_from": "FAST" if arm == "FAST-DL" else None,
            "model_name": "denoise 3.2" if arm == "FAST-DL" else None,
            "simulated": HOW,
            "age": people[subject][0],
            "sex": people[subject][1],
        }
        for subject, case, _ in cases
        for arm in ("SOC", "FAST", "FAST-DL")
    )


def _features(random: np.random.Generator, cases: list[tuple[str, str, str]]) -> pd.DataFrame:
    """Eight features of one volume of interest in each of the first thirty cases."""
    rows = []
    for place, name in enumerate(FEATURES):
        truth = random.normal(10, 2, 30)
        for arm, noise in (("SOC", 0.0), ("FAST", 0.3 + 0.4 * place), ("FAST-DL", 0.2 + 0.2 * place)):
            measured = truth + random.normal(0.2 * noise, max(noise, 1e-9), 30)
            rows += [
                {"subject": subject, "case": case, "roi": "vertebra", "arm": arm, "feature": name, "value": value}
                for (subject, case, _), value in zip(cases, measured, strict=False)
            ]
    return pd.DataFrame(rows)
