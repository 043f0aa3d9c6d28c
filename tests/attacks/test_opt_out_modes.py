"""OO-7: the same statistic with and without the people who opted out, one subtracted from the other. It protects each person and
tells of all of them together; the naive target falls, ours has no second mode."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from scipy.stats import binomtest

from tests.databases import new_database
from tre import optouts
from tre.errors import Reason, Refusal
from tre.optouts.tables import REGIMES
from tre.state import State

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL, TYPE_1 = tuple(REGIMES), ("type-1",)
TRIALS, GROUP, SCALE = 600, 60, 20.0
Ask = Callable[[tuple[str, ...], str], float | None]


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
                state.write(lambda tx: optouts.fix_mode(tx, dataset, regimes, AT))
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
