"""What people write of the charter; the rest follows from the protocol."""

from django import forms

from analysis.report.charter import WORDS
from readerstudy.protocol.forms import add_field_classes

HINTS = {
    "objective": "What the study is to find out, and why.",
    "data": "Storage, retention, sharing, whatever the ethics committee asks for.",
}


class CharterForm(forms.Form):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name, label in WORDS.items():
            self.fields[name] = forms.CharField(
                label=label,
                max_length=3000,
                required=False,
                widget=forms.Textarea(attrs={"rows": 4}),
                help_text=HINTS.get(name, ""),
            )
        add_field_classes(self)

    @property
    def words(self) -> dict[str, str]:
        """What was written, by name; lines as every browser sends them."""
        return {name: self.cleaned_data[name].replace("\r\n", "\n").strip() for name in WORDS}
