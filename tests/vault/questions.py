"""Plans by chance, over every node that the engine compiles."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.vault.building import DOMAINS, column, plan_of
from tre.plan.nodes import And, Compare, Constant, IsNull, Not, OneOf, Or, Plan, Predicate

KEYS = ("region", "sex", "year_of_birth", "weight", "died_on")
CODES = ("A1", "B2", "c'3", "absent", "-1")


def literals(name: str) -> st.SearchStrategy[Any]:
    """Literals in, beside and far from a column's range."""
    domain = DOMAINS[name]
    if domain.kind == "category":
        return st.sampled_from(domain.values)
    if domain.kind == "code":
        return st.sampled_from(CODES)
    assert domain.low is not None and domain.high is not None
    return st.integers(domain.low - 2, domain.high + 2) | st.sampled_from([-(2**31) + 1, 2**31 - 1, 0, 255, 256, 32768])


@st.composite
def leaves(draw: st.DrawFn) -> Predicate:
    name = draw(st.sampled_from(list(DOMAINS)))
    ordered = DOMAINS[name].kind not in ("category", "code")
    match draw(st.sampled_from(("compare", "one of", "is null", "constant"))):
        case "compare":
            operator = draw(st.sampled_from(("=", "<>", "<", "<=", ">", ">=") if ordered else ("=", "<>")))
            return Compare(operator, column(name), draw(literals(name)))
        case "one of":
            chosen = draw(st.lists(literals(name), min_size=1, max_size=4, unique=True))
            return OneOf(column(name), tuple(sorted(chosen)))
        case "is null":
            return IsNull(column(name))
    return Constant(draw(st.booleans()))


def predicates() -> st.SearchStrategy[Predicate]:
    return st.recursive(
        leaves(),
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        ),
        max_leaves=5,
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=3, unique=True))
    return plan_of(*keys, where=draw(st.none() | predicates()))
