"""Forms of the protocol. What may be changed only in a draft is kept by the services."""

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms import BaseModelFormSet, modelformset_factory
from django.utils.text import slugify

from analysis.protocol import WIDEST, too_wide
from processing.errors import InputError
from processing.ingest.file_names import arms_named
from readerstudy.protocol import defaults, recipes
from readerstudy.protocol.models import Arm, Comparison, Criterion, ReaderStudy, Region, Site
from readerstudy.protocol.selectors import model_names
from readerstudy.protocol.study_templates import BASH, TEMPLATES, StudyTemplate


def add_field_classes(form: forms.BaseForm) -> None:
    """Give every field the class that components.css knows."""
    for field in form.fields.values():
        if isinstance(field.widget, forms.Select):
            field.widget.attrs["class"] = "select"
        elif not isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
            field.widget.attrs["class"] = "input"


def _choice_of_rows(form: forms.BaseForm, name: str) -> forms.ModelChoiceField:
    """The field of a foreign key, to say which rows can be chosen."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    return field


class StudyForm(forms.ModelForm):
    class Meta:
        model = ReaderStudy
        fields = ("title", "reader_title", "description")
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "reader_title": "What readers see. It must not tell what is compared.",
            "description": "One or two sentences for admins and analysts.",
        }

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].widget.attrs["autofocus"] = True
        if self.instance.images_only:
            del self.fields["reader_title"]
        add_field_classes(self)

    def clean_reader_title(self) -> str:
        title = self.cleaned_data["reader_title"]
        codes = self.instance.arms.values_list("code", flat=True) if self.instance.pk else BASH.codes
        if told := sorted(arms_named(title, list(codes))):
            raise ValidationError(f"Readers would learn what is compared: leave out {' and '.join(told)}.")
        return title


class NewStudyForm(StudyForm):
    """What a study begins with. Title for readers and regions are asked for where there are readers."""

    template = forms.ChoiceField(
        label="Kind of study",
        choices=[(one.name, one.title) for one in TEMPLATES.values()],
        initial=BASH.name,
        required=False,
    )
    regions = forms.MultipleChoiceField(
        choices=[choice for choice in Region.choices if choice[0] != Region.OTHER],
        widget=forms.CheckboxSelectMultiple,
        help_text="The criteria that are proposed follow them.",
        required=False,
    )
    field_order = ("template", "title", "reader_title", "regions", "description")

    class Meta(StudyForm.Meta):
        help_texts = StudyForm.Meta.help_texts | {
            "reader_title": "What readers see, and the address of the study. It must not tell what is compared: "
            "Lumbar spine MRI.",
        }

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reader_title"].required = False

    def clean_template(self) -> StudyTemplate:
        return TEMPLATES[self.cleaned_data["template"] or BASH.name]

    def clean(self) -> dict:
        super().clean()
        if not self.cleaned_data.get("template", BASH).images_only:
            if not self.cleaned_data.get("regions"):
                self.add_error("regions", "Choose at least one region.")
            if not self.cleaned_data.get("reader_title") and "reader_title" not in self.errors:
                self.add_error("reader_title", "Give the title that readers see.")
        return self.cleaned_data


class QuestionsForm(forms.ModelForm):
    class Meta:
        model = ReaderStudy
        fields = (
            "ask_integrity",
            "ask_diagnostic",
            "allow_cannot_judge",
            "allow_back",
            "require_all_slices",
            "show_values",
            "guesses",
        )
        help_texts = {
            "show_values": "In percent of the range that both sides share. Who measures noise rates it with "
            "a number in mind.",
            "guesses": "After the end of the list, for the blinding index: which image was which? 0: none.",
        }

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        add_field_classes(self)


class ScheduleForm(forms.ModelForm):
    class Meta:
        model = ReaderStudy
        fields = ("min_distance", "repeat_share", "practice_pairs", "parts", "washout_days", "break_minutes")
        help_texts = {
            "practice_pairs": "At the beginning of each list, of the cases for training, in turn; empty: each of these "
            "cases in every comparison.",
            "parts": "Pairs of one case are dealt to different parts; as many parts as comparisons keep all apart.",
            "washout_days": "The next part opens so many days after the last pair of the one before. 0: at once.",
            "break_minutes": "Active minutes of reading after which a pause is proposed. 0: never.",
            "min_distance": "Positions between two pairs of one subject; if it cannot be had, the largest feasible.",
            "repeat_share": "0 to 1. Each is shown again later with the sides swapped; readers are not told.",
        }

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        add_field_classes(self)


MODEL = "model:"  # before the name of a model that makes an arm
MARGINS = {"margin_mean": "mean", "margin_net": "net_preference"}


class HypothesisForm(forms.ModelForm):
    class Meta:
        model = ReaderStudy
        fields = (
            "primary_comparison",
            "primary_criterion",
            "primary_test",
            "claim",
            "margin_mean",
            "margin_net",
            "random_readers",
        )
        help_texts = {
            "primary_test": "Two-sided at 0.05: by itself for the primary hypothesis, by Holm for all cells together.",
            "margin_mean": "Largest distance of the mean preference from 3 that does not matter, for example 0.5.",
            "margin_net": "Largest net preference (share for the first less share for the second arm) that does not "
            "matter, for example 0.2.",
        }

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        comparisons = self.instance.comparisons.select_related("first", "second")
        _choice_of_rows(self, "primary_comparison").queryset = comparisons
        _choice_of_rows(self, "primary_criterion").queryset = self.instance.criteria.all()
        for name, on in MARGINS.items():
            self.fields[name].widget.attrs |= {"step": "0.01", "min": "0", "max": f"{WIDEST[on] - 0.01:g}"}
        add_field_classes(self)

    def clean(self) -> dict:
        super().clean()
        for name, on in MARGINS.items():
            value = self.cleaned_data.get(name)
            if value is not None and value <= 0:
                self.add_error(name, "A margin is above 0; leave it empty if nothing is claimed of it.")
            elif value is not None and (problem := too_wide(on, float(value))):
                self.add_error(name, problem)
        return self.cleaned_data


class PartForm(forms.ModelForm):
    """A row of a table: one arm, comparison, criterion or site."""

    study: ReaderStudy
    clash: str  # what a broken constraint means

    def __init__(self, *args, study: ReaderStudy, **kwargs) -> None:
        self.study = study
        super().__init__(*args, **kwargs)
        self.instance.study = study
        add_field_classes(self)
        if "place" in self.fields:
            self.fields["place"].widget = forms.HiddenInput()
            self.fields["place"].required = False

    def clean_place(self) -> int:
        return self.cleaned_data.get("place") or 0

    def has_changed(self) -> bool:
        """An empty extra row whose hidden place is set is still empty."""
        return bool(set(self.changed_data) - ({"place"} if not self.instance.pk else set()))

    def validate_unique(self) -> None:
        """Say in words what a broken constraint means; Django leaves out those that hold the study's own field."""
        if self.errors:
            return
        try:
            self.instance.validate_constraints(exclude=set())
        except ValidationError:
            self.add_error(None, self.clash)


class ArmForm(PartForm):
    clash = "An arm of this name exists already."
    made_by = forms.ChoiceField(required=False)
    strength = forms.FloatField(required=False, widget=forms.NumberInput(attrs={"step": "any", "min": "0"}))
    seed = forms.IntegerField(required=False, min_value=0, max_value=recipes.LARGEST_SEED)
    field_order = ("code", "acquisition", "reconstruction", "made_from", "made_by", "strength", "seed", "place")

    class Meta:
        model = Arm
        fields = ("code", "acquisition", "reconstruction", "made_from", "place")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        names = sorted({*model_names(), *([self.instance.model_name] if self.instance.model_name else [])})
        made_by, made_from = self.fields["made_by"], _choice_of_rows(self, "made_from")
        assert isinstance(made_by, forms.ChoiceField)
        made_by.choices = [
            ("", "upload"),
            ("Model", [(MODEL + name, name) for name in names]),
            *(
                (group, [(one.name, one.label) for one in recipes.offered(command)])
                for group, command in (("Degradation", recipes.DEGRADE), ("Reconstruction", recipes.RECONSTRUCT))
            ),
        ]
        made_from.queryset, made_from.empty_label = self.study.arms.exclude(pk=self.instance.pk), "upload"
        if self.instance.recipe:
            step = recipes.step(self.instance.recipe)
            self.initial["made_by"] = step.kind.name
            self.initial["strength"] = step.strength_in_words
            if step.kind.chance:
                self.initial["seed"] = step.seed
        elif self.instance.model_name:
            self.initial["made_by"] = MODEL + self.instance.model_name
        add_field_classes(self)

    def clean(self) -> dict:
        super().clean()
        made_from, made_by = self.cleaned_data.get("made_from"), self.cleaned_data.get("made_by", "")
        if made_from and not made_by and "made_by" not in self.errors:
            self.add_error("made_by", "Choose what makes this arm.")
        if made_by and not made_from:
            self.add_error("made_from", "Choose the arm that it is made from, or upload.")
        kind = recipes.KINDS.get(made_by)
        self.instance.model_name = "" if kind else made_by.removeprefix(MODEL)
        self.instance.recipe = self._recipe(kind) if kind else None
        return self.cleaned_data

    def _recipe(self, kind: recipes.RecipeKind) -> dict | None:
        strength = self.cleaned_data.get("strength") if kind.unit else None
        try:
            return recipes.Step(kind, strength, self.cleaned_data.get("seed") or 0).recipe
        except InputError as error:
            self.add_error("strength", str(error))
            return None


class ComparisonForm(PartForm):
    clash = "These two arms are compared already in this order."

    class Meta:
        model = Comparison
        fields = ("first", "second", "question", "place")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name in ("first", "second"):
            arm = _choice_of_rows(self, name)
            arm.queryset, arm.empty_label = self.study.arms.all(), "choose"

    def clean(self) -> dict:
        super().clean()
        first, second = self.cleaned_data.get("first"), self.cleaned_data.get("second")
        if first and first == second:
            self.add_error("second", "A comparison needs two different arms.")
        return self.cleaned_data


class LinesField(forms.CharField):
    """Lines of text; how the browser ends them does not matter."""

    def to_python(self, value) -> str:
        return "\n".join(line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip())


class CriterionForm(PartForm):
    clash = "A criterion of this name exists already."
    regions = forms.MultipleChoiceField(
        label="Asked for", choices=Region.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    anchors = LinesField(help_text="Five lines, from 1 (left) to 5 (right).", widget=forms.Textarea(attrs={"rows": 5}))

    class Meta:
        model = Criterion
        fields = ("name", "asks", "better", "anchors", "regions", "place")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.initial["anchors"] = "\n".join(self.instance.anchors or defaults.ANCHORS)
        self.fields["anchors"].initial = self.initial["anchors"]
        self.fields["anchors"].widget.attrs["class"] = "input tall"

    def clean_anchors(self) -> list[str]:
        lines = self.cleaned_data["anchors"].splitlines()
        if len(lines) != 5:
            raise ValidationError("Five lines are needed, one for each step of the scale.")
        return lines

    def clean(self) -> dict:
        super().clean()
        if not self.instance.code and (name := self.cleaned_data.get("name")):
            self.instance.code = slugify(name).replace("-", "_")[:40] or "criterion"
        return self.cleaned_data


class SiteForm(PartForm):
    clash = "A site of this name exists already."

    class Meta:
        model = Site
        fields = ("code", "name")
        labels = {"code": "Site", "name": "Full name"}


class PartFormSet(BaseModelFormSet):
    """Rows of one table of the protocol; the form of each row reports its own errors."""

    def validate_unique(self) -> None:
        """Left to the database's constraints, which each form puts in words."""


PARTS = {
    "arms": (Arm, ArmForm),
    "comparisons": (Comparison, ComparisonForm),
    "criteria": (Criterion, CriterionForm),
    "sites": (Site, SiteForm),
}


def part_formset(part: str, study: ReaderStudy, data=None) -> "BaseModelFormSet[Model, PartForm]":
    """The rows of `part` (arms, comparisons, criteria, sites) of this study, and one empty row."""
    model, form = PARTS[part]
    factory = modelformset_factory(model, form=form, formset=PartFormSet, extra=1, can_delete=True, max_num=30)
    formset = factory(data, queryset=getattr(study, part).all(), form_kwargs={"study": study}, prefix=part)
    for number, row in enumerate(formset.forms):
        row.initial.setdefault("place", number)
        row.fields["DELETE"].label = "Remove"
    return formset


class TypeTitleForm(forms.Form):
    """A final step asks for the study's title."""

    title = forms.CharField(
        label="Type the study's title",
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "autofocus": True}),
    )

    def __init__(self, *args, study: ReaderStudy, **kwargs) -> None:
        self.study = study
        super().__init__(*args, **kwargs)

    def clean_title(self) -> str:
        if self.cleaned_data["title"].strip() != self.study.title:
            raise ValidationError(f"This is not the title. Type: {self.study.title}")
        return self.cleaned_data["title"]
