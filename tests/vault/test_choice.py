"""A bound that is chosen, inside the vault: where each person stands, what is counted then, what is said and believed of it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.vault import building, plain
from tests.vault.answers import HELD
from tests.vault.building import SCAN, TABLES, choice_of, column, order_of
from tests.vault.test_engine import EXCLUDED, World, as_plain
from tre.loss import PrivacyLoss
from tre.plan.choice import bounded, bounds, counted
from tre.plan.measures import groups_of_a_person
from tre.plan.nodes import Compare, Filter, Join, Key, Plan, SemiJoin, Statistic
from tre.plan.nodes.asked import AUTO
from tre.plan.order import Order
from tre.plan.sets import drawn
from tre.vault.check import Alarm, check_contributions
from tre.vault.exact import ExactContributions
from tre.vault.noise import COUNTER, choose, perturb
from tre.vault.noisy import NoisyChoice
from tre.vault.release import release
from tre.vault.shown import NotShown, shown_from, shown_to_json
from tre.vault.suppress import suppress

EVENTS, VISITS = TABLES["events"].scan, TABLES["visits"].scan
GRADE, KIND, CODE = column("value", "events"), column("kind", "events"), column("code", "events")
BOTH = Join(SCAN, EVENTS)


def asking(relation: Any, keys: Iterable[Any] = (), *statistics: Statistic, discovered: bool = False) -> Plan:
    named = tuple(Key(f"k{place}", key, discovered) for place, key in enumerate(keys))
    asked = statistics or (Statistic("n", "rows", None, AUTO),)
    return Plan("gp", relation, named, asked, (*(key.alias for key in named), *(one.alias for one in asked)))


PLANS = {
    "all rows": asking(EVENTS),
    "by a key of the rows": asking(EVENTS, [KIND]),
    "by a key of the person": asking(BOTH, [column("region")]),
    "by both": asking(BOTH, [column("sex"), KIND]),
    "of a value": asking(EVENTS, [KIND], Statistic("s", "avg", GRADE, AUTO)),
    "of two values": asking(
        EVENTS, [], Statistic("s", "avg", GRADE, AUTO), Statistic("c", "rows", CODE, AUTO), Statistic("m", "rows", None, 2)
    ),
    "of a median": asking(BOTH, [column("region")], Statistic("s", "quantile", GRADE, AUTO, "0.5")),
    "found groups": asking(EVENTS, [CODE], discovered=True),
    "joined many": asking(Join(EVENTS, VISITS), [KIND]),
    "filtered": asking(Filter(BOTH, Compare("<>", GRADE, 3)), [column("region")]),
    "among": asking(SemiJoin(EVENTS, VISITS, None, False)),
}


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("choice"))


def places(plan: Plan, tables: Any, excluded: Iterable[int]) -> list[int]:
    """Where each person stands, by plain Python: the groups that are kept, and of these the one with the most rows that count."""
    (one,), grid, stand = drawn(plan), bounds(plan), Counter[int]()
    keys, l0 = [plan.keys[at] for at in one], groups_of_a_person(plan, one)
    for person in {line["person"] for rows in tables.values() for line in rows} - set(excluded):
        groups: dict[Any, list[Any]] = defaultdict(list)
        for line in plain.lines(plan.relation, tables, person):
            groups[tuple(plain.value_of(key.column, line) for key in keys)].append(line)

        def first(group: Any, groups: Any = groups) -> Any:
            ranks = [rank for line in groups[group] for rank in line["ranks"][:1]]
            return (not ranks, min(ranks, default=0)), plain.sort_key(keys, group)

        most = 0
        for group in sorted(groups, key=first)[:l0]:
            for value in counted(plan):
                known = [1 for line in groups[group] if value is None or plain.value_of(value, line) is not None]
                most = max(most, len(known))
        if most:
            stand[next((at for at, bound in enumerate(grid) if most <= bound), len(grid))] += 1
    return [stand[at] for at in range(len(grid) + 1)]


@pytest.mark.parametrize("name", PLANS)
def test_each_person_stands_where_plain_python_says(everyone: World, name: str) -> None:
    plan = PLANS[name]
    exact = everyone.vault.exact(plan, everyone.held)
    found = list(everyone.vault.contributions)
    assert found == places(plan, everyone.tables, EXCLUDED) and sum(found) > 5
    assert everyone.vault.chosen is not None
    at = bounded(plan, everyone.vault.chosen.k)
    assert as_plain(exact) == plain.add_up(at, everyone.tables, EXCLUDED)


def test_places_of_ranges_of_persons_add_up(everyone: World, tmp_path: Path) -> None:
    parts = World(tmp_path, at_once=1, range=7)
    for plan in PLANS.values():
        everyone.vault.exact(plan, everyone.held)
        whole = everyone.vault.contributions
        parts.vault.exact(plan, parts.held)
        assert parts.vault.contributions == whole


@pytest.mark.parametrize("name", PLANS)
def test_one_person_moves_one_place_by_one(everyone: World, name: str, tmp_path: Path) -> None:
    """Without one person more: at most one place has one person less, all others are as they were."""
    plan = PLANS[name]
    everyone.vault.exact(plan, everyone.held)
    whole, moved = everyone.vault.contributions, 0
    others = sorted({line["person"] for line in everyone.rows} - EXCLUDED)
    for version, person in enumerate(others[:6], 2):
        exclusion = building.exclude(everyone.held[0], EXCLUDED | {person}, version)
        everyone.vault.exact(plan, (everyone.held[0], exclusion))
        less = [one - other for one, other in zip(whole, everyone.vault.contributions, strict=True)]
        assert sorted(less) in ([0] * len(less), [0] * (len(less) - 1) + [1])
        moved += sum(less)
        (Path(everyone.held[0].folder) / "exclusions" / f"{version}.duckdb").unlink()
    assert moved


def test_a_choice_that_cannot_be_sounds_the_alarm(everyone: World) -> None:
    order = order_of(PLANS["all rows"], everyone.held)
    counted_ = everyone.vault.prepare(*everyone.held).counted
    people = counted_["events"].persons - counted_["events"].persons_left_out
    check_contributions(ExactContributions((0, 0, people, 0)), order, counted_)
    for wrong in ((0, 0, people + 1, 0), (-1, 1, 0, 0), (people, 1, 0, 0)):
        with pytest.raises(Alarm):
            check_contributions(ExactContributions(wrong), order, counted_)
    no_more = asking(replace(EVENTS, row_cap=8, max_rows=8))
    with pytest.raises(Alarm):
        check_contributions(ExactContributions((0,) * len(bounds(no_more)) + (1,)), order_of(no_more, everyone.held), counted_)


def loud(order: Order) -> Order:
    """With a reservation that covers whatever is chosen."""
    reserved = replace(order.reservation, loss=PrivacyLoss(rho=10**20, delta=10**12))
    return Order(
        order.restricted, reserved, order.snapshot, order.exclusion, order.draws, order.disclosure, order.max_persons,
        order.deadline_s, order.selection, order.choice,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["all rows", "of two values", "found groups", "of a median"])
def test_one_choice_one_number_beyond_and_one_draw_a_measure(everyone: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the vault's own noise; what it replies is believed, and released with the bound that it says."""
    monkeypatch.setattr(everyone.vault, "_noise", perturb)
    monkeypatch.setattr(everyone.vault, "_choice", choose)
    order, before = loud(order_of(PLANS[name], everyone.held)), COUNTER.draws
    shown = everyone.vault.answer(order)
    assert shown.bounded is not None and order.choice is not None
    assert COUNTER.draws - before == 2 + len(order.choice.offer(shown.bounded.k).draws)
    assert shown_from(json.loads(json.dumps(shown_to_json(shown))), order) == shown
    told = json.loads(release(shown, order).statement)
    assert told["plan"] == order.restricted.digest
    assert told["disclosure"]["bound"]["max_rows"] == shown.bounded.k
    chosen = [one for one in told["columns"] if one.get("bound") == AUTO]
    assert chosen and {one["max_rows"] for one in chosen} == {shown.bounded.k}


PLAN = PLANS["all rows"]


def quiet(clamped: int, k: int = 2) -> tuple[Order, dict[str, Any]]:
    order = order_of(PLAN, HELD)
    noisy = building.NoisyTable((building.NoisyBlock(None, 1, ((30,), (45,))[: 1 if k == 1 else 2]),))
    return order, json.loads(json.dumps(shown_to_json(suppress(noisy, order.at(k), NoisyChoice(k, clamped)))))


@pytest.mark.parametrize(
    ("clamped", "told", "said"),
    [(42, 40, "about 40"), (12, 10, "about 10"), (9, None, "fewer than 10"), (-7, None, "fewer than 10")],
)
def test_the_persons_beyond_are_rounded_and_hidden_where_few(clamped: int, told: int | None, said: str) -> None:
    order, reply = quiet(clamped)
    assert reply["bounded"] == ([2] if told is None else [2, told])
    record = json.loads(release(shown_from(reply, order), order).statement)["disclosure"]
    bound = record["bound"]
    assert (bound["persons_clamped"], bound["suppressed"], bound["among"], bound["of"]) == (told, told is None, [1, 2, 3], ["n"])
    if told is not None:
        assert bound["persons_clamped_low"] < told < bound["persons_clamped_high"]
    (rule,) = [one["how"] for one in record["rules"] if one["rule"] == "choice of the bound"]
    assert said in rule and "of the bounds 1, 2, 3" in rule
    (whole,) = [one["how"] for one in record["rules"] if one["rule"] == "contribution bound"]
    assert "at most 2 rows" in whole


@pytest.mark.parametrize(
    "wrong",
    [
        [4, 20],
        [0, 20],
        [2, 5],
        [2, 21],
        [2, -20],
        [2, 2**64],
        [2, 20.0],
        [True, 20],
        [2, None],
        [2, 20, 20],
        [],
        None,
        "2",
        {"k": 2},
    ],
)
def test_what_a_worker_cannot_say_of_a_bound(wrong: Any) -> None:
    order, reply = quiet(20)
    assert shown_from(reply, order).bounded is not None
    with pytest.raises(NotShown):
        shown_from(reply | {"bounded": wrong}, order)


def test_a_reply_is_of_the_bound_that_it_names() -> None:
    """Each bound has its own scales: the interval of another's is not believed; nor a bound that nobody asked for."""
    order, reply = quiet(20, 2)
    with pytest.raises(NotShown):
        shown_from(reply | {"bounded": [3, 20]}, _wider(order))
    without = {name: one for name, one in reply.items() if name != "bounded"}
    for wrong, of in ((without, order), (reply, order_of(bounded(PLAN, 2), HELD))):
        with pytest.raises(NotShown):
            shown_from(wrong, of)


def _wider(order: Order) -> Order:
    """At 3 rows with twice the scale."""
    assert order.choice is not None
    offers = [*order.choice.offers[:2], replace(order.choice.offers[2], draws=choice_of(PLAN, 9.0).offers[2].draws)]
    offered = replace(order.choice, offers=tuple(offers))
    return Order(
        order.restricted, order.reservation, order.snapshot, order.exclusion, offers[-1].draws, order.disclosure,
        order.max_persons, order.deadline_s, None, offered,
    )  # fmt: skip
