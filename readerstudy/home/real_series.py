"""Two real series of the demonstration: axial, cervical, of the spine-generic data set (`spine_generic/README.md`).

What stands beside each as FAST was not acquired: it is simulated from it, and every table and caption says so.
"""

import csv
import shutil
from pathlib import Path

from processing import series
from processing.derived import write_like
from processing.simulate.degrade import Degradation, degrade

ATTRIBUTION = (
    "Two cases are real: axial series of the cervical spine from the spine-generic data set (Cohen-Adad et al. 2021, "
    "CC BY 4.0), cut to the canal."
)
SERIES = Path(__file__).parent / "spine_generic"
PLACE = {"region": "cervical", "plane": "axial", "weighting": "PD"}
FASTER = Degradation(gibbs=0.3, half_nex_fraction=0.015, seed=1)


def write_real_series(folder: Path) -> None:
    """Lay them out below `folder` as a delivery has them: SOC as it is, FAST simulated, and the manifest."""
    rows = []
    for source in sorted(SERIES.glob("*.nii.gz")):
        subject = source.name.removesuffix(".nii.gz")
        soc, fast = (folder / subject / arm / "series.nii.gz" for arm in ("SOC", "FAST"))
        for path in (soc, fast):
            path.parent.mkdir(parents=True)
            shutil.copy(SERIES / "acquisition.json", path.with_name("series.json"))
            rows.append(
                {"folder": f"{subject}/{path.parent.name}", "subject": subject, "arm": path.parent.name} | PLACE
            )
        shutil.copy(source, soc)
        write_like(soc, degrade(series.read(soc), FASTER), fast, model=FASTER.identity)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
