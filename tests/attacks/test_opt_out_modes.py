"""OO-7: the same statistic with and without the people who opted out, one subtracted from the other. It protects each person and
tells of all of them together; the naive target falls, ours has no second mode. Nor by a second name of the same people: a target
with a mode for each dataset falls when they are loaded twice, ours has one for a population."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from scipy.stats import binomtest

from tests.databases import new_database
from tests.policy.folders import edit, make_folder
from tre import optouts
from tre.errors import Reason, Refusal
from tre.optouts.tables import REGIMES
from tre.policy import Policies, read_policies
from tre.state import State

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL, TYPE_1 = tuple(REGIMES), ("type-1",)
TRIALS, GROUP, SCALE = 600, 60, 20.0
Ask = Callable[[tuple[str, ...], str], float | None]
People = Callable[[str], tuple[str, ...]]  # a dataset → the names under which its mode is kept


class Town:
    """A town of unknown size. Of a group in it (a congregation, the staff of a works) all have opted out, or none."""

    def __init__(self, rng: random.Random) -> None:
        self.size, self.objecting = rng.randint(2_000, 4_000), rng.random() < 0.5
        self._rng = rng

    def count(self, regimes: tuple[str, ...], _dataset: str) -> float:
        """A count with noise that hides any one person (epsilon about 0.05), under some opt-outs."""
        there = self.size - (GROUP if self.objecting and "national" in regimes else 0)
        return there + self._rng.gauss(0, SCALE)


def attack(ask: Ask, dataset: str, rng: random.Random) -> bool:
    """The attacker's guess whether they object: by the difference where there is one, otherwise by the one count there is, and
    by chance without any."""
    without, with_them = ask(ALL, dataset), ask(TYPE_1, dataset)
    if without is not None and with_them is not None:
        return with_them - without > GROUP / 2
    told = without if without is not None else with_them
    return rng.random() < 0.5 if told is None else told < 3_000


def test_naive_answers_in_both_modes_and_tells_who_objects() -> None:
    rng, right = random.Random(1), 0
    for number in range(TRIALS):
        town = Town(rng)
        right += attack(town.count, str(number), rng) == town.objecting
    assert right / TRIALS > 0.8


def test_ours_answers_in_one_mode_and_tells_nothing(tmp_path: Path) -> None:
    """Each town is a dataset of its own, so that each trial has a first mode; the second is refused in the same words whether the
    group objects or not. The guess is no better than chance (one-sided, 1 in 1,000)."""
    rng, right, refusals = random.Random(2), 0, set()
    with State.open(new_database(tmp_path)) as state:

        def answered(town: Town, regimes: tuple[str, ...], dataset: str) -> float | None:
            try:
                state.write(lambda tx: optouts.fix_mode(tx, (dataset,), regimes, AT))
            except Refusal as refusal:
                refusals.add((refusal.reason, refusal.detail, refusal.suggestion))
                return None
            return town.count(regimes, dataset)

        for number in range(TRIALS):
            town = Town(rng)
            guess = attack(lambda regimes, dataset, town=town: answered(town, regimes, dataset), f"town-{number}", rng)
            right += guess == town.objecting
    assert len(refusals) == 1 and {reason for reason, *_ in refusals} == {Reason.OPT_OUT_MODE}
    assert binomtest(right, TRIALS, 0.5, alternative="greater").pvalue > 0.001


def same_people_twice(folder: Path) -> Policies:
    """For each trial a town's records under two names, the second of which says whom it is about."""
    edit(make_folder(folder), "datasets/small.yaml", "dataset: small\n", "dataset: small\npopulation: town\n")
    policies = read_policies(folder)
    small = policies.datasets["small"]

    def named(dataset: str, people: str) -> dict[str, object]:
        return {"dataset": dataset, "population": None if people == dataset else people}

    twice = [named(f"{name}-{number}", f"town-{number}") for number in range(TRIALS) for name in ("town", "copy")]
    return replace(policies, datasets={str(one["dataset"]): small.model_copy(update=one) for one in twice})


def guesses_right(state: State, people: People, seed: int, refusals: set[Reason]) -> int:
    """How often the attacker is right who asks without the people in a town's records, and with them in its copy."""
    rng, right = random.Random(seed), 0

    def answered(town: Town, regimes: tuple[str, ...], dataset: str) -> float | None:
        of = dataset if regimes == ALL else dataset.replace("town", "copy")
        try:
            state.write(lambda tx: optouts.fix_mode(tx, people(of), regimes, AT))
        except Refusal as refusal:
            refusals.add(refusal.reason)
            return None
        return town.count(regimes, of)

    for number in range(TRIALS):
        town = Town(rng)
        guess = attack(lambda regimes, dataset, town=town: answered(town, regimes, dataset), f"town-{number}", rng)
        right += guess == town.objecting
    return right


def test_naive_has_a_mode_for_each_name_and_tells_who_objects(tmp_path: Path) -> None:
    refusals: set[Reason] = set()
    with State.open(new_database(tmp_path)) as state:
        assert guesses_right(state, lambda dataset: (dataset,), 3, refusals) / TRIALS > 0.8
    assert not refusals


def test_ours_has_one_mode_for_the_same_people_under_two_names(tmp_path: Path) -> None:
    policies, refusals = same_people_twice(tmp_path / "policies"), set[Reason]()
    with State.open(new_database(tmp_path)) as state:
        right = guesses_right(state, policies.same_people, 4, refusals)
    assert refusals == {Reason.OPT_OUT_MODE}
    assert binomtest(right, TRIALS, 0.5, alternative="greater").pvalue > 0.001
