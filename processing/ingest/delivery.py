"""A delivery of untrusted files to clean series, read in confined child processes that may die of a file.

The parent only passes names and paths on and remembers how far the child got: a file that kills it is refused, and
the next child goes on without it from the last series that was finished.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from processing.caution import Caution
from processing.errors import InputError
from processing.ingest import archives, confined, workers
from processing.ingest.accept import RefusedFile, SortedSeries
from processing.ingest.confined import DiedError, Tell
from processing.ingest.file_names import ARMS
from processing.ingest.sealed import Sealed, path_from, words_of
from processing.ingest.sort import Journal, Sorted, sort_files
from processing.ingest.taking import Outcome, sentence
from processing.volume import Parameters

MOST_DEATHS = 20
SORT_ALL = "processing.ingest.delivery:sort_all"
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class SortedDelivery:
    """sorted: what became of all files, those of archives under `<archive>/<path in it>`; sent_as: such a name → the
    name under which the file, or the archive that held it, was sent; paths: name → file on disk, archives included."""

    sorted: Sorted
    sent_as: dict[str, str] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)


def sort_delivery(
    files: Mapping[str, Path],
    folder: Path,
    *,
    key: bytes,
    arms: Iterable[str] = ARMS,
    limits: confined.ProcessLimits | None = None,
    progress: Progress | None = None,
    written: Callable[[list[Path]], None] | None = None,
    processes: int | None = None,
    reader: confined.Child | None = None,
) -> SortedDelivery:
    """Unpack the archives among `files` and sort everything as `sort_files` does, confined.

    folder: for what is unpacked and for the clean series, below `unpacked` and `clean`; empty before. arms: codes that
    names of files and folders may hold. progress: called with (share done, what is done). written: called with clean
    files that are whole while others are being made; until this returns the child may still change them. reader: what
    `SORT_ALL` is to run in first, if it was made ready before. Raises InputError if there are no files, or if file
    after file kills the reader.
    """
    progress = progress or (lambda share, what: None)
    processes = processes or workers.processors()
    plain, refused = dict(files), list[RefusedFile]()
    sent_as, lost = {name: name for name in files}, dict[str, str]()
    unpacked = folder / "unpacked"
    open_files = {name: path for name, path in plain.items() if not isinstance(path, Sealed)}
    found = open_files and _confined(
        "processing.ingest.delivery:unpack_all",
        lambda left: {"files": _named(left), "folder": str(unpacked)},
        open_files,
        refused,
        limits,
        lambda word: progress(0.1, "unpacking"),
        before=lambda: shutil.rmtree(unpacked, ignore_errors=True),
    )
    plain = {name: path for name, path in plain.items() if isinstance(path, Sealed) or name in open_files}
    for archive, number, content, reasons in found or ():
        del plain[archive]
        base = unpacked / str(number)
        for name, file in content:
            inside = _free_name(f"{_stem(archive)}/{name}", plain)
            plain[inside], sent_as[inside] = base / Path(str(file)).name, archive
        refused += [RefusedFile(archive, str(reason)) for _, reason in reasons]
        lost |= {f"{_stem(archive)}/{inside}": str(reason) for inside, reason in reasons if inside}
    clean = folder / "clean"
    known: dict[str, Any] = {}

    def listen(word: Any) -> None:
        if "group" in word:
            known[word["group"]] = word["outcome"]
        elif "written" in word:
            files = [Path(str(file)) for file in word["written"]]
            if written and all(file.parent.parent == clean for file in files):
                written(files)
        elif "progress" in word:
            done, total = word["progress"]
            progress(0.1 + 0.9 * done / max(total, 1), "sorting and de-identifying")

    paths = {**files, **plain}
    if not plain:
        return SortedDelivery(Sorted([], refused), sent_as, paths)
    answer = _confined(
        SORT_ALL,
        lambda left: {
            "files": _named(left),
            "out": str(clean),
            "key": key.hex(),
            "known": known,
            "arms": list(arms),
            "lost": [*lost.items(), *((one.name, one.reason) for one in refused)],
            "processes": processes,
        },
        plain,
        refused,
        limits,
        listen,
        first=reader,
    )
    if answer is None:  # every file killed the reader
        return SortedDelivery(Sorted([], refused), sent_as, paths)
    result = sorted_from(answer, clean)
    return SortedDelivery(replace(result, refused=refused + result.refused), sent_as, paths)


def _confined(
    function: str,
    arguments: Callable[[Mapping[str, Path]], Any],
    files: dict[str, Path],
    refused: list[RefusedFile],
    limits: confined.ProcessLimits | None,
    news: Tell,
    before: Callable[[], None] = lambda: None,
    first: confined.Child | None = None,
) -> Any:
    """The function's result on `files`, from which those that killed it have been taken out and refused.

    first: the child that is asked first.
    """
    for death in range(MOST_DEATHS + 1):
        reading = ""

        def listen(word: Any) -> None:
            nonlocal reading
            if "at" in word:
                reading = word["at"]
            else:
                news(word)

        before()
        try:
            if first and not death:
                return first.call(arguments(files), news=listen)
            return confined.run(function, arguments(files), limits=limits, news=listen)
        except DiedError as reason:
            if reading not in files or death == MOST_DEATHS:
                raise
            del files[reading]
            refused.append(RefusedFile(reading, str(reason)))
            if not files:
                return None
    raise AssertionError("unreachable")


def _named(files: Mapping[str, Path]) -> list[tuple[str, list[str]]]:
    return [(name, words_of(path)) for name, path in files.items()]


def _stem(name: str) -> str:
    lowered = name.lower()
    suffix = next((s for s in (".tar.gz", ".tgz", ".tar", ".zip") if lowered.endswith(s)), "")
    return name[: len(name) - len(suffix)]


def _free_name(name: str, taken: Mapping[str, Path]) -> str:
    while name in taken:
        name += "#"
    return name


def unpack_all(arguments: dict[str, Any], tell: Tell) -> list[Any]:
    """In the child: [archive, its folder, [[path in it, file name], …], [[path in it, reason], …]] for each."""
    archives_unpacked: list[Any] = []
    folder = Path(arguments["folder"])
    for name, words in arguments["files"]:
        tell({"at": name})
        path = path_from(words)
        kind = archives.kind_of(path)
        if kind is None:
            continue
        number = len(archives_unpacked) + 1
        try:
            if kind == "other":
                raise InputError(archives.OTHER)
            unpacked = archives.unpack(path, folder / str(number), progress=lambda count: tell({"seen": count}))
        except Exception as reason:
            shutil.rmtree(folder / str(number), ignore_errors=True)
            archives_unpacked.append([name, number, [], [["", sentence(reason)]]])
            continue
        content = [[inside, file.name] for inside, file in unpacked.files.items()]
        archives_unpacked.append([name, number, content, unpacked.refused])
    return archives_unpacked


class _Telling(Journal):
    def __init__(self, known: dict[str, Any], out: Path, tell: Tell) -> None:
        self._known, self._out, self._tell = known, out, tell

    def reading(self, name: str) -> None:
        self._tell({"at": name})

    def written(self, files: list[Path]) -> None:
        self._tell({"written": [str(file) for file in files]})

    def known(self, group: str) -> Outcome | None:
        return outcome_from(self._known[group], self._out) if group in self._known else None

    def done(self, group: str, outcome: Outcome) -> None:
        self._tell({"group": group, "outcome": _json(outcome)})


def sort_all(arguments: dict[str, Any], tell: Tell) -> Any:
    """In the child: `sort_files`, going on where another child died."""
    out = Path(arguments["out"])
    known = arguments["known"]
    finished = {file.parent for word in known.values() for one in outcome_from(word, out).series for file in one.files}
    for left in out.iterdir() if out.is_dir() else ():
        if left not in finished:
            shutil.rmtree(left)
    files = {name: path_from(words) for name, words in arguments["files"]}
    result = sort_files(
        files,
        out,
        key=bytes.fromhex(arguments["key"]),
        arms=arguments["arms"],
        lost=dict(arguments["lost"]),
        progress=lambda done, total: tell({"progress": [done, total]}),
        journal=_Telling(known, out, tell),
        processes=arguments["processes"],
    )
    return _json(result)


def _json(result: Sorted | Outcome) -> Any:
    def plain(value: Any) -> Any:
        if is_dataclass(value):  # `asdict` copies every value
            return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(inner) for inner in value]
        return str(value) if isinstance(value, Path) else value

    return plain(result)


def outcome_from(word: Any, out: Path) -> Outcome:
    """An Outcome from its JSON; see `sorted_from`."""
    try:
        series = [_series_from(one, out) for one in word["series"]]
        return Outcome(series, [bool(one) for one in word["deep_learning"]], _refused_from(word["refused"]))
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise InputError(_NONSENSE) from error


def sorted_from(word: Any, out: Path) -> Sorted:
    """A Sorted from its JSON. The child has read untrusted bytes: types are checked, files must lie below `out`.

    Raises InputError if the child's word makes no sense.
    """
    try:
        series = [_series_from(one, out) for one in word["series"]]
        return Sorted(series, _refused_from(word["refused"]), int(word["duplicates"]))
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise InputError(_NONSENSE) from error


_NONSENSE = "The reader of the files gave no sensible answer; a file may be made to do harm."


def _refused_from(words: Any) -> list[RefusedFile]:
    return [
        RefusedFile(str(word["name"]), str(word["reason"])[:400], int(word["more"]), bool(word["damaged"]))
        for word in words
    ]


def _series_from(word: Any, out: Path) -> SortedSeries:
    files = [Path(str(file)) for file in word["files"]]
    if not files or len({file.parent for file in files}) > 1 or files[0].parent.parent != out:
        raise ValueError("files")
    if not all(stat.S_ISREG(file.lstat().st_mode) for file in files):
        raise ValueError("files")
    if word["format"] not in ("dicom", "nifti") or len(word["names"]) != len(files):
        raise ValueError("format")
    slices, rows, columns = map(int, word["shape"])
    i, j, k = map(float, word["spacing"])
    kinds = {one.name: str(one.type) for one in fields(Parameters)}
    parameters: dict[str, Any] = {}
    for name, value in word["parameters"].items():
        if name == "notes":
            parameters[name] = tuple(str(note)[:200] for note in value) if value else None
            continue
        right = (str,) if "str" in kinds[name] else (int, float)
        if value is not None and (not isinstance(value, right) or isinstance(value, bool)):
            raise ValueError("parameters")
        parameters[name] = value
    return SortedSeries(
        files=files,
        format=word["format"],
        names=[str(name) for name in word["names"]],
        sha256=str(word["sha256"])[:64],
        shape=(slices, rows, columns),
        spacing=(i, j, k),
        affine=[[float(value) for value in row] for row in word["affine"]],
        parameters=Parameters(**parameters),
        subject_key=str(word["subject_key"])[:16],
        series_uid=str(word["series_uid"])[:64],
        description_hint=str(word["description_hint"]),
        arm_hint=None if word["arm_hint"] is None else str(word["arm_hint"])[:20],
        report=dict(word["report"]),
        instance_uids=[str(uid)[:64] for uid in word["instance_uids"]],
        conflict=str(word["conflict"])[:300],
        placing={str(name): str(code)[:20] for name, code in word["placing"].items()},
        part=str(word["part"])[:60],
        frame_of_reference=str(word["frame_of_reference"])[:64],
        cautions=[Caution(str(one["code"]), str(one["text"])[:400]) for one in word["cautions"]],
        masked_name=str(word["masked_name"])[-400:],
        arm_reason=str(word["arm_reason"])[:60],
        doubt=str(word["doubt"])[:200],
    )
