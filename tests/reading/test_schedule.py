"""The schedule's rules: once each, balanced, spaced, reproducible, uniform."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from processing.errors import InputError
from readerstudy.reading.schedule import ScheduledCase, generate, smallest_distance

COMPARISONS = ["SOC vs FAST", "FAST-DL vs SOC", "FAST-DL vs FAST"]


def cases(subjects: int, per_subject: int, training: int = 0) -> list[ScheduledCase]:
    return [
        ScheduledCase(f"S{s:03d}-{c}", f"S{s:03d}", training=s < training)
        for s in range(subjects)
        for c in range(per_subject)
    ]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**48),
    subjects=st.integers(1, 25),
    per_subject=st.integers(1, 4),
    comparisons=st.integers(1, 5),
    share=st.sampled_from([0, 0.1, 0.25]),
    training=st.integers(0, 2),
    parts=st.integers(1, 4),
)
def test_every_rule_holds_at_every_size(seed, subjects, per_subject, comparisons, share, training, parts):
    names = [f"c{n}" for n in range(comparisons)]
    material = cases(subjects, per_subject, training)
    parts = min(parts, max(1, sum(not case.training for case in material) * comparisons))
    schedule = generate(
        seed=seed, readers=["R1", "R2"], cases=material, comparisons=names, repeat_share=share, parts=parts
    )
    subject_of = {case.code: case.subject for case in material}
    wanted = Counter((case.code, name) for case in material if not case.training for name in names)
    for reader in ("R1", "R2"):
        own = [e for e in schedule.entries if e.reader == reader]
        assert [e.position for e in own] == list(range(1, len(own) + 1))
        kinds = [e.kind for e in own]
        assert "training" not in kinds[kinds.count("training") :], "training comes first"
        mains = {e.position: e for e in own if e.kind == "main"}
        assert Counter((e.case, e.comparison) for e in mains.values()) == wanted
        for name in names:
            sides = Counter(e.first_side for e in mains.values() if e.comparison == name)
            assert abs(sides["left"] - sides["right"]) <= 1
        for repeat in (e for e in own if e.kind == "repeat"):
            main = mains[repeat.repeat_of]
            assert (main.case, main.comparison) == (repeat.case, repeat.comparison)
            assert main.first_side != repeat.first_side
            assert main.position < repeat.position
            assert parts == 1 or main.part < repeat.part
        assert [e.part for e in own] == sorted(e.part for e in own)
        for name in names:
            for part in range(1, parts + 1):
                sides = Counter(e.first_side for e in mains.values() if (e.comparison, e.part) == (name, part))
                assert abs(sides["left"] - sides["right"]) <= 1
        if parts >= comparisons:
            shown = [(e.case, e.part) for e in mains.values()]
            assert len(set(shown)) == len(shown), "a case once in each part"
        for part in range(1, parts + 1):
            read = [subject_of[e.case] for e in own if e.kind != "training" and e.part == part]
            gap = smallest_distance(read)
            assert gap is None or gap >= schedule.distance


def test_the_wished_distance_is_kept_where_it_is_feasible():
    schedule = generate(seed=7, readers=["R1"], cases=cases(61, 2), comparisons=COMPARISONS, distance=5)
    assert schedule.distance >= 5


def test_one_subject_only_gets_the_largest_feasible_distance():
    schedule = generate(seed=7, readers=["R1"], cases=cases(1, 2), comparisons=COMPARISONS, distance=5)
    assert schedule.distance == 1


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    arguments = {"readers": ["R2", "R1"], "cases": cases(6, 2), "comparisons": COMPARISONS, "repeat_share": 0.1}
    assert generate(seed=1, **arguments).sha256 == generate(seed=1, **arguments).sha256
    assert generate(seed=1, **arguments).sha256 != generate(seed=2, **arguments).sha256


def test_adding_a_reader_changes_nobody_elses_list():
    one = generate(seed=5, readers=["R1"], cases=cases(6, 2), comparisons=COMPARISONS)
    two = generate(seed=5, readers=["R1", "R2"], cases=cases(6, 2), comparisons=COMPARISONS)
    assert [e for e in two.entries if e.reader == "R1"] == list(one.entries)


@pytest.mark.slow
def test_positions_and_sides_are_uniform_over_seeds():
    position, side = Counter(), defaultdict(Counter)
    seeds = 1500
    material = cases(6, 1)
    for seed in range(seeds):
        for e in generate(seed=seed, readers=["R1"], cases=material, comparisons=COMPARISONS[:2]).entries:
            if e.case == "S000-0" and e.comparison == COMPARISONS[0]:
                position[e.position] += 1
                side[e.case][e.first_side] += 1
    assert chisquare([position[p] for p in range(1, 13)]).pvalue > 1e-4
    assert chisquare(list(side["S000-0"].values())).pvalue > 1e-4


def test_wishes_that_cannot_be_granted_are_said():
    few = generate(seed=1, readers=["R1"], cases=cases(2, 2), comparisons=COMPARISONS, distance=9, repeat_share=0.01)
    assert "2 positions apart; 9 were wished" in few.notes[0]
    assert "there are no hidden repeats" in few.notes[1]
    two = generate(seed=1, readers=["R1"], cases=cases(30, 1), comparisons=COMPARISONS, parts=2)
    assert two.notes == (
        "3 comparisons in 2 parts: some pairs of one case lie in the same part. 3 parts would keep them apart.",
    )
    assert generate(seed=1, readers=["R1"], cases=cases(30, 1), comparisons=COMPARISONS, parts=3).notes == ()
    with pytest.raises(InputError, match="7 parts need at least 7 pairs; each reader has 6"):
        generate(seed=1, readers=["R1"], cases=cases(2, 1), comparisons=COMPARISONS, parts=7)


def test_parts_are_of_equal_length():
    schedule = generate(seed=3, readers=["R1"], cases=cases(37, 3), comparisons=COMPARISONS, parts=3)
    assert set(Counter(e.part for e in schedule.entries).values()) == {111}


@pytest.mark.parametrize(("size", "share", "repeats"), [((37, 3), 0.1, 33), ((8, 1), 0.1, 2), ((61, 2), 0.25, 92)])
def test_repeats_are_the_share_that_was_asked_and_balanced_as_a_block(size, share, repeats):
    made = generate(seed=4, readers=["R1"], cases=cases(*size), comparisons=COMPARISONS, repeat_share=share)
    again = [e for e in made.entries if e.kind == "repeat"]
    assert len(again) == repeats
    sides = Counter(e.first_side for e in again)
    assert abs(sides["left"] - sides["right"]) <= 1
    each = Counter((e.comparison, e.first_side) for e in again)
    assert (
        max(each[c, s] for c in COMPARISONS for s in sides) - min(each[c, s] for c in COMPARISONS for s in sides) <= 1
    )
    of = Counter(e.comparison for e in again)
    assert max(of.values()) - min(of[c] for c in COMPARISONS) <= 1


@pytest.mark.parametrize(("practice", "rounds"), [(0, 0), (2, 1), (3, 1), (5, 2), (99, 3)])
def test_practice_pairs_are_as_many_as_wished_and_come_from_every_case_in_turn(practice, rounds):
    given = {"seed": 4, "readers": ["R1", "R2", "R3"], "cases": cases(4, 3, 1), "comparisons": COMPARISONS}
    made = generate(**given, practice=practice)
    for reader in given["readers"]:
        own = [entry for entry in made.entries if entry.reader == reader and entry.kind == "training"]
        times = Counter(entry.case for entry in own)
        assert len(own) == min(practice, 9)
        assert max(times.values(), default=0) == rounds
        assert max(times.values(), default=0) - min((times[f"S000-{n}"] for n in range(3)), default=0) <= 1
        assert len({(entry.case, entry.comparison) for entry in own}) == len(own)
    assert generate(**given, practice=99).sha256 == generate(**given, practice=9).sha256
