"""Whether a NRRD file says where it lies: what its header lacks, a library would make up."""

from __future__ import annotations

import re
from pathlib import Path

from processing.errors import InputError

LARGEST_HEADER = 1 << 16
NO_SPACE = (
    "The NRRD header does not say which side is left (space and space directions): export the image again from the "
    "DICOM series."
)
# Sides that SimpleITK turns into LPS; of others it only takes the numbers.
_SPACES = ("left-posterior-superior", "lps", "right-anterior-superior", "ras", "left-anterior-superior", "las")
_UNITS = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "µm": 0.001, "micron": 0.001}
_VECTOR = re.compile(r"\(([^)]*)\)")


def nrrd_scale(path: Path) -> float:
    """How many mm one unit of length of a NRRD file is.

    Parameters
    ----------
    path : Path
        A file .nrrd or .nhdr.

    Returns
    -------
    float
        1.0 where the file names no unit: mm is what all programs mean then.

    Raises
    ------
    InputError
        If the header gives no space and directions, one whose sides are not named, or an unknown unit.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from processing.nrrd_place import nrrd_scale
    >>> lines = ["NRRD0004", "space: LPS", "space directions: (1,0,0) (0,1,0) (0,0,3)", 'space units: "um" "um" "um"']
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.nhdr"
    ...     _ = path.write_text("\\n".join(lines) + "\\n\\n")
    ...     nrrd_scale(path)
    0.001
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(LARGEST_HEADER)
    except OSError:
        raise InputError("The NRRD file cannot be read: missing or damaged; export it again.") from None
    text = re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0].decode("utf-8", "replace")
    said = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
    vectors = [vector.split(",") for vector in _VECTOR.findall(said.get("space directions", ""))]
    if said.get("space", "").lower() not in _SPACES or [len(vector) for vector in vectors] != [3, 3, 3]:
        raise InputError(NO_SPACE)
    units = {unit.strip().lower() for unit in re.findall(r'"([^"]*)"', said.get("space units", ""))} or {"mm"}
    scale = _UNITS.get(next(iter(units)))
    if scale is None or len(units) > 1:
        raise InputError("The NRRD header has an unknown unit of length (space units); export the image again in mm.")
    return scale
