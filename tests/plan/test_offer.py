"""The catalogue: made from the policy, travels, and admits only plans that speak of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.plan.offers import CATALOGUE, CODELISTS, LISTS, POLICIES, SMALL
from tre.errors import Reason, Refusal
from tre.plan.nodes import (
    And,
    Column,
    Constant,
    Derived,
    Domain,
    Filter,
    Grouped,
    IsNull,
    Join,
    Key,
    Named,
    Not,
    OneOf,
    Plan,
    Relate,
    Scan,
    SemiJoin,
    Statistic,
    Value,
    arithmetic,
    computed,
    days,
    from_json,
    to_json,
)
from tre.plan.offer import catalogue_from_json, catalogue_to_json, with_own_codelists
from tre.plan.parse import parse


def test_it_is_the_policy() -> None:
    policy = POLICIES.datasets["gp"]
    assert list(CATALOGUE.tables) == list(policy.tables)
    patients = CATALOGUE.tables["patients"]
    assert patients.one_row_per_person and patients.row_cap == 1
    assert patients.public_keys() == [
        name for name, column in policy.tables["patients"].columns.items() if column.keys == "public"
    ]
    domains = {name: column.domain for name, column in patients.columns.items()}
    assert domains["sex"].values == ("F", "M", "I", "U") and domains["sex"].size == 4
    assert (domains["year_of_birth"].low, domains["year_of_birth"].high) == (1900, 2026)
    assert (domains["imd_decile"].size, domains["imd_decile"].nullable) == (11, True)
    assert (domains["died_on"].low, domains["died_on"].high) == (days("2000-01-01"), days("2026-12-31"))
    assert domains["practice"].size is None
    value = CATALOGUE.tables["measurements"].columns["value"].domain
    assert value.grid == "0.1" and value.high == policy.tables["measurements"].columns["value"].max * 10
    events = CATALOGUE.tables["events"]
    assert (events.row_cap, events.max_rows, events.max_groups) == (2_000, 20, 12) and not events.one_row_per_person
    assert CATALOGUE.birth == policy.birth == "patients.year_of_birth"


def test_it_travels() -> None:
    for offer in (CATALOGUE, SMALL):
        again = catalogue_from_json(json.loads(json.dumps(catalogue_to_json(offer))))
        assert again == offer and again.digest == offer.digest
    assert CATALOGUE.digest != SMALL.digest


QUESTION = parse("SELECT shape, COUNT(*) AS n FROM people WHERE age > 3 AND NOT colour = 'red' GROUP BY shape", SMALL, LISTS)


WIDE = parse(
    "WITH v AS (SELECT person, COUNT(*) AS n, MAX(seen_on) AS last_on, place FROM visits WHERE height > 2 GROUP BY person, place)"
    " SELECT p.shape, n, COUNT(*) AS c, AVG(p.height) AS h FROM people p LEFT JOIN v ON v.person = p.person"
    " WHERE EXISTS (SELECT 1 FROM visits w WHERE w.person = p.person AND w.seen_on > p.seen_on AND w.place = 'x')"
    " AND NOT EXISTS (SELECT 1 FROM people q WHERE q.person = p.person AND q.place = p.place)"
    " GROUP BY p.shape, n",
    SMALL,
    LISTS,
)


def wider(domain: Any) -> Any:
    return replace(domain, values=(*domain.values, "other"))


def filtered(plan: Plan, condition: Any) -> Plan:
    return replace(plan, relation=Filter(Scan("people", 1), condition))


def keyed(plan: Plan, **change: Any) -> Plan:
    return replace(plan, keys=(Key("shape", replace(plan.keys[0].column, **change)),))


def column(name: str, label: str = "people", nullable: bool = False) -> Column:
    return Column(label, name, SMALL.tables["people"].columns[name].domain.or_null(nullable))


def grouped(name: str = "n", label: str = "v", table: str = "visits", cap: int = 50) -> Grouped:
    return Grouped(
        Scan(table, cap, 5, 3) if cap > 1 else Scan(table, cap), label, (), (computed(name, "count", None, None, cap),)
    )


def over(relation: Any, plan: Plan = QUESTION) -> Plan:
    """A plan of another relation that asks for nothing of it but persons."""
    return replace(plan, relation=relation, keys=(), output=("n",), sets=())


OTHER = Column("people", "shape", column("place").domain)
PEOPLE, VISITS = Scan("people", 1), Scan("visits", 50, 5, 3)
TAMPERED: dict[str, Callable[[], Plan]] = {
    "another dataset": lambda: replace(QUESTION, dataset="gp"),
    "another table": lambda: over(Scan("secret", 1)),
    "a table of one row for many": lambda: over(Scan("visits", 1)),
    "another row cap": lambda: over(Scan("people", 2)),
    "other rows that count": lambda: over(Scan("visits", 50, 6, 3)),
    "other groups": lambda: over(Scan("visits", 50, 5, 4)),
    "a label that is no name": lambda: over(Scan("people", 1, label='x" FROM secret --')),
    "a label twice in another case": lambda: over(Join(PEOPLE, Scan("visits", 50, 5, 3, "PEOPLE"))),
    "a label of the right side again": lambda: over(SemiJoin(PEOPLE, grouped(label="People"))),
    "a wider key": lambda: keyed(QUESTION, domain=wider(QUESTION.keys[0].column.domain)),
    "a key that is not public": lambda: keyed(QUESTION, name="height", domain=column("height").domain),
    "a key discovered that is public": lambda: replace(QUESTION, keys=(replace(QUESTION.keys[0], discovered=True),)),
    "a key that has no such column": lambda: keyed(QUESTION, name="secret"),
    "a key made of one that is not public": lambda: replace(
        QUESTION, keys=(Key("shape", arithmetic("+", column("height"), column("height"))),)
    ),
    "a column that is not there": lambda: filtered(QUESTION, IsNull(Column("people", "secret", column("age").domain))),
    "a column that is NULL too": lambda: filtered(QUESTION, IsNull(column("shape", nullable=True))),
    "a column that is never NULL above an outer join": lambda: over(
        Filter(Join(PEOPLE, VISITS, outer=True), IsNull(column("shape", "visits")))
    ),
    "a statistic's column": lambda: replace(
        QUESTION, statistics=(Statistic("n", "avg", Column("people", "height", replace(column("height").domain, high=10))),)
    ),
    "codes of two dictionaries": lambda: filtered(QUESTION, Relate("=", column("place"), OTHER)),
    "a condition that is none": lambda: filtered(QUESTION, PEOPLE),
    "a constant that is none": lambda: filtered(QUESTION, Constant(1)),  # type: ignore[arg-type]
    "a text for a part": lambda: filtered(QUESTION, And(("a", "b"))),  # type: ignore[arg-type]
    "a text for a negation": lambda: filtered(QUESTION, Not("a")),  # type: ignore[arg-type]
    "a number for a truth": lambda: over(Join(PEOPLE, VISITS, outer=1)),  # type: ignore[arg-type]
    "a column of the person's name": lambda: over(grouped("Person")),
    "a column that is no name": lambda: over(grouped('n" --')),
    "two columns of one name in another case": lambda: over(
        Derived(PEOPLE, "d", (Named("x", column("age")), Named("X", column("age"))))
    ),
    "a text that cannot be printed": lambda: replace(
        QUESTION, keys=(Key("shape", Value("a\n", Domain("category", False, ("a\n",)))),)
    ),
    "joins of too many rows": lambda: over(
        Join(Join(Join(Join(VISITS, labelled("a")), labelled("b")), labelled("c")), labelled("d"))
    ),
    "a question inside of too many rows": lambda: over(
        SemiJoin(
            Join(Join(VISITS, labelled("a")), labelled("b")),
            Join(labelled("c"), labelled("d")),
            Relate("<", column("age", "visits"), column("age", "c")),
        )
    ),
    "too many codes": lambda: filtered(QUESTION, And((many("a"), many("b")))),
}


def many(letter: str) -> OneOf:
    return OneOf(column("place"), tuple(f"{letter}{number:06}" for number in range(30_000)))


def labelled(label: str) -> Scan:
    return Scan("visits", 50, 5, 3, label)


def test_an_honest_plan_is_admitted() -> None:
    for plan in (QUESTION, WIDE, over(PEOPLE), over(VISITS), over(grouped()), over(Join(PEOPLE, VISITS, outer=True))):
        assert SMALL.admits(plan) and not CATALOGUE.admits(plan)
    assert SMALL.admits(over(Filter(Join(PEOPLE, VISITS, outer=True), IsNull(column("shape", "visits", nullable=True)))))


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_plan_is_not(change: Callable[[], Plan]) -> None:
    assert not SMALL.admits(change())


def test_what_a_node_does_not_take_does_not_become_one() -> None:
    """A relation that is none, a key that is none, a column of a label that is not below: stopped when made."""
    for made in (
        lambda: over("people"),
        lambda: replace(QUESTION, keys=(Statistic("shape", "persons"),)),  # type: ignore[arg-type]
        lambda: filtered(QUESTION, IsNull(column("shape", "visits"))),
        lambda: keyed(QUESTION, table="visits"),
    ):
        with pytest.raises((ValueError, TypeError, AttributeError)):
            SMALL.admits(made())


def test_more_groups_than_policy_allows_are_not_admitted() -> None:
    assert not replace(SMALL, max_rows_out=1).admits(QUESTION)


def test_a_key_too_large_for_an_answer_is_discovered_where_it_may_be_a_key() -> None:
    few = replace(SMALL, max_rows_out=5)
    plan = parse("SELECT seen_on, COUNT(*) AS n FROM people GROUP BY seen_on", few, LISTS)
    assert plan.keys[0].discovered and few.admits(plan) and not SMALL.admits(plan)
    bands = "SELECT band(height, 0.1) AS d, COUNT(*) FROM people GROUP BY d"
    for sql in ("SELECT day(seen_on + age) AS d, COUNT(*) FROM people GROUP BY d", bands):
        asked = parse(sql, SMALL, LISTS)
        assert not asked.discovered and SMALL.admits(asked) and not few.admits(asked)
    with pytest.raises(Refusal) as raised:
        parse(bands, few, LISTS)
    assert raised.value.reason == Reason.KEYS_TOO_MANY


@pytest.mark.parametrize(
    "body",
    [
        {"node": "Plan"}, {"node": "Secret"}, {}, [], "x", None, {"node": ["Plan"]},
        {"node": "Compare", "operator": "=", "column": None, "literal": 1},
        to_json(QUESTION) | {"keys": []}, to_json(QUESTION) | {"output": ["n"]}, to_json(QUESTION) | {"more": 1},
        to_json(QUESTION) | {"statistics": [{"node": "Statistic", "alias": "n", "kind": "sum"}]},
    ],
)  # fmt: skip
def test_what_is_not_a_plan_does_not_become_one(body: Any) -> None:
    try:
        plan = from_json(body)
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    assert not isinstance(plan, Plan)


def test_own_code_lists_join_the_policys() -> None:
    lists = with_own_codelists(CODELISTS, {"mine": ("a", "b")})
    assert lists["mine"] == ("a", "b") and set(CODELISTS) < set(lists)
    plan = parse("SELECT COUNT(*) FROM people WHERE place IN codelist('mine')", SMALL, lists)
    assert isinstance(plan.relation, Filter) and isinstance(plan.relation.predicate, OneOf)


@pytest.mark.parametrize(
    "own",
    [
        {"diabetes": ("a",)}, {"": ("a",)}, {"a'b": ("a",)}, {"x" * 41: ("a",)}, {"mine": ()}, {"mine": ("",)}, {"mine": (" a",)},
        {"mine": ("é",)}, {"mine": ("\ud800",)}, {"mine": ("a\n",)}, {"mine": ("x" * 41,)}, {"mine": (1,)},
        {"mine": ("a",) * 5_001},
    ],
)  # fmt: skip
def test_a_code_list_that_cannot_be_used_is_refused(own: Any) -> None:
    with pytest.raises(Refusal) as raised:
        with_own_codelists(CODELISTS, own)
    assert raised.value.reason == Reason.INVALID_REQUEST and raised.value.detail.isprintable()
