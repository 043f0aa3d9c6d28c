"""The functions of one row's values: each by its name, with its arguments as they were written.

Promises that what is not in the list is refused with the nearest that is, and that every function is total: its value follows
from its arguments for every row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.hints import did_you_mean, invalid, listed, quoted
from tre.plan.nodes import (
    PERIODS,
    UNITS,
    Expression,
    NoDomain,
    Predicate,
    arithmetic,
    band,
    clamp,
    date_part,
    date_trunc,
    elapsed,
    extreme,
)
from tre.plan.parse.cases import aligned, chosen, first_known
from tre.plan.parse.literal import literal, number, text_of
from tre.plan.parse.tree import only

_PARTS = {"year": "year", "quarter": "quarter", "month": "month", "day": "day", "isodow": "weekday"}


@dataclass(frozen=True)
class Call:
    """A call: ``value`` and ``truth`` read an argument as a value or as a condition, ``birth`` is the column of birth."""

    name: str
    arguments: list[exp.Expression]
    value: Callable[[exp.Expression], Expression]
    truth: Callable[[exp.Expression], Predicate]
    birth: Callable[[], Expression]

    def values(self) -> list[Expression]:
        return [self.value(part) for part in self.arguments]

    def optional(self, at: int) -> Expression | None:
        """An argument that may be NULL."""
        node = self.arguments[at]
        return None if type(node) is exp.Null else self.value(node)

    def word(self, words: tuple[str, ...]) -> str:
        """The first argument: one of a few words in single quotes."""
        written = (text_of(self.arguments[0]) or "").lower()
        if written not in words:
            raise Refusal(
                Reason.FUNCTION_NOT_OFFERED,
                f"{quoted(written)} is not offered in {quoted(self.name)}.",
                f"There are {listed(words)}: {USAGE[self.name]}.",
            )
        return written

    def whole(self, at: int, other: Expression) -> int:
        """A number or date of the question, in the steps of another value."""
        found = literal(self.arguments[at], other)
        if not isinstance(found, int):
            raise NoDomain(f"{self.name} is of a number or a date")
        return found


def _part(call: Call) -> Expression:
    return date_part(_PARTS[call.name], call.value(call.arguments[0]))


def _date_part(call: Call) -> Expression:
    return date_part(_PARTS[call.word(tuple(_PARTS))], call.value(call.arguments[1]))


def _date_trunc(call: Call) -> Expression:
    return date_trunc(call.word(PERIODS[1:]), call.value(call.arguments[1]))


def _date_diff(call: Call) -> Expression:
    call.word(("day",))
    start, end = (call.value(part) for part in call.arguments[1:])
    if (start.domain.kind, end.domain.kind) != ("date", "date"):
        raise NoDomain("date_diff is of two dates")
    return arithmetic("-", end, start)


def _date_sub(call: Call) -> Expression:
    unit = call.word(UNITS)
    return elapsed(unit, *(call.value(part) for part in call.arguments[1:]))


def _age_at(call: Call) -> Expression:
    """Where the policy has the year of birth alone: the difference of the years."""
    day, birth = call.value(call.arguments[0]), call.birth()
    return elapsed("year", birth, day) if birth.domain.kind == "date" else arithmetic("-", date_part("year", day), birth)


def _band(call: Call) -> Expression:
    value = call.value(call.arguments[0])
    if not value.domain.numeric:
        raise NoDomain("band is of a number; of dates there are year(date) and date_trunc")
    return band(value, call.whole(1, value))


def _clamp(call: Call) -> Expression:
    value = call.value(call.arguments[0])
    return clamp(value, call.whole(1, value), call.whole(2, value))


def _extreme(call: Call) -> Expression:
    return extreme(call.name, aligned(call.values()))


def _abs(call: Call) -> Expression:
    value = call.value(call.arguments[0])
    if not value.domain.numeric:
        raise NoDomain("abs is of a number")
    low, high = value.domain.ends
    if low >= 0:
        return value
    turned = arithmetic("-", number(Fraction(0), Fraction(value.domain.grid)), value)
    return clamp(extreme("greatest", aligned([value, turned])), 0, max(-low, high))


def _coalesce(call: Call) -> Expression:
    return first_known([call.optional(at) for at in range(len(call.arguments))])


def _nullif(call: Call) -> Expression:
    equal = call.truth(exp.EQ(this=call.arguments[0], expression=call.arguments[1]))
    return chosen([(equal, None)], call.value(call.arguments[0]))


def _if(call: Call) -> Expression:
    otherwise = call.optional(2) if len(call.arguments) == 3 else None
    return chosen([(call.truth(call.arguments[0]), call.optional(1))], otherwise)


# Name → how it is written, the fewest and most arguments, what it means.
_FUNCTIONS: dict[str, tuple[str, int, int, Callable[[Call], Expression]]] = {
    **{name: (f"{name}(date)", 1, 1, _part) for name in _PARTS},
    "date_part": ("date_part('year', date)", 2, 2, _date_part),
    "date_trunc": ("date_trunc('month', date)", 2, 2, _date_trunc),
    "date_diff": ("date_diff('day', earlier, later)", 3, 3, _date_diff),
    "date_sub": ("date_sub('year', earlier, later), which counts completed days, months or years", 3, 3, _date_sub),
    "age_at": ("age_at(date)", 1, 1, _age_at),
    "band": ("band(number, width)", 2, 2, _band),
    "clamp": ("clamp(number, low, high)", 3, 3, _clamp),
    "least": ("least(a, b)", 2, 20, _extreme),
    "greatest": ("greatest(a, b)", 2, 20, _extreme),
    "abs": ("abs(number)", 1, 1, _abs),
    "coalesce": ("coalesce(a, b)", 1, 20, _coalesce),
    "nullif": ("nullif(a, b)", 2, 2, _nullif),
    "if": ("if(condition, a, b)", 2, 3, _if),
    "iif": ("iif(condition, a, b)", 2, 3, _if),
}
USAGE = {name: usage for name, (usage, *_) in _FUNCTIONS.items()}


def function(call: Call) -> Expression:
    """What a call comes to; `NoDomain` where it is not offered for such arguments."""
    if call.name == "codelist":
        raise Refusal(Reason.FUNCTION_NOT_OFFERED, "A code list stands where none is offered.", "Write code IN codelist('name').")
    if call.name not in _FUNCTIONS:
        told = did_you_mean(call.name, list(USAGE), f"Functions are {listed(list(USAGE), 20)}.")
        raise Refusal(Reason.FUNCTION_NOT_OFFERED, f"The function {quoted(call.name)} is not offered.", told)
    usage, fewest, most, made = _FUNCTIONS[call.name]
    if not fewest <= len(call.arguments) <= most:
        raise invalid(f"{quoted(call.name)} has {len(call.arguments)} arguments.", f"Write {usage}.")
    return made(call)


def extract(node: exp.Extract, value: Callable[[exp.Expression], Expression]) -> Expression:
    """EXTRACT(part FROM date)."""
    only(node, "this", "expression")
    part = str(node.this.this).lower() if type(node.this) is exp.Var else ""
    if part not in _PARTS:
        raise Refusal(
            Reason.FUNCTION_NOT_OFFERED, f"{quoted(part)} is not offered in EXTRACT.", f"There are {listed(tuple(_PARTS))}."
        )
    return date_part(_PARTS[part], value(node.expression))
