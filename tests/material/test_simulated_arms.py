"""Arms that are simulated from others, in chains: set on the page, made by jobs, said wherever they are named."""

from dataclasses import replace

import numpy as np
import pytest
from django.http import QueryDict
from django.test import Client, TestCase

from processing.simulate.degrade import Degradation, degrade
from processing.volume import Parameters
from readerstudy.enhancement.tasks import apply_recipe, cautions_of_made
from readerstudy.images import figure_choice, tables
from readerstudy.images.metric_jobs import metric_pairs
from readerstudy.jobs.services import ask_for_missing
from readerstudy.jobs.tasks import run_job
from readerstudy.material import volumes
from readerstudy.material.models import Series
from readerstudy.material.selectors import ENHANCE, SIMULATE, not_as_asked, simulation_note
from readerstudy.protocol import recipes
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.selectors import protocol_document
from readerstudy.protocol.services import create_study
from readerstudy.reading.opening_checklist import checklist, not_ready
from tests import factories, pixels
from tests.material.models import make_model
from tests.once import made_once
from tests.pages import fields, html

HALF_NEX = {"arms-1-made_by": "half_nex", "arms-1-strength": "5", "arms-1-seed": "12"}


def page(study: ReaderStudy) -> str:
    return f"/studies/{study.slug}/protocol/arms/"


def admin(study: ReaderStudy) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    return client


def save(study: ReaderStudy, **changes: str):
    """The table of arms, sent with these changes; SOC, FAST, FAST-DL and SOC-DL are its rows."""
    client = admin(study)
    sent = fields(html(client.get(page(study)))) | changes
    with TestCase.captureOnCommitCallbacks(execute=True):
        return client.post(page(study), sent, follow=True)


def made(study: ReaderStudy, arm: str, subject: str = "S01"):
    return study.series.get(arm__code=arm, case__subject__code=subject, active=True)


def make_arms(study: ReaderStudy) -> None:
    """Do the jobs that make series, and leave the others."""
    while waiting := list(study.jobs.filter(state="waiting", function__in=(SIMULATE, ENHANCE)).order_by("pk")):
        for job in waiting:
            run_job(job.pk)


@made_once()
def chain() -> ReaderStudy:
    """Of SOC alone: FAST is half the NEX of it, and a shipped model makes FAST-DL and SOC-DL."""
    study = create_study(title="Chain", user=factories.make_user(staff=True), model_name="denoise")
    for subject in ("S01", "S02"):
        factories.place_pixels(study, "SOC", pixels.volume(20, 1), subject=subject)
    save(study, **HALF_NEX | {"arms-1-made_from": str(study.arms.get(code="SOC").pk)})
    make_arms(study)
    return study


def test_a_study_of_one_acquisition_gets_every_arm(chain):
    assert chain.series.filter(active=True).count() == 8
    fast = made(chain, "FAST")
    settings = Degradation(
        half_nex_fraction=0.05, seed=recipes.of_case(fast.arm.recipe, fast.case.code, "FAST")["degrade"]["seed"]
    )
    wanted = degrade(volumes.load(made(chain, "SOC")), settings).array
    np.testing.assert_allclose(volumes.load(fast).array, wanted, rtol=1e-5)
    assert made(chain, "FAST-DL").made_from == fast
    assert not np.allclose(volumes.load(made(chain, "FAST-DL")).array, wanted)


def test_no_two_cases_have_the_same_noise(chain):
    one, other = (volumes.load(made(chain, "FAST", subject)).array for subject in ("S01", "S02"))
    assert np.abs(one - other).max() > 1


@pytest.mark.parametrize(
    ("recipe", "same"),
    [({"degrade": {"half_nex_sigma": 5.0, "seed": 0}}, False), ({"degrade": {"undersample": 4, "seed": 0}}, True)],
)
def test_no_two_arms_of_a_case_have_the_same_noise_but_the_same_lines_of_one_seed(recipe, same):
    assert (recipes.of_case(recipe, "S01", "FAST") == recipes.of_case(recipe, "S01", "FAST-2")) is same


def test_what_was_simulated_says_so_to_the_end_of_the_chain(chain):
    for code, simulated in (("SOC", False), ("FAST", True), ("FAST-DL", True), ("SOC-DL", False)):
        assert made(chain, code).simulated.startswith("degraded: half nex fraction 0.05, seed ") is simulated
    rows = {row["arm"]: row for row in tables.series(chain) if row["subject"] == "S01"}
    assert rows["FAST"]["acquisition_seconds"] is rows["FAST"]["processing_seconds"] is None
    assert rows["FAST-DL"]["acquisition_seconds"] is None
    assert rows["FAST-DL"]["simulated"] == rows["FAST"]["simulated"] is not None
    assert "FAST (degraded" in simulation_note(chain)
    assert "SOC" not in simulation_note(chain)


def test_the_protocol_holds_the_degradation_and_names_what_has_none_as_before(chain):
    arms = {arm["id"]: arm for arm in protocol_document(chain)["arms"]}
    assert arms["FAST"]["degrade"] == {"half_nex_fraction": 0.05, "seed": 12}
    assert list(arms["SOC"]) == ["id", "acquisition", "reconstruction", "made_from", "model"]


def test_another_strength_makes_the_series_and_all_that_follows_again(chain):
    before = {code: made(chain, code).pk for code in ("SOC", "FAST", "FAST-DL", "SOC-DL")}
    save(chain, **{"arms-1-strength": "10"})
    assert len(not_as_asked(chain)) == 2
    assert "2 series to be made again, as the protocol has it now" in [point.text for point in not_ready(chain)]
    make_arms(chain)
    assert not_as_asked(chain) == []
    after = {code: made(chain, code).pk for code in before}
    assert [code for code in before if before[code] != after[code]] == ["FAST", "FAST-DL"]
    assert "0.1, seed" in made(chain, "FAST-DL").simulated


def test_an_upload_in_an_arm_that_is_simulated_keeps_the_study_from_opening(chain):
    chain.series.filter(arm__code="FAST", case__subject__code="S02").update(made_from=None)
    assert "1 uploaded series in a simulated arm: remove them" in [point.text for point in not_ready(chain)]


def test_an_arm_that_was_simulated_and_is_uploaded_now_keeps_the_study_from_opening(chain):
    save(chain, **{"arms-1-made_by": "", "arms-1-made_from": ""})
    assert chain.arms.get(code="FAST").maker == ""
    assert "2 simulated series in an uploaded arm: remove them" in [point.text for point in not_ready(chain)]


def test_settings_that_change_no_pixel_are_told_all_the_same(chain):
    save(chain, **{"arms-1-made_by": "gibbs", "arms-1-strength": "49"})
    make_arms(chain)
    gibbs = made(chain, "FAST")
    assert gibbs.simulated == "degraded: gibbs 0.49, seed 0"
    save(chain, **{"arms-1-strength": "49.0001"})
    make_arms(chain)
    assert made(chain, "FAST").sha256 == gibbs.sha256
    assert made(chain, "FAST").simulated == "degraded: gibbs 0.490001, seed 0"
    for strength, told in (("49", "0.49"), ("49.0001", "0.490001")):
        save(chain, **{"arms-1-strength": strength})
        make_arms(chain)
        said = {made(chain, code).simulated for code in ("FAST", "FAST-DL")}
        assert said == {f"degraded: gibbs {told}, seed 0"}
        assert not_as_asked(chain) == []


def test_what_is_saved_unchanged_keeps_the_last_digit_of_its_strength(chain):
    save(chain, **{"arms-1-strength": "12.3456789"})
    save(chain, **{"arms-1-place": "3"})
    assert chain.arms.get(code="FAST").recipe["degrade"]["half_nex_fraction"] == 0.123456789


def test_thick_slices_are_compared_and_measured_with_nothing_that_has_others(chain):
    thick = {"arms-1-made_by": "thick_2"}
    assert "SOC vs FAST: the slices of one are thicker, so that they cannot be paired." in html(save(chain, **thick))
    chain.comparisons.exclude(first__code="FAST-DL", second__code="FAST").delete()
    factories.log_as_is(chain)
    save(chain, **thick)
    assert chain.arms.get(code="FAST").maker == "thick slices, 2 in one"
    pairs = {(a.code, b.code) for a, b in metric_pairs(list(chain.arms.all()))}
    assert pairs == {("FAST", "FAST-DL"), ("SOC", "SOC-DL")}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arms-1-strength": ""}, "Give the strength of half NEX in % of the 99.9th percentile."),
        ({"arms-1-strength": "200"}, "must lie above 0"),
        ({"arms-1-made_from": ""}, "Choose the arm that it is made from, or upload."),
        ({"arms-1-made_by": ""}, "Choose what makes this arm."),
    ],
)
def test_a_degradation_that_cannot_be_is_refused_in_words(chain, changes, said):
    assert said in html(save(chain, **changes))
    assert chain.arms.get(code="FAST").maker == "half NEX 5 % of the 99.9th percentile, seed 12"


def test_arms_that_are_made_from_each_other_are_refused(chain):
    last = str(chain.arms.get(code="FAST-DL").pk)
    answer = html(save(chain, **{"arms-0-made_by": "gibbs", "arms-0-strength": "30", "arms-0-made_from": last}))
    assert "SOC from FAST-DL from FAST from SOC: one of them must be uploaded" in answer
    assert chain.arms.get(code="SOC").made_from is None


def test_thick_slices_of_slices_with_gaps_are_cautioned_once():
    thin = replace(pixels.volume(5, 1), parameters=Parameters(slice_thickness=3.0))
    source = Series(cautions=[{"code": "padding", "text": "Two corners hold padding."}])
    thick, _ = apply_recipe(thin, {"degrade": {"thick": 2, "seed": 0}}, lambda *_: None)
    found = cautions_of_made(source, thick)
    assert [one["code"] for one in found] == ["padding", "gaps"]
    assert cautions_of_made(Series(cautions=found), thick) == found


def test_a_circle_that_the_first_arm_hangs_on_is_refused(chain):
    fast, last = (str(chain.arms.get(code=code).pk) for code in ("FAST", "FAST-DL"))
    changes = {"arms-0-made_by": "gibbs", "arms-0-strength": "30", "arms-0-made_from": fast, "arms-1-made_from": last}
    assert "SOC from FAST from FAST-DL from FAST: one of them must be uploaded" in html(save(chain, **changes))


def test_a_figure_names_what_a_recipe_made_no_processing(chain):
    words = figure_choice.choose(chain, QueryDict()).caption
    assert f"FAST, simulated, not acquired ({made(chain, 'FAST').simulated}), from SOC; " in words
    assert "FAST processed by denoise" in words


@pytest.mark.parametrize(
    "name", [kind.name for command in (recipes.DEGRADE, recipes.RECONSTRUCT) for kind in recipes.offered(command)]
)
def test_every_kind_comes_back_from_its_recipe_as_it_was_set(name):
    kind = recipes.KINDS[name]
    step = recipes.Step(kind, 3.0 if kind.unit else None, 7 if kind.chance else 0)
    assert recipes.step(step.recipe) == step
    found, identity = apply_recipe(pixels.volume(5, 1), recipes.of_case(step.recipe, "S01", "FAST"), lambda *_: None)
    assert found.shape[1:] == pixels.SHAPE[1:]
    assert identity.sha256 == recipes.sha256(recipes.of_case(step.recipe, "S01", "FAST"))


def test_a_cascade_is_offered_where_its_network_is(monkeypatch, tmp_path):
    monkeypatch.setattr(recipes, "SHIPPED", tmp_path)
    assert [kind.name for kind in recipes.offered(recipes.RECONSTRUCT) if "cascade" in kind.name] == []
    (tmp_path / "cascade").mkdir()
    (tmp_path / "cascade/identity.json").touch()
    assert {"cascade_4", "cascade_8"} <= {kind.name for kind in recipes.offered(recipes.RECONSTRUCT)}


def test_an_arm_is_reconstructed_from_a_part_of_its_lines(chain):
    save(chain, **{"arms-1-made_by": "zero-filled_4"})
    make_arms(chain)
    recipe, case = chain.arms.get(code="FAST").recipe, made(chain, "FAST").case.code
    seed = recipes.of_case(recipe, case, "FAST")["reconstruct"]["seed"]
    said = f"reconstructed: zero filled, undersample 4, seed {seed}"
    assert made(chain, "FAST").simulated == made(chain, "FAST-DL").simulated == said
    assert not_as_asked(chain) == []


def test_thick_slices_become_the_thin_ones_they_were_made_of(settings, tmp_path):
    settings.MODELS_DIR = tmp_path
    config = make_model(tmp_path, "thinner") / "config.toml"
    config.write_text('task = "thin-slices"\n' + config.read_text())
    study = create_study(title="Thick", user=factories.make_user(staff=True), model_name="thinner")
    factories.place_pixels(study, "SOC", pixels.volume(20, 1, (6, 48, 40)))
    study.primary_comparison = None
    study.save()
    study.comparisons.exclude(first__code="SOC", second__code="SOC-DL").delete()
    fast = study.arms.get(code="FAST")
    fast.recipe, fast.made_from = {"degrade": {"thick": 2, "seed": 0}}, study.arms.get(code="SOC")
    fast.save()
    study.arms.filter(code="SOC-DL").update(made_from=fast)
    with TestCase.captureOnCommitCallbacks(execute=True):
        ask_for_missing(study)
    make_arms(study)
    soc, thick, thin = (made(study, arm) for arm in ("SOC", "FAST", "FAST-DL"))
    assert (soc.slices, thick.slices, thin.slices) == (6, 3, 6)  # 8 mm thick, pixels of 0.9: the model alone makes four
    assert np.allclose(soc.affine, thin.affine)
    point = next(one for one in checklist(study) if "thicker slices" in one.text)
    assert (point.done, point.text.split(":")[0]) == (True, "FAST")


def test_the_protocol_shows_arms_in_their_chains(chain):
    told = html(admin(chain).get(f"/studies/{chain.slug}/protocol/"))
    chains = told[told.index('aria-label="Arms as they come') : told.index("<table", told.index("arm-chains"))]
    order = [chains.index(said) for said in ("as it was sent", "SOC, half NEX 5 %", "FAST, denoise", "SOC, denoise")]
    assert order == sorted(order)
    assert chains.count('<span class="badge">simulated</span>') == 2
    assert chains.count("2 of 2 series") == 4
