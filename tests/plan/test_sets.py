"""Totals that cost nothing are the totals, cell by cell."""

from __future__ import annotations

from itertools import product

from tests.plan.made import AGE, BOARD, BOTH, COST, KIND, PATIENTS, PRACTICE, SEX, VISITS, asking, number
from tre.plan.nodes import Column, Domain, Expression, Plan
from tre.plan.sets import added, cell_of, drawn, groups, parts

ROLLUP = ((0, 1), (0,), ())


def sets_of(*keys: Expression, plan_of: str = "persons", sets: tuple[tuple[int, ...], ...] = ROLLUP) -> Plan:
    relation = VISITS if plan_of == "many" else BOTH if plan_of == "both" else PATIENTS
    statistic = number("rows") if plan_of in ("many", "both") else number("persons")
    return asking(relation, statistic, keys=keys, discovered=True, sets=sets)


def test_which_totals_are_added() -> None:
    assert added(sets_of(SEX, BOARD)) and drawn(sets_of(SEX, BOARD)) == ((0, 1),)
    assert not added(sets_of(SEX, BOARD, sets=((0, 1),)))
    assert not added(sets_of(SEX, PRACTICE))  # found in the records: not every cell is there
    assert not added(sets_of(SEX, KIND, plan_of="both")) and len(drawn(sets_of(SEX, KIND, plan_of="both"))) == 3
    assert added(sets_of(SEX, BOARD, plan_of="both"))  # many rows, in one group each person
    assert not added(asking(PATIENTS, number("quantile", AGE, q="0.5"), keys=(SEX, BOARD), sets=ROLLUP))
    assert added(asking(PATIENTS, number("stddev", AGE), keys=(SEX, BOARD), sets=ROLLUP))
    assert not added(asking(VISITS, number("sum", COST), keys=(KIND,), sets=((0,), ())))


def test_how_many_groups_a_person_is_in() -> None:
    assert groups(sets_of(SEX, BOARD)) == 1
    assert groups(sets_of(SEX, PRACTICE)) == 3
    assert groups(sets_of(SEX, KIND, plan_of="both")) == 3 + 1 + 1


def test_every_cell_of_the_finest_set_is_part_of_one_cell() -> None:
    decile = Column("patients", "decile", Domain("integer", True, (), 1, 10))
    plan = asking(PATIENTS, number("persons"), keys=(SEX, BOARD, decile), sets=((0, 1, 2), (0, 2), (1,), (0, 1), ()))
    domains = (4, 42, 11)
    finest = list(product(*map(range, domains)))
    for one in plan.sets:
        dense = {cell: place for place, cell in enumerate(product(*(range(domains[place]) for place in one)))}
        found = cell_of(plan, one)
        assert found == tuple(dense[tuple(cell[place] for place in one)] for cell in finest)
        assert {found.count(place) for place in set(found)} == {parts(plan, one)}
        assert len(dense) == plan.cells_of(one) and set(found) == set(range(len(dense)))


def test_a_set_that_is_drawn_is_one_part() -> None:
    assert [parts(sets_of(SEX, KIND, plan_of="both"), one) for one in ROLLUP] == [1, 1, 1]
