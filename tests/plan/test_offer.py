"""The catalogue: made from the policy, travels, and admits only plans that speak of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.plan.offers import CATALOGUE, CODELISTS, LISTS, POLICIES, SMALL
from tre.errors import Reason, Refusal
from tre.plan.nodes import And, Compare, Constant, Filter, Key, Not, OneOf, Plan, Scan, Statistic, days, from_json, to_json
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


def test_it_travels() -> None:
    for offer in (CATALOGUE, SMALL):
        again = catalogue_from_json(json.loads(json.dumps(catalogue_to_json(offer))))
        assert again == offer and again.digest == offer.digest
    assert CATALOGUE.digest != SMALL.digest


QUESTION = parse("SELECT shape, COUNT(*) AS n FROM people WHERE age > 3 AND NOT colour = 'red' GROUP BY shape", SMALL, LISTS)


def wider(domain: Any) -> Any:
    return replace(domain, values=(*domain.values, "other"))


def filtered(plan: Plan, condition: Any) -> Plan:
    return replace(plan, relation=Filter(Scan("people", 1), condition))


def keyed(plan: Plan, **change: Any) -> Plan:
    return replace(plan, keys=(Key("shape", replace(plan.keys[0].column, **change)),))


TAMPERED: dict[str, Callable[[Plan], Plan]] = {
    "another dataset": lambda plan: replace(plan, dataset="gp"),
    "another table": lambda plan: replace(plan, relation=Scan("secret", 1)),
    "a table with many rows": lambda plan: replace(plan, relation=Scan("visits", 50)),
    "another row cap": lambda plan: replace(plan, relation=Scan("people", 2)),
    "a text for a relation": lambda plan: replace(plan, relation="people"),  # type: ignore[arg-type]
    "a wider key": lambda plan: keyed(plan, domain=wider(plan.keys[0].column.domain)),
    "a key that is not public": lambda plan: keyed(plan, name="height", domain=SMALL.tables["people"].columns["height"].domain),
    "a key of another table": lambda plan: keyed(plan, table="visits"),
    "a key that is no key": lambda plan: replace(plan, keys=(Statistic("shape", "count"),)),  # type: ignore[arg-type]
    "a column of another table": lambda plan: filtered(plan, Compare("=", replace(plan.keys[0].column, table="visits"), "flat")),
    "a condition that is none": lambda plan: filtered(plan, Scan("people", 1)),
    "a constant that is none": lambda plan: filtered(plan, Constant(1)),  # type: ignore[arg-type]
    "a text for a part": lambda plan: filtered(plan, And(("a", "b"))),  # type: ignore[arg-type]
    "a text for a negation": lambda plan: filtered(plan, Not("a")),  # type: ignore[arg-type]
}


def test_an_honest_plan_is_admitted() -> None:
    assert SMALL.admits(QUESTION) and not CATALOGUE.admits(QUESTION)


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_plan_is_not(change: Callable[[Plan], Plan]) -> None:
    assert not SMALL.admits(change(QUESTION))


def test_more_groups_than_policy_allows_are_not_admitted() -> None:
    assert not replace(SMALL, max_rows_out=1).admits(QUESTION)


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
