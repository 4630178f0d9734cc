"""What the analysis makes of exported tables: made once per content, and kept."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath

import analysis
from readerstudy.archive import kept
from readerstudy.audit import keys
from readerstudy.images.tables import table_csv
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import ReaderStudy

SOURCES = (".py", ".css", ".html")
KEPT = ("results", "images", "scan-times", "stability", "two-settings", "voi", "imported/*", "exports/*")


@cache
def analysis_version() -> str:
    """SHA-256 of all that the analysis is made of: other code, other results."""
    from analysis.tables import SCHEMAS

    digest = hashlib.sha256()
    room = Path(analysis.__file__).parent
    source = {str(path.relative_to(room)): path for path in room.rglob("*") if path.suffix in SOURCES}
    source |= {path.name: path for path in SCHEMAS.glob("*.json")}
    for name, path in sorted(source.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def images(study: ReaderStudy) -> dict:
    """The analysis of the image metrics alone, which may be seen in every state: `images` and `range_rules`."""
    files = {"metrics": table_csv(study, "metrics")}
    return analysed_once(study, "images", files, analyse_images)


def scan_times(study: ReaderStudy) -> dict | None:
    """The analysis of series.csv: `python -m analysis scan-times`; None without an acquired series."""
    acquired = study.series.filter(in_use("case__"), active=True, made_from=None)
    reference = acquired.filter(arm__acquisition="reference", arm__reconstruction="standard").first()
    if not acquired.exists():
        return None
    arm = reference.arm.code if reference else None
    files = {"series": table_csv(study, "series"), "reference": (arm or "").encode()}
    return analysed_once(study, "scan-times", files, lambda files: analyse_scan_times(files, reference=arm))


def files_sha256(files: dict[str, bytes]) -> str:
    """SHA-256 of the analysis and all that goes into it."""
    digest = hashlib.sha256(f"{analysis_version()} of a record that holds, with its note".encode())
    for name, content in files.items():
        digest.update(name.encode() + hashlib.sha256(content).digest())
    return digest.hexdigest()


def analysed_once(study: ReaderStudy, kind: str, files: dict[str, bytes], make: Callable[[dict], dict]) -> dict:
    """What `make` says of the files, kept under the hash of what went in."""
    name = name_of(study, kind, files_sha256(files))
    if (made := stored_analysis(name)) is None:
        store_analysis(name, made := make(files))
    return made


def name_of(study: ReaderStudy, kind: str, key: str) -> str:
    """Under which name an analysis of one of the kinds is kept. key: a SHA-256 of what it depends on."""
    return f"{kind}/{study.slug}-{key}.json"


def stored_analysis(name: str) -> dict | None:
    """What `store_analysis` kept under this name; None if nothing, or somebody else did."""
    mac, _, content = (kept.read_text(name) or "").partition("\n")
    ours = mac.isascii() and keys.signed_with(mac, *_signature(name, content))
    return json.loads(content) if ours else None


def _signature(name: str, content: str) -> tuple[str, ...]:
    path = PurePosixPath(name)
    return "analysis", path.parent.name, path.name, hashlib.sha256(content.encode()).hexdigest()


def store_analysis(name: str, made: dict) -> None:
    """Keep `made` as KIND/STUDY-HASH.json, whole or not at all, in the place of what was kept of this study.

    Its first line is a MAC of the rest by the site's key.
    """
    content = json.dumps(made)
    kept.write_text(name, keys.sign(*_signature(name, content)) + "\n" + content)
    before_hash = name.removesuffix(".json")[:-65]
    for old in kept.names(f"{before_hash}-{'?' * 64}.json"):
        if old != name:
            kept.erase(old)


def erase_analyses(study: ReaderStudy, **_: object) -> None:
    """Erase what is kept of earlier analyses, drafts too: a subject in them was withdrawn, or the study was removed.

    They are made again when asked for.
    """
    for kind in KEPT:
        for name in kept.names(f"{kind}/{study.slug}-{'?' * 64}.*"):
            kept.erase(name)


def analyse_images(files: dict[str, bytes]) -> dict:
    """The same for metrics.csv alone: `images`, None without any, and `range_rules`."""
    from analysis import image_metrics

    with tempfile.TemporaryDirectory() as folder:
        metrics = read_table("metrics", files["metrics"], Path(folder))
    if metrics is None:
        return {"images": None, "range_rules": []}
    rules = sorted(metrics["range_rule"].dropna().astype(str).unique())
    return {"images": image_metrics.analyse(metrics), "range_rules": rules}


def analyse_scan_times(files: dict[str, bytes], *, reference: str | None) -> dict:
    """Scan times against the reference arm, as the command line has them."""
    from analysis import scan_times

    with tempfile.TemporaryDirectory() as folder:
        return scan_times.analyse(read_table("series", files["series"], Path(folder)), reference=reference)


def read_table(name: str, content: bytes, folder: Path):
    """A table as the command line reads it; None without a row."""
    from analysis import tables

    path = folder / f"{name}.csv"
    path.write_bytes(content)
    return getattr(tables, f"read_{name}")(path) if content.count(b"\n") > 1 else None
