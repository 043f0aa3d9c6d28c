"""COUNT, AVG, MEDIAN … at the top → `Statistic`: what is asked of each group.

Promises a kind that there is, of a value that it can be asked of; what is refused is told with what to ask instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.hints import invalid, not_offered, quoted
from tre.plan.nodes import Expression, IsNull, Not, Predicate, Statistic
from tre.plan.nodes.asked import AUTO, LARGEST_BOUND
from tre.plan.parse.cases import chosen
from tre.plan.parse.literal import number, number_of
from tre.plan.parse.scalar import expression, predicate
from tre.plan.parse.scope import Scope
from tre.plan.parse.tree import bare, call_of, only, refused
from tre.plan.words import NOT_AT_THE_TOP

_KINDS = {
    "sum": "sum", "avg": "avg", "mean": "avg", "mean_of_persons": "mean_of_persons",
    "var": "var", "variance": "var", "var_pop": "var", "stddev": "stddev", "stddev_pop": "stddev",
    "median": "quantile", "quantile": "quantile", "quantile_cont": "quantile", "quantile_disc": "quantile",
    "percentile_cont": "quantile", "percentile_disc": "quantile",
}  # fmt: skip
RATE = "rate_per_1000"
USAGE = {
    "median": "median(x)", "quantile": "quantile(x, 0.9)", "quantile_cont": "quantile_cont(x, 0.9)",
    "quantile_disc": "quantile_disc(x, 0.9)", "percentile_cont": "percentile_cont(0.9) WITHIN GROUP (ORDER BY x)",
    "percentile_disc": "percentile_disc(0.9) WITHIN GROUP (ORDER BY x)", RATE: f"{RATE}(events, days)",
}  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Where statistics are asked: the rows of a group, of which one person has one (``once``) or many."""

    scope: Scope
    once: bool


@dataclass(frozen=True)
class _Call:
    name: str
    arguments: list[exp.Expression]
    bound: int | Literal["auto"] | None
    condition: Predicate | None


def statistic(node: exp.Expression, group: Group) -> Statistic:
    """The statistic of a call, not named yet."""
    call = _call(bare(node), group.scope)
    if call.bound == AUTO and group.once:
        raise invalid("A person has one row here: there is no bound to choose.", "Leave bound => auto out.")
    made = _MADE.get(call.name)
    if made is not None:
        return made(call, group)
    if call.name not in _KINDS:
        raise _elsewhere(call.name)
    return _of_number(call, group)


def _call(node: exp.Expression, scope: Scope) -> _Call:
    """A call with what stands around it: FILTER, WITHIN GROUP, ``bound => n``."""
    condition, within = None, None
    if type(node) is exp.Filter:
        only(node, "this", "expression")
        only(node.expression, "this")
        condition, node = predicate(node.expression.this, scope), bare(node.this)
    if type(node) is exp.WithinGroup:
        only(node, "this", "expression")
        within, node = _ordered(node.expression), bare(node.this)
    called = call_of(node)
    if called is None:
        raise refused(node)
    name, arguments = called
    plain = [part for part in arguments if type(part) is not exp.Kwarg]
    if name.startswith("percentile"):
        plain = [*([within] if within is not None else []), *plain]
    elif within is not None:
        raise not_offered("WITHIN GROUP stands beside another statistic.", f"Write {USAGE['percentile_cont']}.")
    return _Call(name, plain, _bound([part for part in arguments if type(part) is exp.Kwarg], name), condition)


def _ordered(node: exp.Expression) -> exp.Expression:
    only(node, "expressions")
    if len(node.expressions) != 1:
        raise not_offered("WITHIN GROUP orders by more than one value.", f"Write {USAGE['percentile_cont']}.")
    ordered = node.expressions[0]
    only(ordered, "this", "nulls_first")
    return bare(ordered.this)


def _bound(named: list[exp.Expression], name: str) -> int | Literal["auto"] | None:
    """``bound => n``: rows of one person that count in one group; ``bound => auto`` where the number is to be chosen."""
    if not named:
        return None
    part = named[0]
    only(part, "this", "expression")
    if len(named) > 1 or str(part.this.name).lower() != "bound" or name in ("mean_of_persons", RATE):
        raise invalid(
            f"{quoted(name.upper())} has a named argument that it does not have.", "There is bound => n, the rows of one person."
        )
    if _is_auto(bare(part.expression)):
        return AUTO
    amount = number_of(bare(part.expression))
    if amount is None or amount.denominator != 1 or not 1 <= amount <= LARGEST_BOUND:
        raise invalid("The bound is not a whole number that is offered.", f"Write bound => 3; 1 to {LARGEST_BOUND:,}; or auto.")
    return int(amount)


def _is_auto(node: exp.Expression) -> bool:
    return type(node) is exp.Column and not node.args.get("table") and str(node.name).lower() == AUTO


# --------------------------------------------------------------------------------------------------------------------- counts
def _count(call: _Call, group: Group) -> Statistic:
    if len(call.arguments) != 1:
        raise _this_count(group)
    argument = call.arguments[0]
    if type(argument) is exp.Distinct:
        return _distinct(argument, call, group)
    if type(argument) in (exp.Star, exp.Literal):
        only(argument, "this", "is_string")
        return _rows(None, call, group)
    if group.scope.is_person(argument):
        return _rows(_matched(argument, group.scope), call, group)
    value = expression(argument, group.scope)
    return _rows(value if value.domain.nullable else None, call, group)


def _distinct(node: exp.Expression, call: _Call, group: Group) -> Statistic:
    """Different people; those with a row for which a condition is true are the ones of whom at least one row counts."""
    only(node, "expressions")
    counted = bare(node.expressions[0]) if len(node.expressions) == 1 else node
    if type(counted) is not exp.Column or type(counted.this) is exp.Star or not group.scope.is_person(counted):
        raise Refusal(
            Reason.STATISTIC_NOT_OFFERED,
            "COUNT(DISTINCT …) of anything but the person is not offered: one person can move it by any amount.",
            f"Count persons, COUNT(DISTINCT {group.scope.reading.person}), or GROUP BY the value.",
        )
    if call.bound is not None:
        raise invalid("A count of persons has no bound on rows.", "Leave bound out.")
    value = _matched(counted, group.scope)
    if value is None and call.condition is None:
        return Statistic("", "persons")
    return replace(_rows(value, call, group), bound=None if group.once else 1)


def _matched(node: exp.Expression, scope: Scope) -> Expression | None:
    """What is NULL where the person of an outer join's right side is absent."""
    source = scope.person(node)
    return None if source is None or source.preserved else source.matched


def _rows(value: Expression | None, call: _Call, group: Group) -> Statistic:
    if call.condition is not None:
        value = chosen([(call.condition, number(Fraction(1)) if value is None else _one_if(value))], None)
    if value is None and group.once:
        return Statistic("", "persons")
    return Statistic("", "rows", value, call.bound)


def _one_if(value: Expression) -> Expression:
    """1 where a value is not NULL: what is counted of it."""
    return chosen([(Not(IsNull(value)), number(Fraction(1)))], None)


def _this_count(group: Group) -> Refusal:
    person = group.scope.reading.person
    return Refusal(Reason.STATISTIC_NOT_OFFERED, "This COUNT is not offered.", f"COUNT(*), COUNT(x) or COUNT(DISTINCT {person}).")


# -------------------------------------------------------------------------------------------------------------------- numbers
def _of_number(call: _Call, group: Group) -> Statistic:
    kind = _KINDS[call.name]
    ranked = kind == "quantile" and call.name != "median"
    if len(call.arguments) != 1 + ranked:
        raise invalid(
            f"{quoted(call.name.upper())} has {len(call.arguments)} arguments.",
            f"Write {USAGE.get(call.name, f'{call.name}(x)')}.",
        )
    if type(call.arguments[0]) in (exp.Distinct, exp.Star):
        raise Refusal(
            Reason.STATISTIC_NOT_OFFERED,
            f"{quoted(call.name.upper())} of distinct values, or of *, is not offered.",
            "Make the rows distinct in a sub-query: SELECT DISTINCT person, x.",
        )
    value = expression(call.arguments[0], group.scope)
    _check_value(call.name, kind, value)
    if call.condition is not None:
        value = chosen([(call.condition, value)], None)
    q = (_rank(call.arguments[1]) if ranked else "0.5") if kind == "quantile" else None
    return Statistic("", kind, value, call.bound, q)


def _check_value(name: str, kind: str, value: Expression) -> None:
    if value.domain.numeric or (kind == "quantile" and value.domain.kind == "date"):
        return
    mend = {
        "date": "Take MEDIAN, or days: AVG(DATE '2024-01-01' - x).",
        "boolean": "Write PROPORTION(condition), or AVG(CASE WHEN … THEN 1 ELSE 0 END).",
    }.get(value.domain.kind, "Count it, COUNT(x), or make it a key: GROUP BY x.")
    raise Refusal(Reason.STATISTIC_NOT_OFFERED, f"{quoted(name.upper())} of a {value.domain.kind} is not offered.", mend)


def _rank(node: exp.Expression) -> str:
    amount = number_of(node)
    if amount is None or not 0 < amount < 1 or len(str(node.this)) > 12:
        raise invalid("A quantile's rank is a number between 0 and 1.", "Write quantile(x, 0.9).")
    return str(node.this).rstrip("0")


def _proportion(call: _Call, group: Group) -> Statistic:
    if len(call.arguments) != 1:
        raise invalid("PROPORTION is of one condition.", "Write proportion(x > 30).")
    value: Expression = chosen([(predicate(call.arguments[0], group.scope), number(Fraction(1)))], number(Fraction(0)))
    if call.condition is not None:
        value = chosen([(call.condition, value)], None)
    return Statistic("", "avg", value, call.bound)


_MADE: dict[str, Callable[[_Call, Group], Statistic]] = {"count": _count, "proportion": _proportion}


def rate(node: exp.Expression, group: Group) -> tuple[Statistic, Statistic] | None:
    """RATE_PER_1000(events, days): the sums of both."""
    called = call_of(node) if type(node) is exp.Anonymous else None
    if called is None or called[0] != RATE:
        return None
    if len(called[1]) != 2 or any(type(part) is exp.Kwarg for part in called[1]):
        raise invalid("RATE_PER_1000 has two arguments.", f"Write {USAGE[RATE]}: per 1,000 person-years of so many days.")
    events, days = (expression(part, group.scope) for part in called[1])
    _check_value(RATE, "sum", events)
    _check_value(RATE, "sum", days)
    return Statistic("", "sum", events), Statistic("", "sum", days)


def _elsewhere(name: str) -> Refusal:
    detail, mend = NOT_AT_THE_TOP.get(name.upper(), ("is not offered", "Ask COUNT, SUM, AVG, VAR, STDDEV, MEDIAN or QUANTILE."))
    return Refusal(Reason.STATISTIC_NOT_OFFERED, f"{quoted(name.upper())} {detail}.", mend)
