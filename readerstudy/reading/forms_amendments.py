"""What an admin says to amend an opened study: each change with its reason."""

from django import forms
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError

from readerstudy.material.models import Case, Subject
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.amendments import unscheduled_cases

TEXT = {"class": "input", "autocomplete": "off"}


class AmendmentForm(forms.Form):
    """A change of an opened study; the last field is always why."""

    def __init__(self, *args, study: ReaderStudy, **kwargs) -> None:
        self.study = study
        super().__init__(*args, **kwargs)
        self.fields["reason"] = forms.CharField(label="Reason", max_length=500, widget=forms.TextInput(attrs=TEXT))


class ReaderForm(AmendmentForm):
    username = forms.CharField(
        label="User name", max_length=150, validators=[UnicodeUsernameValidator()], widget=forms.TextInput(attrs=TEXT)
    )
    new = forms.BooleanField(label="Invite: there is no account of this name yet", required=False)


class CasesForm(AmendmentForm):
    cases = forms.ModelMultipleChoiceField(
        Case.objects.none(),
        label="Cases",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one case."},
    )

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.waiting = [case for case, ready in unscheduled_cases(self.study) if not ready]
        ready = [case.pk for case, ready in unscheduled_cases(self.study) if ready]
        cases = self.fields["cases"]
        assert isinstance(cases, forms.ModelMultipleChoiceField)
        cases.queryset = Case.objects.filter(pk__in=ready).select_related("subject")


class SubjectForm(AmendmentForm):
    subject = forms.CharField(label="Subject", max_length=20, widget=forms.TextInput(attrs=TEXT | {"list": "subjects"}))
    again = forms.CharField(
        label="The subject again, as this cannot be taken back", max_length=20, widget=forms.TextInput(attrs=TEXT)
    )

    def clean_subject(self) -> Subject:
        found = Subject.objects.filter(study=self.study, code=self.cleaned_data["subject"].strip()).first()
        if found is None:
            raise ValidationError("This study has no subject of that code.")
        return found

    def clean(self) -> dict:
        super().clean()
        subject, again = self.cleaned_data.get("subject"), self.cleaned_data.get("again", "").strip()
        if subject and again and again != subject.code:
            self.add_error("again", "This is another subject than the one above.")
        return self.cleaned_data


FORMS = {"reader": ReaderForm, "cases": CasesForm, "subject": SubjectForm}
