"""What the admin may word of the briefing."""

from django import forms

from readerstudy.protocol.briefing import KINDS, WORDS
from readerstudy.protocol.forms import add_field_classes


def _text(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class BriefingForm(forms.Form):
    heading = forms.CharField(max_length=90)
    introduction = forms.CharField(max_length=300, widget=_text(3))
    diagnostic = forms.CharField(label="What diagnostic means", max_length=240, widget=_text(3))
    diagnostic_note = forms.CharField(label="Said below it", max_length=300, required=False, widget=_text(3))
    notes = forms.CharField(
        label="In this study",
        max_length=1000,
        required=False,
        widget=_text(4),
        help_text="Whatever else readers should know, for example whom to ask.",
    )

    def __init__(self, *args, opened: bool, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for kind in KINDS:
            self.fields[kind] = forms.CharField(label=f"What {kind} means", max_length=80)
        if opened:
            self.fields["reason"] = forms.CharField(
                label="Why it changes", max_length=500, help_text="Readers are shown it with the new version."
            )
        add_field_classes(self)

    @property
    def words(self) -> dict[str, str]:
        """What was written, by name; lines as every browser sends them."""
        return {name: self.cleaned_data[name].replace("\r\n", "\n").strip() for name in WORDS}
