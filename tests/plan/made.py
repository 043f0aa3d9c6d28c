"""Plans made of nodes, for tests of prices and estimates: a table of one row a person and one of many, every statistic."""

from __future__ import annotations

from tre.plan.nodes import (
    Column,
    Domain,
    Expression,
    Filter,
    IsNull,
    Join,
    Key,
    Not,
    Number,
    Plan,
    Relation,
    Scan,
    Statistic,
    days,
)
from tre.plan.nodes.asked import Figure

PATIENTS = Scan("patients", 1)
VISITS = Scan("visits", 50, max_rows=5, max_groups=3)
SEX = Column("patients", "sex", Domain("category", False, ("F", "M", "I", "U")))
BOARD = Column("patients", "board", Domain("category", False, tuple(f"b{n}" for n in range(42))))
PRACTICE = Column("patients", "practice", Domain("code", False))
AGE = Column("patients", "age", Domain("integer", False, (), 0, 120))
WEIGHT = Column("patients", "weight", Domain("decimal", True, (), 200, 2_000, "0.1"))
BORN = Column("patients", "born_on", Domain("date", False, (), days("1900-01-01"), days("2026-12-31")))
KIND = Column("visits", "kind", Domain("category", False, ("a", "b", "c", "d", "e", "f")))
CODE = Column("visits", "code", Domain("code", False))
COST = Column("visits", "cost", Domain("integer", False, (), 0, 1_000))
PRESSURE = Column("visits", "pressure", Domain("integer", True, (), 40, 260))


def number(
    kind: str, value: Expression | None = None, alias: str = "n", bound: int | None = None, q: str | None = None
) -> Statistic:
    return Statistic(alias, kind, value, bound, q)


def asking(
    relation: Relation,
    *statistics: Statistic,
    keys: tuple[Expression, ...] = (),
    discovered: bool = False,
    sets: tuple[tuple[int, ...], ...] = (),
    figures: dict[str, Number] | None = None,
) -> Plan:
    """A plan that shows everything it asks for; ``discovered``: its code keys are found in the records."""
    named = tuple(Key(f"k{place}", key, discovered and key.domain.kind == "code") for place, key in enumerate(keys))
    derived = tuple(Figure(alias, figure) for alias, figure in (figures or {}).items())
    output = (*(key.alias for key in named), *(one.alias for one in statistics), *(one.alias for one in derived))
    return Plan("d", relation, named, statistics, output, derived, sets)


def count(*keys: Expression, relation: Relation = PATIENTS) -> Plan:
    return asking(relation, number("persons"), keys=keys)


BOTH = Join(PATIENTS, VISITS)
KNOWN = Filter(PATIENTS, Not(IsNull(WEIGHT)))
