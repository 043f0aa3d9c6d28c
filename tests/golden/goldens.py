"""Plans and the text they compile to, one file each; `python -m tests.golden.goldens` writes them anew."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from tests.vault.building import column, plan_of
from tre.plan.nodes import And, Compare, Constant, IsNull, Not, OneOf, Or, Plan, days, from_json, to_json
from tre.vault.compile import Statement, compile

FOLDER = Path(__file__).parent

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
}


def written(plan: Plan) -> str:
    statement = compile(plan)
    sql = textwrap.fill(statement.sql, 120, break_long_words=False, break_on_hyphens=False)
    parameters = "".join(f"parameter: {json.dumps(codes)}\n" for codes in statement.parameters)
    return f"plan: {json.dumps(to_json(plan))}\n{parameters}sql:\n{sql}\n"


def read(file: Path) -> tuple[Plan, Statement]:
    head, sql = file.read_text().split("sql:\n")
    first, *others = head.splitlines()
    plan: Plan = from_json(json.loads(first.removeprefix("plan: ")))
    parameters = tuple(tuple(json.loads(line.removeprefix("parameter: "))) for line in others)
    return plan, Statement(" ".join(sql.split()), parameters, "patients")


if __name__ == "__main__":
    for name, plan in PLANS.items():
        (FOLDER / f"{name}.txt").write_text(written(plan))
