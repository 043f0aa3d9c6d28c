"""What is computed of one person's rows: COUNT, MIN, ARG_MAX … inside a sub-query that groups by the person.

Promises that a value above the grouping reads what was grouped by or computed, and nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.hints import listed, not_offered, quoted
from tre.plan.nodes import NAME, Column, Computed, Expression, Named, Node, NoDomain, Predicate, columns, computed
from tre.plan.parse.cases import chosen
from tre.plan.parse.literal import number
from tre.plan.parse.scalar import expression, predicate
from tre.plan.parse.scope import Scope
from tre.plan.parse.tree import bare, call_of, only, refused

# The call → what is computed, and how many arguments it has.
_FUNCTIONS = {
    "sum": ("sum", 1), "avg": ("mean", 1), "mean": ("mean", 1), "min": ("min", 1), "max": ("max", 1),
    "bool_or": ("any", 1), "any": ("any", 1), "bool_and": ("all", 1),
    "arg_min": ("first", 2), "min_by": ("first", 2), "argmin": ("first", 2),
    "arg_max": ("last", 2), "max_by": ("last", 2), "argmax": ("last", 2),
}  # fmt: skip
_OFFERED = ["COUNT", "SUM", "AVG", "MIN", "MAX", "BOOL_OR", "BOOL_AND", "ARG_MIN", "ARG_MAX"]

Part = TypeVar("Part", bound=Node)


class Grouping:
    """One GROUP BY person: the names it gives, as they are asked for. ``rows``: the most rows of one person below."""

    def __init__(self, scope: Scope, label: str, rows: int, by: Sequence[Named] = ()) -> None:
        self.label, self.by, self.values = label, tuple(by), list[Computed]()
        self._scope = dataclasses.replace(scope, aggregate=self._aggregate)
        self._rows = rows
        self._wanted: str | None = None
        self._grouped = {one.value: Column(label, one.name, one.domain) for one in by}

    def value(self, node: exp.Expression, wanted: str | None = None) -> Expression:
        """A value above the grouping; ``wanted``: what a single aggregate is called."""
        self._wanted = wanted
        return self._above(expression(node, self._scope))

    def condition(self, node: exp.Expression, aliases: Mapping[str, Expression]) -> Predicate:
        """A condition above the grouping: HAVING, which may name what SELECT names."""
        return self._above(predicate(node, dataclasses.replace(self._scope, aliases=aliases)))

    def finished(self) -> tuple[Computed, ...]:
        """What was asked for, and keeps it so; refused where a name cannot be one."""
        columns: list[Named | Computed] = [*self.by, *self.values]
        self._scope.reading.labels.defined[self.label] = {one.name: one for one in columns}
        return tuple(self.values)

    def _above(self, part: Part) -> Part:
        seen: Part = substituted(part, self._grouped)
        loose = sorted({column.name for column in columns(seen) if column.table != self.label})
        if loose:
            raise not_offered(
                f"Neither grouped nor computed in the sub-query: {listed(loose)}.",
                f"Add {loose[0]} to its GROUP BY, or compute MIN, MAX or ARG_MAX({loose[0]}, date).",
            )
        return seen

    def _aggregate(self, node: exp.Expression) -> Expression:
        wanted, self._wanted = self._wanted, None
        bottom = dataclasses.replace(self._scope, aggregate=None)
        condition = None
        if type(node) is exp.Filter:
            only(node, "this", "expression")
            only(node.expression, "this")
            condition, node = predicate(node.expression.this, bottom), bare(node.this)
        called = call_of(node)
        if called is None:
            raise _not_of_a_person(node)
        name, arguments = called
        made = self._count(arguments, bottom) if name == "count" else self._function(name, arguments, bottom)
        function, value, at = made
        if condition is not None:
            function, value, at = _where(function, value, at, condition)
        return self._column(name, wanted, function, value, at)

    def _count(self, arguments: list[exp.Expression], scope: Scope) -> tuple[str, Expression | None, Expression | None]:
        if len(arguments) != 1:
            raise Refusal(
                Reason.STATISTIC_NOT_OFFERED, "COUNT is of one thing.", "Write COUNT(*), COUNT(x) or COUNT(DISTINCT x)."
            )
        argument = arguments[0]
        distinct = type(argument) is exp.Distinct
        if distinct:
            only(argument, "expressions")
            argument = bare(argument.expressions[0]) if len(argument.expressions) == 1 else argument
        if scope.is_person(argument):
            if distinct:
                raise not_offered(
                    "Each group of the sub-query is of one person.", "Count persons at the top: COUNT(DISTINCT person)."
                )
            source = scope.person(argument)
            matched = None if source is None or source.preserved else source.matched
            return ("count" if matched is None else "count_values"), matched, None
        if type(argument) in (exp.Star, exp.Literal) and not distinct:
            only(argument, "this", "is_string")
            return "count", None, None
        value = expression(argument, scope)
        if distinct:
            return "count_distinct", value, None
        return ("count_values", value, None) if value.domain.nullable else ("count", None, None)

    def _function(self, name: str, arguments: list[exp.Expression], scope: Scope) -> tuple[str, Expression, Expression | None]:
        if name not in _FUNCTIONS:
            raise Refusal(
                Reason.STATISTIC_NOT_OFFERED,
                f"{quoted(name.upper())} is not offered inside a sub-query.",
                f"Of one person's rows there are {listed(_OFFERED)}.",
            )
        function, count = _FUNCTIONS[name]
        if len(arguments) != count or not all(map(_is_value, arguments)):
            raise Refusal(
                Reason.STATISTIC_NOT_OFFERED,
                f"{quoted(name.upper())} has {len(arguments)} arguments, or one that is none.",
                f"Write {name}({'value' if count == 1 else 'value, date'}).",
            )
        read = [expression(part, scope) for part in arguments]
        return function, read[0], read[1] if count == 2 else None

    def _column(self, called: str, wanted: str | None, function: str, value: Expression | None, at: Expression | None) -> Column:
        """The column of something computed, once for the same thing."""
        for one in self.values:
            if (one.function, one.value, one.at) == (function, value, at):
                return Column(self.label, one.name, one.domain)
        name = self._name(wanted or called)
        try:
            self.values.append(computed(name, function, value, at, self._rows))
        except NoDomain as told:
            why = str(told)
            raise Refusal(
                Reason.STATISTIC_NOT_OFFERED, f"{why[0].upper()}{why[1:]}.", "Bound it first, clamp(x, low, high), or COUNT it."
            ) from None
        return Column(self.label, name, self.values[-1].domain)

    def _name(self, like: str) -> str:
        taken = {
            self._scope.reading.person.lower(),
            *(one.name.lower() for one in self.by),
            *(one.name.lower() for one in self.values),
        }
        plain = like if NAME.fullmatch(like) else "value"
        name, number_ = plain, 1
        while name.lower() in taken:
            number_ += 1
            name = f"{plain[:50]}_{number_}"
        return name


def _is_value(node: exp.Expression) -> bool:
    return type(node) not in (exp.Star, exp.Distinct, exp.Kwarg, exp.Alias, exp.Ordered, exp.Order)


def _where(
    function: str, value: Expression | None, at: Expression | None, condition: Predicate
) -> tuple[str, Expression, Expression | None]:
    """FILTER (WHERE …): what does not fit is NULL, and NULL does not count."""
    if at is not None and value is not None:
        return function, value, chosen([(condition, at)], None)
    if function == "count":
        return "count_values", chosen([(condition, number(Fraction(1)))], None), None
    assert value is not None
    return function, chosen([(condition, value)], None), None


def _not_of_a_person(node: exp.Expression) -> Refusal:
    if type(node) is exp.WithinGroup:
        return Refusal(
            Reason.STATISTIC_NOT_OFFERED, "Quantiles are not offered inside a sub-query.", f"There are {listed(_OFFERED)}."
        )
    return refused(node)


def substituted(node: Any, replacing: Mapping[Expression, Expression]) -> Any:
    """A node with some of its expressions in place of others of the same domain."""
    if isinstance(node, tuple):
        return tuple(substituted(part, replacing) for part in node)
    if not isinstance(node, Node):
        return node
    if isinstance(node, Expression) and node in replacing:
        return replacing[node]
    if not replacing or isinstance(node, Column):
        return node
    parts = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}  # type: ignore[arg-type]
    changed = {name: substituted(part, replacing) for name, part in parts.items()}
    return node if changed == parts else dataclasses.replace(node, **changed)  # type: ignore[type-var]
