"""The charter of a reader study, from its protocol: what an ethics board or a sponsor reads before the first reading.

A charter is the protocol as ``protocol.json`` has it, alone or as ``protocol`` beside what the site adds:

words
    What people wrote, by the names of ``WORDS``.
made
    Arm to how it is simulated, in words: as its recipe has it, or as its series that no scanner acquired have it.
material
    ``subjects``, ``cases``, ``training_cases`` and ``sites``, rows of ``id``, ``name``, ``subjects``.
schedule
    ``pairs``, ``each`` (reader), ``fewest`` and ``most`` where readers have lists of other lengths, ``training``,
    ``repeats`` and ``distance``.
plan
    What ``analysis.sample_size.plan`` gave.
simulated
    That images are simulated, in a sentence.
briefing
    ``number`` and ``sha256`` of what readers are told.
version
    ``number``, ``state``, ``at``, ``reason`` and ``sha256`` of the charter itself.

Order of the parts: FDA, Clinical Trial Imaging Endpoint Process Standards (2018), section V; ICH E6(R3), appendix B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import InputError
from analysis.formats import percent
from analysis.protocol import ensure_frozen, parse_protocol, read_json, sha256
from analysis.report import charter_changes, charter_statistics, render, table_cells
from analysis.report.study_size import counted
from analysis.report.table import Table

Charter = Mapping[str, Any]
WORDS = {
    "objective": "Objective",
    "population": "Subjects: who is included, who is not",
    "readers": "Readers: qualification and training",
    "responsible": "Responsible, sponsor, ethics committee",
    "data": "Data handling: what else holds here",
}


@dataclass(frozen=True)
class Part:
    """One numbered part: sentences, then tables."""

    key: str
    title: str
    sentences: Sequence[str]
    tables: Sequence[Table] = ()


def page(charter: Charter, *, earlier: Charter | None = None, paper: str = "A4") -> str:
    """The whole charter as a page for a browser or a printer; ``earlier``: the version that it is compared with."""
    charter = whole(charter)
    title = str(charter["protocol"].get("title") or charter["protocol"].get("study") or "Reader study")
    return render.dossier(
        "charter.html",
        title=title,
        kind="Charter",
        head=f"Charter · {title}{_of_version(charter)}",
        paper=paper,
        parts=parts(charter),
        facts=_facts(charter),
        changes=None if earlier is None else charter_changes.table(charter, whole(earlier)),
    )


def _facts(charter: Charter) -> list[tuple[str, str]]:
    """What tells this version from others."""
    version = charter.get("version") or {}
    numbered = ", ".join(str(version[name]) for name in ("number", "state") if version.get(name))
    found = {
        "Version": numbered,
        "Kept": version.get("at"),
        "Reason": version.get("reason"),
        "SHA-256 of the charter": version.get("sha256"),
        "SHA-256 of the protocol": charter["protocol"].get("sha256"),
    }
    return [(name, str(value)) for name, value in found.items() if value]


def read(path: Path) -> Charter:
    """The charter in a file, or that of its protocol. Raises InputError, also where it gives a hash that is not its
    own: of the protocol, as frozen, or of the charter, as kept."""
    found = whole(read_json(path))
    ensure_frozen(found["protocol"], name=path.name)
    kept = {name: value for name, value in found.items() if name != "version"}
    if (found.get("version") or {}).get("sha256") not in (None, sha256(kept)):
        raise InputError(f"{path.name} is not the version that was kept: its sha256 is not that of what it says.")
    return found


def whole(charter: Charter) -> Charter:
    """The charter of a protocol, or a charter as it is. Raises InputError for what is neither."""
    if not isinstance(charter, Mapping):
        raise InputError("The charter must be a JSON object.")
    found = charter if "protocol" in charter else {"protocol": charter}
    parse_protocol(found["protocol"])
    return found


def parts(charter: Charter) -> list[Part]:
    """The parts of a whole charter, in order."""
    protocol = charter["protocol"]
    found = [_objective(charter), _design(charter), _arms(charter)]
    if not protocol.get("images_only"):
        said = charter_statistics.sentences(protocol, charter.get("plan"))
        found += [_readers(charter), _schedule(charter), _display(charter), _criteria(charter)]
        found.append(Part("statistics", "Statistics", said))
    return [*found, _data(charter), _amendments(charter)]


def _of_version(charter: Charter) -> str:
    version = charter.get("version") or {}
    return f" · version {version['number']}" if version.get("number") else ""


def _said(charter: Charter, name: str) -> list[str]:
    """What was written under a name, a paragraph a line."""
    return [line.strip() for line in str((charter.get("words") or {}).get(name) or "").splitlines() if line.strip()]


def _objective(charter: Charter) -> Part:
    protocol = charter["protocol"]
    asked = [
        f"{one['first']} vs {one['second']}: {one['question']}"
        for one in protocol.get("comparisons") or ()
        if one.get("question")
    ]
    said = _said(charter, "objective") or ["No objective was written."]
    return Part("objective", "Objective", [*said, *asked, *_said(charter, "responsible")])


def _design(charter: Charter) -> Part:
    protocol, material = charter["protocol"], charter.get("material")
    if protocol.get("images_only"):
        said = ["Images of the arms are compared by measurement alone; nobody reads in this study."]
    else:
        said = [
            "Blinded, randomised reader study of paired preference: each reader sees two images of one case side by "
            "side, made in two arms, without knowing which is which, and says which one serves better. A preference "
            "above 3 favours the first arm of a comparison."
        ]
    synthetic = "The images are synthetic." if protocol.get("synthetic") else ""
    said += [words] if (words := charter.get("simulated") or synthetic) else []
    tables = []
    if material:
        training = material.get("training_cases")
        more = f", and {counted(training, 'case')} for training" if training else ""
        said.append(
            f"{counted(material['subjects'], 'subject')} with {counted(material['cases'], 'case')} (pulse sequences of "
            f"one subject){more}. Subjects are named by codes."
        )
        tables.append(
            Table(
                "sites",
                "Sites",
                heads=["Site", "Name", "Subjects"],
                rows=[
                    [*table_cells.words(one["id"], one.get("name") or ""), table_cells.count(one["subjects"])]
                    for one in material["sites"]
                ],
                words=2,
                reason="" if material["sites"] else "no site is named",
            )
        )
    comparisons = protocol.get("comparisons") or ()
    if comparisons:
        rows = [table_cells.words(one["first"], one["second"], one.get("question") or "") for one in comparisons]
        tables.append(Table("comparisons", "Comparisons", heads=["First", "Second", "Question"], rows=rows, words=3))
    return Part("design", "Design and subjects", [*said, *_said(charter, "population")], tables)


def _arms(charter: Charter) -> Part:
    arms = charter["protocol"].get("arms") or ()
    rows = [
        table_cells.words(
            str(arm["id"]),
            str(arm.get("acquisition") or ""),
            {"dl": "DL"}.get(arm.get("reconstruction") or "", str(arm.get("reconstruction") or "")),
            _how_made(arm, (charter.get("made") or {}).get(arm["id"], "")),
        )
        for arm in arms
    ]
    simulated = [str(arm["id"]) for arm in arms if arm.get("degrade") or arm.get("reconstruct")]
    said = ["An arm is one way of acquiring and reconstructing."]
    if simulated:
        said.append(
            f"Simulated, not acquired: {', '.join(simulated)}. What is made from a simulated arm rests on it. Nothing "
            "that is found in simulated images is evidence of what a scanner does."
        )
    heads = ["Arm", "Acquisition", "Reconstruction", "How it is made"]
    reason = "" if rows else "the protocol names no arm"
    return Part(
        "arms", "Arms, and how each is made", said, [Table("arms", "Arms", "", heads, rows, words=4, reason=reason)]
    )


def _how_made(arm: Mapping[str, Any], words: str) -> str:
    source = arm.get("made_from")
    if not source:
        return f"uploaded; {words}" if words else "uploaded"
    if arm.get("model"):
        return f"from {source} by the model {arm['model']}" + (f"; {words}" if words else "")
    for command in ("degrade", "reconstruct"):
        if settings := arm.get(command):
            told = words or ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items())
            return f"simulated from {source}: {told}"
    return f"from {source}"


def _readers(charter: Charter) -> Part:
    protocol = charter["protocol"]
    added = {
        str(code): one["number"]
        for one in protocol.get("amendments") or ()
        if one["kind"] == "reader_added"
        for code in one.get("what") or ()
    }
    codes = [*(protocol.get("reader_codes") or []), *added]
    named = [f"{code} (added by amendment {added[code]})" if code in added else code for code in codes]
    inference = (
        "They stand for readers in general: inference is to readers like them."
        if protocol.get("readers") == "random"
        else "Inference is to these readers."
    )
    said = [
        f"{counted(len(codes), 'reader')}{', ' + ', '.join(named) if named else ''}. {inference} A reader holds no "
        "other role in the study, sees only the own list, and never an arm, another's answer or an interim result."
    ]
    briefing, schedule = charter.get("briefing"), charter.get("schedule") or {}
    told = f" (version {briefing['number']}, SHA-256 {briefing['sha256']})" if briefing else ""
    said.append(
        f"Before the first pair each reader reads the briefing{told}: the criteria with their anchors, and how reading "
        "goes. The log keeps who has read which version."
    )
    practice = _practice(protocol, schedule)
    return Part("readers", "Readers and training", [*said, practice, *_said(charter, "readers")])


def _practice(protocol: Mapping[str, Any], schedule: Mapping[str, Any]) -> str:
    most = (protocol.get("schedule") or {}).get("practice_pairs")
    if schedule.get("training"):
        each = f"{counted(schedule['training'], 'practice pair')} in all, from cases outside the analysis, come first."
        return each + ("" if most is None else f" At most {counted(most, 'practice pair')} a reader.")
    return "There are no practice pairs."


def _schedule(charter: Charter) -> Part:
    protocol, made = charter["protocol"], charter.get("schedule") or {}
    rules = protocol.get("schedule") or {}
    gone = any(one["kind"] == "subject_withdrawn" for one in protocol.get("amendments") or ())
    withdrawn = ", those of withdrawn subjects only until then" if gone else ""
    seed = f", {protocol['seed']}," if "seed" in protocol else ""
    said = [
        f"Each reader sees every case once in each comparison{withdrawn}. Which arm stands on the left is "
        "drawn, balanced within each comparison to one pair; the order is drawn too, and nobody can choose it. The "
        f"same seed{seed} gives the same schedule."
    ]
    if made.get("pairs"):
        each = f"{made['fewest']:,} to {made['most']:,}" if "most" in made else f"{made['each']:,}"
        said.append(f"{counted(made['pairs'], 'pair')} in all, {each} for each reader.")
    if rules.get("min_distance"):
        least = made.get("distance")
        found = f"; in this schedule the least is {least}" if least else ""
        said.append(f"Pairs of one subject lie at least {rules['min_distance']} positions apart where feasible{found}.")
    if rules.get("repeat_share"):
        said.append(
            f"{percent(rules['repeat_share'])} of the pairs come a second time, hidden, with sides swapped, to measure "
            "each reader's own repeatability."
        )
    else:
        said.append("There are no hidden repeats.")
    if rules.get("parts", 1) > 1:
        said.append(
            f"Each list has {rules['parts']} parts with at least {counted(rules.get('washout_days', 0), 'day')} "
            "between them; the site opens a part no earlier."
        )
    guesses = (protocol.get("questions") or {}).get("guesses")
    said.append(
        "Blinding: nothing that a reader's browser receives tells an arm (names, sizes, order, windows and addresses "
        "are the same for both sides). "
        + (
            f"At the end each reader guesses which image was which on {counted(guesses, 'pair')}; Bang's and James' "
            "indices are reported."
            if guesses
            else "Readers are not asked to guess which image was which."
        )
    )
    said.append(
        "Unblinding before closing needs a reason and the password of an admin, is logged, and its impact is assessed. "
        "Results are shown to nobody before the study is closed."
    )
    return Part("schedule", "Schedule and blinding", said)


def _display(charter: Charter) -> Part:
    asked = charter["protocol"].get("questions") or {}
    seen = (
        "Readers may confirm a pair without having seen every slice."
        if asked.get("all_slices") is False
        else "A pair is confirmed only when every slice of both sides was on screen."
    )
    values = (
        "Readers may see pixel values in percent of the common range, regions and the difference."
        if asked.get("values")
        else "Readers see no pixel values and no difference of the two."
    )
    back = "They may go back" if asked.get("back", True) else "They cannot go back"
    return Part(
        "display",
        "Display",
        [
            "All arms of a case are mapped once, by the same kernel, onto one grid (the finest matrix, the common "
            "extent), their intensities by one rule of percentiles, so that both sides share one window. Slices are "
            "paired by their place in the patient; window, zoom and slice move together.",
            f"{seen} {values} {back} to the pair before; every change is kept as a revision. Each reader's display is "
            "checked (luminance steps, low-contrast discs) and results are also given without displays that failed.",
        ],
    )


def _criteria(charter: Charter) -> Part:
    protocol = charter["protocol"]
    asked = protocol.get("questions") or {}
    criteria = protocol.get("criteria") or ()
    rows = [
        table_cells.words(
            str(one.get("name") or one["id"]),
            str(one.get("asks") or ""),
            str(one.get("better") or ""),
            ", ".join(one.get("regions") or ()) or "all",
        )
        for one in criteria
    ]
    anchors: dict[tuple[str, ...], list[str]] = {}
    for one in criteria:
        anchors.setdefault(tuple(one.get("anchors") or ()), []).append(str(one.get("name") or one["id"]))
    said = [
        f"{', '.join(names) if len(anchors) > 1 else 'All criteria'}: "
        + "; ".join(f"{score} {words}" for score, words in enumerate(scale, 1))
        + "."
        for scale, names in anchors.items()
        if scale
    ]
    more = [
        sentence
        for key, sentence in {
            "integrity": "For each pair: whether anatomy or pathology was lost, corrupted, altered, created or "
            "exaggerated, on which side, and where.",
            "diagnostic": "For each pair: which of the two images is of diagnostic quality.",
            "cannot_judge": "A reader may answer “cannot judge”; such answers are counted, and left out of means.",
        }.items()
        if asked.get(key)
    ]
    table = Table(
        "criteria",
        "Criteria",
        heads=["Criterion", "What it asks", "“Better” means", "Asked for"],
        rows=rows,
        words=4,
        reason="" if rows else "the protocol names no criterion",
    )
    return Part("criteria", "Criteria and anchors", [*said, *more], [table])


def _data(charter: Charter) -> Part:
    read = not charter["protocol"].get("images_only")
    said = [
        "Images are de-identified before they are stored: what is not on the list of kept elements is left out, and a "
        "file whose identity cannot be removed is refused. Subjects, sites and readers are codes in every table.",
        "Every change stands in an append-only log, chained and authenticated with the key of the site. Opening the "
        "study freezes the protocol"
        + (", the schedule" if read else "")
        + " and the SHA-256 of every series; closing ends it for good, and a locked study cannot change.",
    ]
    if read:
        said.append(
            "Each answer is kept at once and is never overwritten: a change is another revision with its time. A "
            "subject that is withdrawn is left out of the analysis and its pixels are erased; hashes stay."
        )
    return Part("data", "Data handling", [*said, *_said(charter, "data")])


def _amendments(charter: Charter) -> Part:
    rows = table_cells.amendments(charter["protocol"].get("amendments") or ())
    table = Table(
        "amendments",
        "Amendments",
        heads=["No.", "Date", "Kind", "What", "Reason"],
        rows=rows,
        words=5,
        reason="" if rows else "none was made",
    )
    said = [
        "Until the study is opened the protocol may change, and each kept version of this charter is numbered. After "
        "opening only numbered amendments with a reason are possible; they change nothing that was scheduled before, "
        "but that pairs of a subject who is withdrawn are no longer read."
    ]
    return Part("amendments", "Amendments", said, [table])
