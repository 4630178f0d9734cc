"""Change the radiomic settings of a study."""

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.images.models import FeatureSettings
from readerstudy.images.stability_criteria import change_criteria, criteria_of
from readerstudy.jobs.services import ask_for_missing
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import ensure_not_frozen
from readerstudy.protocol.study_templates import StudyTemplate

SCALE = 100  # of the z score: with pyradiomics' 1, the whole image would fall into one bin


def from_form(*, bins: str, value: str, normalise: bool) -> dict:
    """A pyradiomics dictionary of the page's own fields; bins: "width" or "count". InputError for no usable value."""
    try:
        number = float(value)
    except ValueError:
        raise InputError("Width and number of bins are numbers.") from None
    if bins == "count":
        if not number.is_integer() or not 2 <= number <= 100_000:
            raise InputError("The number of bins is a whole number from 2.")
        chosen: dict = {"binCount": int(number)}
    else:
        if not 0 < number < 1e9:
            raise InputError("The width of a bin is above 0.")
        chosen = {"binWidth": number}
    return {"setting": chosen | ({"normalize": True, "normalizeScale": SCALE} if normalise else {})}


@transaction.atomic
def change_settings(*, study: ReaderStudy, source: dict | str, actor: User) -> FeatureSettings:
    """Let these settings hold (a file's text, or its content), and ask for features under them.

    Features under earlier settings stay; calling those settings back finds them again.
    """
    from processing.radiomics.settings import read_settings

    wanted = read_settings(source)
    ensure_not_frozen(study)
    before = study.feature_settings.select_for_update().filter(active=True).first()
    if before and before.sha256 == wanted.sha256:
        return before
    ensure_sealed(study=study, seals=(seals := [("feature settings", None)]))
    study.feature_settings.filter(active=True).update(active=False)
    found = study.feature_settings.filter(sha256=wanted.sha256).first()
    if found is None:
        found = FeatureSettings(study=study, settings=wanted.as_dict(), sha256=wanted.sha256)
    found.active = True
    found.save()
    record(study=study, action=Action.RADIOMIC_SETTINGS_CHANGED, actor=actor, sha256=found.sha256, seals=seals)
    transaction.on_commit(lambda: ask_for_missing(study))
    return found


def preset_of_template(study: ReaderStudy, template: StudyTemplate, actor: User, **_: object) -> None:
    """Let the settings and thresholds hold that a template names, in a study that was made of it."""
    if template.preset:
        from processing.radiomics.presets import preset_text  # pyradiomics takes a second to load

        change_settings(study=study, source=preset_text(template.preset), actor=actor)
    if template.criteria:
        given = {name: str(value) for name, value in {**criteria_of(study), **template.criteria}.items()}
        change_criteria(study=study, given=given, actor=actor)
