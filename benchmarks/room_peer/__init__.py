"""A plain Cornerstone3D page that shows the slices of a pair as HTJ2K: what the reading room is measured against."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import threading
from collections.abc import Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import HTJ2KLossless, MRImageStorage, generate_uid

from processing.pair import LEVEL_STEP
from requirements.install import find_npm

HERE = Path(__file__).resolve().parent
SOURCES = ("index.html", "main.js", "build.js", "package.json")


def build(folder: Path) -> Path:
    """Build the page in this folder, with packages from the npm registry; returns where it lies."""
    npm, environment = find_npm()
    if not (folder / "built/index.html").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in SOURCES:
            shutil.copy(HERE / name, folder)
        subprocess.run(
            [*npm, "install", "--no-audit", "--no-fund", "--silent"], cwd=folder, env=environment, check=True
        )
        subprocess.run(["node", "build.js"], cwd=folder, env=environment, check=True, capture_output=True)
    return folder / "built"


def write_slices(folder: Path, sides: Sequence[tuple[np.ndarray, np.ndarray]]) -> int:
    """Write each slice of both sides as a DICOM file of lossless HTJ2K; returns the bytes of all codestreams."""
    try:
        import imagecodecs
    except ImportError as error:
        raise SystemExit("The peer needs an encoder: pip install imagecodecs") from error
    (folder / "slices").mkdir(exist_ok=True)
    total = 0
    for number, pair in enumerate(sides):
        for name, image in zip(("left", "right"), pair, strict=True):
            coded = imagecodecs.htj2k_encode(image // LEVEL_STEP, reversible=True)
            total += len(coded)
            made = _dataset(image.shape, number, coded)
            made.save_as(folder / "slices" / f"{name}-{number}.dcm", enforce_file_format=True)
    return total


def _dataset(shape: tuple[int, ...], number: int, coded: bytes) -> Dataset:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = HTJ2KLossless
    made.SOPClassUID, made.SOPInstanceUID, made.Modality = MRImageStorage, generate_uid(), "MR"
    made.Rows, made.Columns = shape
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
    made.PixelSpacing, made.ImageOrientationPatient = [0.5, 0.5], [1, 0, 0, 0, 1, 0]
    made.ImagePositionPatient, made.InstanceNumber = [0, 0, 4 * number], number + 1
    made.WindowCenter, made.WindowWidth, made.RescaleIntercept, made.RescaleSlope = 1365, 2730, 0, 1
    made.PixelData = encapsulate([coded])
    return made


class _Handler(SimpleHTTPRequestHandler):
    """Scripts compressed and kept by the browser, as the site's are."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            return self.send_error(404)
        content, kept = path.read_bytes(), path.suffix in (".js", ".wasm")
        if kept:
            content = gzip.compress(content)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=31536000, immutable" if kept else "no-store")
        if kept:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content)
        return None

    def log_message(self, *_: object) -> None:
        """Quiet."""


def serve(folder: Path) -> ThreadingHTTPServer:
    """Serve the built page until `shutdown`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
