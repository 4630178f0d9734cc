"""What an admin says about a series that came in."""

from django import forms

from readerstudy.intake.models import Candidate
from readerstudy.intake.widgets import Input, Select, Tick
from readerstudy.material.models import LONGEST_WEIGHTING, Plane
from readerstudy.protocol.models import Region

WEIGHTINGS = ["T1", "T2", "STIR", "PD", "FLAIR", "T2*", "DWI", "ADC"]


def _any_of(values: list[str]) -> list[tuple[str, str]]:
    return [("", "choose"), *((value, value) for value in values)]


class PlaceForm(forms.Form):
    """Where a series belongs: the columns of the confirm table. `of` ends the labels that are read aloud."""

    subject_code = forms.CharField(max_length=20, required=False, widget=Input)
    region = forms.ChoiceField(choices=_any_of(Region.values), required=False, widget=Select)
    plane = forms.ChoiceField(choices=_any_of(Plane.values), required=False, widget=Select)
    weighting = forms.CharField(max_length=LONGEST_WEIGHTING, required=False, widget=Input)
    arm = forms.ChoiceField(required=False, widget=Select)
    site = forms.ChoiceField(required=False, widget=Select)

    def __init__(self, *args, arms: list, sites: list, of: str = "", **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.arms = {str(arm.pk): arm for arm in arms}
        self.sites = {str(site.pk): site for site in sites}
        for name, rows in (("arm", self.arms), ("site", self.sites)):
            chosen = self.fields[name]
            assert isinstance(chosen, forms.ChoiceField)
            chosen.choices = [("", "choose"), *((pk, row.code) for pk, row in rows.items())]
        for name in ("subject_code", "region", "plane", "weighting", "arm", "site"):
            widget = self.fields[name].widget
            kind = "select" if isinstance(widget, forms.Select) else "input"
            widget.attrs |= {"class": kind, "aria-label": name.replace("_code", "") + of}
        self.fields["subject_code"].widget.attrs |= {"list": "subjects", "autocomplete": "off", "size": 6}
        self.fields["weighting"].widget.attrs |= {"list": "weightings", "autocomplete": "off", "size": 9}


class CandidateForm(PlaceForm):
    """One row of the confirm table: is it this subject, case and arm?"""

    tick = forms.BooleanField(required=False, widget=Tick)
    replace = forms.BooleanField(label="replace what stands there", required=False)
    incomplete = forms.BooleanField(label="place although files are missing", required=False, widget=Tick)

    def __init__(self, *args, candidate: Candidate, **kwargs) -> None:
        kwargs["prefix"] = f"c{candidate.pk}"
        names = ("subject_code", "region", "plane", "weighting")
        kwargs["initial"] = {name: getattr(candidate, name) for name in names} | {
            "tick": candidate.certain,
            "arm": str(candidate.arm_id or ""),
            "site": str(candidate.site_id or ""),
        }
        super().__init__(*args, **kwargs)
        self.candidate = candidate
        self.error = ""
        self.may_replace = False
        self.fields["tick"].widget.attrs["aria-label"] = f"confirm {candidate.sha256[:4]}"

    @property
    def size(self) -> str:
        """Slices, matrix."""
        return f"{self.candidate.slices} × {self.candidate.rows} × {self.candidate.columns}"

    @property
    def voxel(self) -> str:
        """Size of a voxel, column × row × slice."""
        return " × ".join(f"{side:.3g}" for side in self.candidate.spacing) + " mm"

    @property
    def timing(self) -> str:
        """TR, TE and TI in ms, those that are known."""
        known = [(name.upper(), self.candidate.parameters.get(name)) for name in ("tr", "te", "ti")]
        return " ".join(f"{name} {value:.5g}" for name, value in known if value)

    @property
    def placing(self) -> dict:
        """Arguments of intake.services.confirm."""
        data = self.cleaned_data
        names = ("subject_code", "region", "plane", "weighting")
        return {name: data.get(name, "").strip() for name in names} | {
            "arm": self.arms.get(data.get("arm", "")),
            "site": self.sites.get(data.get("site", "")),
        }

    @property
    def ways(self) -> dict[str, bool]:
        """What was ticked beside it."""
        return {name: bool(self.cleaned_data.get(name)) for name in ("replace", "incomplete")}
