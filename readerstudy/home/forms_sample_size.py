"""What is assumed when a study is planned."""

from django import forms

from analysis.errors import InputError
from analysis.sample_size import TESTS, Design, shares
from readerstudy.protocol.forms import add_field_classes

NAMES = {
    "cluster_permutation": "preference differs from none (permutation of subjects, exact)",
    "cluster_sign_flip": "preference differs from none (sign flip, normal)",
    "datta_satten": "preference differs from none (Datta–Satten)",
    "equivalence": "equivalence within the margin",
    "noninferiority": "non-inferiority: not worse than the margin",
    "random_readers": "preference, for readers in general",
    "as_published": "as published: readers and cases pooled (too liberal)",
}


class PlanForm(forms.Form):
    """One comparison on one criterion."""

    subjects = forms.IntegerField(min_value=2, max_value=2000)
    cases = forms.IntegerField(min_value=2, max_value=5000, help_text="Pulse sequences of all subjects together.")
    readers = forms.IntegerField(min_value=1, max_value=50)
    distribution = forms.CharField(
        label="Expected preferences, 1 to 5", help_text="Five shares or counts of a pilot: 5 20 50 20 5."
    )
    test = forms.ChoiceField(choices=[(name, NAMES[name]) for name in NAMES if name in TESTS])
    margin = forms.FloatField(min_value=0.01, max_value=1.99, required=False, help_text="For equivalence, on the mean.")
    subject_correlation = forms.FloatField(label="Correlation of two cases of one subject", min_value=0, max_value=0.99)
    case_correlation = forms.FloatField(label="Correlation of two readers on one case", min_value=0, max_value=0.99)
    reader_sd = forms.FloatField(
        label="SD of the readers' own leanings", min_value=0, max_value=2, help_text="In SDs of an answer; 0: none."
    )
    alpha = forms.FloatField(min_value=0.0001, max_value=0.5)
    target = forms.FloatField(label="Wanted power", min_value=0.1, max_value=0.99)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        add_field_classes(self)

    def clean(self) -> dict:
        """The design of these numbers as `design`."""
        super().clean()
        data = self.cleaned_data
        if self.errors:
            return data
        try:
            values = shares([float(part.replace(",", ".")) for part in data["distribution"].split()])
            names = ("subjects", "cases", "readers", "test", "subject_correlation", "case_correlation", "reader_sd")
            data["design"] = Design(
                **{name: data[name] for name in names}, distribution=values, alpha=data["alpha"], margin=data["margin"]
            )
        except InputError as error:
            self.add_error(None, str(error))
        except ValueError:
            self.add_error("distribution", "Give five numbers with spaces between them.")
        return data
