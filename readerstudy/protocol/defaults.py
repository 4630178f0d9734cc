"""The protocol of Bash et al. 2021: four arms, three comparisons, eight criteria."""

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
CRITERIA = [
    ("snr", "SNR", "noise as it would disturb reading", "less noise"),
    ("resolution", "Resolution", "finest structure told apart", "finer detail"),
    ("artifacts", "Artifacts", "motion, flow, ghosting, truncation", "fewer artifacts"),
    (
        "cord_delineation",
        "Cord delineation",
        "edge of the cord against its surroundings",
        "sharper cord border",
    ),
    (
        "cord_csf_contrast",
        "Cord/CSF contrast",
        "difference in signal of cord and CSF",
        "clearer cord against CSF",
    ),
    ("disc_pathology", "Disc pathology", "protrusion, extrusion, annular tear", "disc disease better seen"),
    ("bone_lesions", "Bone lesions", "focal marrow signal, fracture", "lesions better seen"),
    ("facet_ligament", "Facet/ligament", "arthropathy, hypertrophy, effusion", "pathology better seen"),
]
