"""What a new study begins with: arms and comparisons of Bash et al. 2021, and criteria that fit its regions.

Those of the spine are the eight of Bash et al.
"""

from collections.abc import Collection, Iterator

ANCHORS = [
    "left markedly better",
    "left slightly better",
    "no difference",
    "right slightly better",
    "right markedly better",
]

# code, acquisition, reconstruction, made from
ARMS = [
    ("SOC", "reference", "standard", None),
    ("FAST", "accelerated", "standard", None),
    ("FAST-DL", "accelerated", "dl", "FAST"),
    ("SOC-DL", "reference", "dl", "SOC"),
]

# first, second, question; oriented as in Table 2: a preference above 3 favours the first
COMPARISONS = [
    ("SOC", "FAST", "what acceleration costs"),
    ("FAST-DL", "SOC", "whether the enhanced fast scan is as good as the slow one"),
    ("FAST-DL", "FAST", "what DL adds"),
]

# code, name, what it asks, what "better" means
Criteria = list[tuple[str, str, str, str]]

OF_EVERY_REGION: Criteria = [
    ("snr", "SNR", "noise as it would disturb reading", "less noise"),
    ("resolution", "Resolution", "finest structure told apart", "finer detail"),
    ("artifacts", "Artifacts", "motion, flow, ghosting, truncation", "fewer artifacts"),
]
_SPINE: Criteria = [
    ("cord_delineation", "Cord delineation", "edge of the cord against its surroundings", "sharper cord border"),
    ("cord_csf_contrast", "Cord/CSF contrast", "difference in signal of cord and CSF", "clearer cord against CSF"),
    ("disc_pathology", "Disc pathology", "protrusion, extrusion, annular tear", "disc disease better seen"),
    ("bone_lesions", "Bone lesions", "focal marrow signal, fracture", "lesions better seen"),
    ("facet_ligament", "Facet/ligament", "arthropathy, hypertrophy, effusion", "pathology better seen"),
]
_BRAIN: Criteria = [
    ("grey_white", "Grey/white matter", "differentiation of cortex and white matter", "clearer differentiation"),
    ("deep_nuclei", "Deep nuclei", "outline of basal ganglia and thalamus", "sharper outline"),
    ("brain_lesions", "Lesion conspicuity", "lesions of white and grey matter", "lesions better seen"),
    ("posterior_fossa", "Posterior fossa", "brain stem and cerebellum, pulsation", "less disturbed"),
]
_NECK: Criteria = [
    ("spaces", "Fascial planes", "outline of the deep spaces of the neck", "sharper outline"),
    ("nodes", "Lymph nodes", "outline and hilum of nodes", "nodes better seen"),
]
_CHEST: Criteria = [
    ("mediastinum", "Mediastinum", "outline of vessels and nodes", "sharper outline"),
    ("respiration", "Respiration", "blur and ghosts of breathing", "less disturbed"),
]
_BREAST: Criteria = [
    ("fibroglandular", "Fibroglandular tissue", "outline against fat", "sharper outline"),
    ("breast_lesions", "Lesion margins", "margin and inner structure of masses", "margins better seen"),
    ("fat_suppression", "Fat suppression", "how even it is over both breasts", "more even"),
]
_HEART: Criteria = [
    ("blood_myocardium", "Blood/myocardium", "border of cavity and myocardium", "sharper border"),
    ("valves", "Valves", "leaflets and papillary muscles", "better seen"),
]
_ABDOMEN: Criteria = [
    ("liver_vessels", "Liver vessels", "portal and hepatic veins in the parenchyma", "sharper vessels"),
    ("liver_edge", "Liver edge", "border of the liver under the diaphragm", "sharper edge"),
    ("liver_lesions", "Lesion conspicuity", "focal lesions of liver, kidney and pancreas", "lesions better seen"),
    ("ducts", "Bile and pancreatic duct", "course of the ducts", "ducts better seen"),
]
_PELVIS: Criteria = [
    ("pelvic_organs", "Pelvic organs", "layers of uterus, bladder and rectum", "layers better seen"),
    ("pelvic_lesions", "Lesion conspicuity", "focal lesions and nodes", "lesions better seen"),
]
_PROSTATE: Criteria = [
    ("zones", "Zonal anatomy", "peripheral zone against transition zone", "clearer border"),
    ("capsule", "Capsule", "continuity of the capsule", "capsule better seen"),
    ("prostate_lesions", "Lesion conspicuity", "focal lesions", "lesions better seen"),
]
_JOINT: Criteria = [
    ("cartilage", "Cartilage", "surface and thickness of cartilage", "cartilage better seen"),
    ("ligaments", "Ligaments and tendons", "fibres, tears and attachments", "fibres better seen"),
    ("marrow", "Bone marrow", "oedema, fracture, focal lesions", "marrow better seen"),
]
_KNEE: Criteria = [*_JOINT, ("menisci", "Menisci", "signal and edge, tears", "menisci better seen")]
_SHOULDER: Criteria = [
    *_JOINT,
    ("cuff", "Rotator cuff", "tears and retraction of the tendons", "cuff better seen"),
    ("labrum", "Labrum", "outline and tears", "labrum better seen"),
]

_BY_REGION: dict[str, Criteria] = {
    **dict.fromkeys(("cervical", "thoracic", "lumbar", "spine"), _SPINE),
    **dict.fromkeys(("hip", "ankle", "foot", "elbow", "wrist", "hand"), _JOINT),
    **{"brain": _BRAIN, "neck": _NECK, "chest": _CHEST, "breast": _BREAST, "heart": _HEART, "abdomen": _ABDOMEN},
    **{"pelvis": _PELVIS, "prostate": _PROSTATE, "knee": _KNEE, "shoulder": _SHOULDER, "other": []},
}
CRITERIA = [*OF_EVERY_REGION, *_SPINE]


def criteria_for(regions: Collection[str]) -> Iterator[dict]:
    """Fields of the criteria that fit these regions, the spine where none is named; `regions`: empty where one is asked
    for in all of them."""
    chosen = list(regions) or ["spine"]
    asked: dict[tuple[str, str, str, str], list[str]] = {}
    for region in chosen:
        for criterion in [*OF_EVERY_REGION, *_BY_REGION[region]]:
            asked.setdefault(criterion, []).append(region)
    for (code, name, asks, better), of in asked.items():
        fields = {"code": code, "name": name, "asks": asks, "better": better, "anchors": ANCHORS}
        yield fields | {"regions": [] if len(of) == len(chosen) else of}
