"""Arithmetic of statistics, HAVING, ORDER BY, LIMIT: what is made of the released numbers, for nothing.

Promises that it reads statistics of this question and its own numbers alone; a statistic that is asked for here only is added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.hints import did_you_mean, listed, not_offered, quoted
from tre.plan.nodes import (
    Combined,
    Figure,
    Having,
    HavingAll,
    HavingAny,
    HavingCompare,
    HavingNot,
    Literal,
    Number,
    OfStatistic,
    Sort,
    Statistic,
)
from tre.plan.parse.literal import number_of
from tre.plan.parse.scalar import is_aggregate
from tre.plan.parse.statistics import Group, rate, statistic
from tre.plan.parse.tree import bare, call_of, chain, name_of, only, refused

_OPERATORS: dict[type[exp.Expression], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_COMPARED: dict[type[exp.Expression], str] = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
MOST_STATISTICS = 40
PER_1000_YEARS = "365250"  # days


class Answer:
    """The numbers of one answer as they are asked for. ``names``: those of SELECT's items, which no hidden number may take."""

    def __init__(self, group: Group, names: Sequence[str]) -> None:
        self.statistics: list[Statistic] = []
        self.figures: list[Figure] = []
        self.keys: tuple[str, ...] = ()
        self._group, self._names = group, {name.lower() for name in names}

    def ask(self, alias: str, node: exp.Expression) -> None:
        """An item of SELECT."""
        found = self.number(node, alias)
        if not (isinstance(found, OfStatistic) and found.alias == alias):
            self.figures.append(Figure(alias, found))

    def number(self, node: exp.Expression, alias: str | None = None) -> Number:
        """``alias``: what a statistic alone is called."""
        node = bare(node)
        if is_aggregate(node):
            return self._statistic(node, alias)
        amount = number_of(node)
        if amount is not None:
            return Literal(("-" if amount < 0 else "") + str((node.this if type(node) is exp.Neg else node).this).strip())
        if type(node) in _OPERATORS:
            only(node, "this", "expression", "typed", "safe")
            operator = _OPERATORS[type(node)]
            right = _not_zero(node.expression) if operator == "/" else node.expression
            return Combined(operator, self.number(node.this), self.number(right))
        if type(node) is exp.Neg:
            only(node, "this")
            return Combined("-", Literal("0"), self.number(node.this))
        if type(node) is exp.Column:
            return self._named(node)
        raise _no_number(node)

    def _statistic(self, node: exp.Expression, alias: str | None) -> Number:
        sums = rate(node, self._group)
        if sums is not None:
            events, days = (OfStatistic(self._place(one, None)) for one in sums)
            return Combined("/", Combined("*", Literal(PER_1000_YEARS), events), days)
        return OfStatistic(self._place(statistic(node, self._group), alias))

    def _place(self, asked: Statistic, alias: str | None) -> str:
        """The alias under which a statistic is asked: one of its own in SELECT, else that of an equal one, else a new one."""
        if alias is None:
            for one in self.statistics:
                if replace(one, alias="") == asked:
                    return one.alias
        if len(self.statistics) >= MOST_STATISTICS:
            raise not_offered(f"The question asks more than {MOST_STATISTICS} statistics.", "Ask them in two questions.")
        name = alias or self._hidden(asked.kind)
        self.statistics.append(replace(asked, alias=name))
        return name

    def _hidden(self, kind: str) -> str:
        number = 1
        while any(f"{kind}_{number}{end}" in self._names for end in ("", "_low", "_high")):
            number += 1
        self._names.add(f"{kind}_{number}")
        return f"{kind}_{number}"

    def _named(self, node: exp.Expression) -> Number:
        """A number of SELECT by its name."""
        only(node, "this", "table")
        name = name_of(node.this)
        shown: Mapping[str, Number] = {one.alias.lower(): OfStatistic(one.alias) for one in self.statistics}
        numbers = {**shown, **{one.alias.lower(): one.number for one in self.figures}}
        if node.args.get("table") is None and name.lower() in numbers:
            return numbers[name.lower()]
        if self._group.scope.is_person(node) or name.lower() in {key.lower() for key in self.keys}:
            raise not_offered(f"{quoted(name)} is not a number of the answer.", "Conditions on keys and rows stand in WHERE.")
        if type(node) is exp.Column and name.lower() not in self._names:
            self._group.scope.column(node)
        raise not_offered(
            f"{quoted(name)} stands beside statistics and is none.",
            "Make it a key with GROUP BY, or take AVG, SUM or MEDIAN of it.",
        )

    # ---------------------------------------------------------------------------------------------------------------- clauses
    def having(self, node: exp.Expression) -> Having:
        node = bare(node)
        if type(node) in (exp.And, exp.Or):
            parts = tuple(self.having(part) for part in chain(node))
            return HavingAll(parts) if type(node) is exp.And else HavingAny(parts)
        if type(node) is exp.Not:
            only(node, "this")
            return HavingNot(self.having(node.this))
        if type(node) in _COMPARED:
            only(node, "this", "expression")
            return HavingCompare(_COMPARED[type(node)], self.number(node.this), self.number(node.expression))
        if type(node) is exp.Between:
            only(node, "this", "low", "high")
            value, low, high = (self.number(node.args[name]) for name in ("this", "low", "high"))
            return HavingAll((HavingCompare(">=", value, low), HavingCompare("<=", value, high)))
        raise not_offered(
            "HAVING is not a comparison of numbers.",
            "Compare statistics with numbers: HAVING COUNT(*) >= 100. Conditions on rows stand in WHERE.",
        )

    def order(
        self, node: exp.Expression, names: Sequence[str], key_of: Callable[[exp.Expression], str | None]
    ) -> tuple[Sort, ...]:
        """ORDER BY a place, a name, a key or a number."""
        only(node, "expressions")
        sorts: list[Sort] = []
        for part in node.expressions:
            if type(part) is not exp.Ordered:
                raise refused(part)
            only(part, "this", "desc", "nulls_first")
            alias = self._sorted(bare(part.this), names, key_of)
            if alias not in [sort.alias for sort in sorts]:
                sorts.append(Sort(alias, bool(part.args.get("desc"))))
        return tuple(sorts)

    def _sorted(self, node: exp.Expression, names: Sequence[str], key_of: Callable[[exp.Expression], str | None]) -> str:
        if type(node) is exp.Literal and not node.is_string:
            places = {str(at): name for at, name in enumerate(names, 1)}
            if node.this not in places:
                raise not_offered(f"ORDER BY {quoted(node.this)} is no item of SELECT.", f"Items are 1 to {len(names)}.")
            return places[node.this]
        if type(node) is exp.Column and node.args.get("table") is None and type(node.this) is exp.Identifier:
            own = next((name for name in names if name.lower() == name_of(node.this).lower()), None)
            if own is not None:
                return own
        if (key := key_of(node)) is not None:
            return key
        if type(node) is exp.Var or type(node) is exp.Star:
            raise not_offered("ORDER BY ALL is not offered.", f"Sort by {listed(names)}.")
        found = self.number(node)
        if isinstance(found, OfStatistic):
            return found.alias
        same = next((one.alias for one in self.figures if one.number == found), None)
        if same is None:
            same = self._hidden("figure")
            self.figures.append(Figure(same, found))
        return same


def _not_zero(node: exp.Expression) -> exp.Expression:
    """``a / NULLIF(b, 0)`` is ``a / b``: a figure is NULL where its denominator is 0."""
    called = call_of(bare(node)) if type(bare(node)) is exp.Anonymous else None
    if called and called[0] == "nullif" and len(called[1]) == 2 and number_of(called[1][1]) == 0:
        return called[1][0]
    return node


def _no_number(node: exp.Expression) -> Refusal:
    called = call_of(node)
    if called is not None:
        mend = "Figures are + - * / of statistics and numbers; they are NULL where a part is, and rounded as the policy says."
        if called[0] not in ("round", "coalesce", "cast"):
            mend = did_you_mean(called[0], ["count", "sum", "avg", "median", "quantile", "stddev"], mend)
        return Refusal(Reason.FUNCTION_NOT_OFFERED, f"The function {quoted(called[0])} of a statistic is not offered.", mend)
    if type(node) in (exp.IntDiv, exp.Mod):
        return Refusal(Reason.FUNCTION_NOT_OFFERED, "Only + - * / of statistics are offered.", "Write SUM(a) / SUM(b).")
    if isinstance(node, exp.Case | exp.Query):
        return Refusal(
            Reason.FUNCTION_NOT_OFFERED,
            "A condition stands around a statistic.",
            "Put it inside: SUM(CASE WHEN … THEN x END), or COUNT(*) FILTER (WHERE …).",
        )
    return refused(node)
