"""Plans and the text they compile to, one file each; `python -m tests.golden.goldens` writes them anew."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from pathlib import Path

from tests.vault.building import SCAN, TABLES, asking, column, plan_of
from tre.plan.nodes import (
    And,
    Branch,
    Column,
    Compare,
    Constant,
    Domain,
    Filter,
    Grouped,
    IsNull,
    Join,
    Key,
    Not,
    OneOf,
    Or,
    Plan,
    Prefix,
    Relate,
    SemiJoin,
    Value,
    band,
    case,
    computed,
    date_trunc,
    days,
    elapsed,
    from_json,
    to_json,
)
from tre.vault.compile import Codes, Statement, compile

FOLDER = Path(__file__).parent
EVENTS, VISITS = TABLES["events"].scan, TABLES["visits"].scan
KIND, AT, GRADE = column("kind", "events"), column("date", "events"), column("value", "events")
BEGUN = Grouped(
    Filter(EVENTS, Compare("=", column("code", "events"), "A1")),
    "begun",
    (),
    (computed("at", "min", AT, None, 8), computed("last", "last", GRADE, AT, 8), computed("mean", "mean", GRADE, None, 8)),
)
BEGUN_AT = Column("begun", "at", BEGUN.values[0].domain)
WORDS = Domain("category", False, ("old", "young"))
AGE = case(
    [Branch(Compare("<", column("year_of_birth"), 1942), Value("old", WORDS))],
    Value("young", WORDS),
)

PLANS: dict[str, Plan] = {
    "count": plan_of(),
    "by-region": plan_of("region"),
    "by-several-keys": plan_of("sex", "died_on", "year_of_birth"),
    "two-counts": plan_of("region", statistics=("a", "b")),
    "a-category": plan_of("region", where=Compare("=", column("sex"), "F")),
    "not-a-category": plan_of(where=Compare("<>", column("sex"), "M")),
    "some-categories": plan_of(where=OneOf(column("region"), ("East", "North"))),
    "a-range-of-years": plan_of(
        "sex", where=And((Compare(">=", column("year_of_birth"), 1941), Compare("<", column("year_of_birth"), 1944)))
    ),
    "a-year-out-of-range": plan_of(where=Compare("<=", column("year_of_birth"), 2_000_000_000)),
    "a-date": plan_of("region", where=Compare(">=", column("died_on"), days("2024-02-29"))),
    "dates-one-of": plan_of(where=OneOf(column("died_on"), (days("2024-02-27"), days("2024-03-01"), days("2030-01-01")))),
    "decimal-in-grid-steps": plan_of("weight", where=Compare(">", column("weight"), 3)),
    "one-code": plan_of("region", where=Compare("=", column("practice"), "A1")),
    "not-one-code": plan_of("region", where=Compare("<>", column("practice"), "A1")),
    "codes": plan_of("region", where=OneOf(column("practice"), ("A1", "absent", "c'3"))),
    "codes-that-begin": plan_of("region", where=Prefix(column("practice"), "A")),
    "no-such-code": plan_of(where=Not(OneOf(column("practice"), ("absent",)))),
    "null": plan_of("region", where=IsNull(column("died_on"))),
    "not-null": plan_of("region", where=Not(IsNull(column("died_on")))),
    "unknown-stays-unknown": plan_of(where=Not(Or((Compare("=", column("sex"), "F"), Constant(False))))),
    "or-within-and": plan_of(
        "region",
        where=And(
            (
                Or((Compare("=", column("sex"), "F"), Compare("<", column("year_of_birth"), 1942))),
                Not(And((IsNull(column("weight")), Compare("=", column("practice"), "B2")))),
                OneOf(column("practice"), ("A1", "B2")),
            )
        ),
    ),
    "never": plan_of("region", where=Constant(False)),
    "statistics-of-one-row": asking(
        SCAN, [Key("age", AGE)], ("avg", column("weight")), ("sum", column("year_of_birth")), ("var", column("weight"))
    ),
    "median-of-one-row": asking(SCAN, [Key("sex", column("sex"))], ("quantile", column("weight"))),
    "distinct-persons-of-many-rows": asking(
        Filter(Join(SCAN, EVENTS), Compare("=", KIND, "a")), [Key("region", column("region"))], ("persons", None)
    ),
    "mean-of-many-rows": asking(Join(SCAN, EVENTS), [Key("region", column("region"))], ("avg", GRADE), ("rows", None)),
    "conditions-across": asking(
        Filter(Join(SCAN, EVENTS), Relate("<", AT, column("died_on"))), [Key("region", column("region"))], ("rows", None)
    ),
    "groups-of-a-person": asking(EVENTS, [Key("kind", KIND)], ("sum", GRADE), ("stddev", GRADE)),
    "median-of-many-rows": asking(EVENTS, [Key("month", date_trunc("month", AT))], ("quantile", GRADE)),
    "discovered": asking(
        Join(SCAN, EVENTS), [Key("code", column("code", "events"), True), Key("sex", column("sex"))], ("persons", None)
    ),
    "persons-by-code": asking(EVENTS, [Key("code", column("code", "events"), True)], ("persons", None)),
    "persons-by-day": asking(VISITS, [Key("day", column("day", "visits"))], ("persons", None)),
    "persons-by-cost": asking(Join(SCAN, VISITS), [Key("cost", column("cost", "visits"))], ("persons", None)),
    "exists": asking(SemiJoin(SCAN, EVENTS, Relate("<", AT, column("died_on"))), [], ("persons", None)),
    "not-exists": asking(SemiJoin(SCAN, EVENTS, Relate("<", AT, column("died_on")), anti=True), [], ("persons", None)),
    "per-person": asking(
        Join(SCAN, BEGUN),
        [Key("month", date_trunc("month", BEGUN_AT))],
        ("avg", Column("begun", "mean", BEGUN.values[2].domain)),
        ("sum", Column("begun", "last", BEGUN.values[1].domain)),
    ),
    "left-join": asking(
        Join(SCAN, BEGUN, outer=True),
        [Key("months", elapsed("month", Column("begun", "at", BEGUN_AT.domain.or_null()), column("died_on")))],
        ("persons", None),
    ),
    "totals": asking(
        Join(SCAN, EVENTS),
        [Key("kind", KIND), Key("born", band(column("year_of_birth"), 2))],
        ("rows", None),
        sets=((0, 1), (1,), ()),
    ),
}


def written(plan: Plan) -> str:
    return f"plan: {json.dumps(to_json(plan))}\n" + "".join(_written(one) for one in compile(plan))


def _written(statement: Statement) -> str:
    sql = textwrap.fill(statement.sql, 120, break_long_words=False, break_on_hyphens=False)
    rest = asdict(statement) | {"codes": [asdict(codes) for codes in statement.codes]}
    del rest["sql"]
    return f"statement: {json.dumps(rest)}\n{sql}\n"


def read(file: Path) -> tuple[Plan, tuple[Statement, ...]]:
    first, *statements = file.read_text().split("statement: ")
    plan: Plan = from_json(json.loads(first.removeprefix("plan: ")))
    return plan, tuple(_read(one) for one in statements)


def _read(text: str) -> Statement:
    head, _, sql = text.partition("\n")
    rest = json.loads(head)
    codes = tuple(Codes(**one | {"texts": tuple(one["texts"])}) for one in rest.pop("codes"))
    dictionaries = tuple(one and tuple(one) for one in rest.pop("dictionaries"))
    lists = {name: tuple(rest.pop(name)) for name in ("tables", "measures")}
    return Statement(sql=" ".join(sql.split()), codes=codes, dictionaries=dictionaries, **lists, **rest)


if __name__ == "__main__":
    for name, plan in PLANS.items():
        (FOLDER / f"{name}.txt").write_text(written(plan))
