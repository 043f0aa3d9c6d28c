"""T-EMPTY, T-KEYS, T-DENSE, T-HAV: what the shape of an answer tells. Naive targets fall; ours has rows by policy or by noise."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import beta

from tests.vault.answers import answered, cost, draws_of, exact_of, order_of, plan_of, selection_of
from tests.vault.building import build, row
from tests.vault.building import order_of as order_on
from tests.vault.building import plan_of as plan_on
from tre.loss import PrivacyLoss
from tre.plan.nodes import Column, Domain, Having, HavingCompare, Key, Literal, OfStatistic, Plan, Scan, Sort, Statistic
from tre.vault.answer import Vault
from tre.vault.engines.duckdb import Limits
from tre.vault.noise import perturb
from tre.vault.release import release

KEYS = plan_of("practice")


def alone(keys: int) -> Any:
    """So many groups of one person each."""
    return exact_of(KEYS, [[1] * keys], keys=[[(f"k{n:07}",) for n in range(keys)]])


def kept(keys: int, scale: float, delta: int) -> set[Any]:
    """The groups of one person that our noise lets through."""
    draws = draws_of(KEYS, scale)
    order = order_of(KEYS, draws, selection=selection_of(KEYS, draws, delta))
    (block,) = perturb(alone(keys), order).blocks
    return set(block.keys or ())


# -- T-KEYS


def test_t_keys_naive_shows_every_key() -> None:
    """GROUP BY over what is there, with noise on the counts: the key of one person is shown each time."""
    rng, people = random.Random(1), ["usual"] * 50
    for codes in (people, [*people, "unique"]):
        for _ in range(1_000):
            noisy = {code: count + rng.gauss(0, 1) for code, count in Counter(codes).items()}
            assert ("unique" in noisy) == ("unique" in codes)


@pytest.mark.parametrize(
    ("scale", "keys"), [(1.0, 40_000), *(pytest.param(scale, 10**6, marks=pytest.mark.audit) for scale in (1.0, 2.0))]
)
def test_t_keys_ours_shows_a_key_with_delta_at_most(scale: float, keys: int) -> None:
    """Clopper-Pearson upper bound at 99.9 % at most delta + 3 sqrt(delta / N); the true chance is 0.14 and 0.6 of delta."""
    delta = 1e-3
    shown = len(kept(keys, scale, 10**15))
    assert beta.ppf(0.999, shown + 1, keys - shown) <= delta + 3 * math.sqrt(delta / keys)


# -- T-EMPTY


def test_t_empty_naive_free_retries_find_the_person() -> None:
    """An empty answer that costs nothing is asked again until it is not empty: at delta 1e-3 within 2,995 tries, 19 times of 20.
    With nobody in the group it never is."""
    rng, found = random.Random(2), 0
    for _ in range(200):
        found += any(rng.random() < 1e-3 for _ in range(2_995))
    assert found > 170


def test_t_empty_ours_pays_for_each_try_and_is_bounded_by_the_budget() -> None:
    """A budget of ten such tries (delta 1e-2 in all): the eleventh does not fit, and of 4,000 askers who spend it all no more
    than 1 % see the person by more than chance (Clopper-Pearson 1e-6)."""
    scale, delta, askers = 1.0, 10**15, 4_000
    draws = draws_of(KEYS, scale)
    each = cost(draws, delta=delta)
    budget = sum([each] * 10, PrivacyLoss())
    spent, tries = PrivacyLoss(), 0
    while (spent + each).fits(budget):
        spent, tries = spent + each, tries + 1
    assert tries == 10
    seen = {int(key[0][1:]) // tries for key in kept(askers * tries, scale, delta)}
    assert beta.ppf(1e-6, len(seen), askers - len(seen) + 1) <= 1e-2 if seen else True


# -- T-DENSE


def grouped(rows: list[Any]) -> set[Any]:
    """A naive GROUP BY: the groups that are there."""
    return {(one["region"], one["sex"]) for one in rows}


def test_t_dense_the_rows_are_the_same_on_neighbours(tmp_path: Path) -> None:
    """The only woman of the East leaves: the naive answer loses a row, ours has the same rows each time."""
    store, work = tmp_path / "store", tmp_path / "work"
    store.mkdir()
    work.mkdir()
    people = [row(n, region=("North", "South")[n % 2], sex="M") for n in range(60)]
    target = row(60, region="East", sex="F")
    assert ("East", "F") in grouped([*people, target]) - grouped(people)
    vault = Vault(store.resolve(), Limits(str(work), 1, 1))
    found = []
    for rows in ([*people, target], people):
        held = build(store, rows)
        for _ in range(10):
            order = order_on(plan_on("region", "sex"), held)
            body = json.loads(release(vault.answer(order), order).statement)
            found.append([(one["region"], one["sex"]) for one in body["rows"]])
            assert len(body["rows"]) == 9
    assert all(one == found[0] for one in found)


# -- T-HAV

CELLS, SCALE = 6_000, 5.0
PINSKER = math.sqrt(1 / (2 * SCALE**2) / 2)  # total variation of neighbours under rho-zCDP is at most sqrt(rho / 2): 0.1
SLACK = 2 * math.sqrt(math.log(2 / 1e-7) / (2 * CELLS))  # Hoeffding, two frequencies


def wide(having: Having) -> Plan:
    """So many groups, each a question of its own."""
    key = Key("place", Column("patients", "place", Domain("integer", False, low=1, high=CELLS)))
    return Plan("gp", Scan("patients", 1), (key,), (Statistic("n", "persons"),), ("place", "n"), having=having)


@pytest.mark.parametrize(("truth", "limit"), [(3, "3"), (11, "11"), (14, "12")])
def test_t_hav_having_looks_at_noisy_numbers(truth: int, limit: str) -> None:
    """HAVING n > limit over a group of ``truth`` or one more. Naive: the row is there or not. Ours: as often as noise allows."""
    naive = [count > int(limit) for count in (truth, truth + 1)]
    assert naive == [False, True] or truth == 14
    plan = wide(HavingCompare(">", OfStatistic("n"), Literal(limit)))
    order = order_of(plan, scale=SCALE)
    rates = []
    for count in (truth, truth + 1):
        body = answered(perturb(exact_of(plan, [[count] * CELLS]), order), order)
        rates.append(len(body["rows"]) / CELLS)
    assert abs(rates[0] - rates[1]) <= PINSKER + SLACK


def test_t_hav_order_and_limit_look_at_noisy_numbers() -> None:
    """ORDER BY n DESC LIMIT 1 at a tie that one person breaks. Naive: the first region changes. Ours: hardly oftener than not."""
    assert [max(("North", "South"), key=counts.get) for counts in ({"North": 50, "South": 49}, {"North": 50, "South": 51})] == [
        "North", "South",
    ]  # fmt: skip
    plan = plan_of("region", order=(Sort("n", True),), limit=1)
    order, tries, rates = order_of(plan, scale=SCALE, rounding=1), 1_200, []
    for south in (50, 51):
        first = [answered(perturb(exact_of(plan, [[50, south, 0]]), order), order)["rows"][0]["region"] for _ in range(tries)]
        rates.append(first.count("South") / tries)
    slack = 2 * math.sqrt(math.log(2 / 1e-7) / (2 * tries))
    assert abs(rates[0] - rates[1]) <= PINSKER + slack
    assert 0.3 < rates[0] < 0.7
