"""The set of a column's values for which a condition is true: closed under AND, OR and NOT, with one form for one set.

Promises that two conditions on one column which are true of the same values, NULL included, have equal sets. Rests on the
column's domain alone, which load has proved of every row.
"""

from __future__ import annotations

from dataclasses import dataclass

from tre.plan.nodes import And, Compare, Constant, Domain, Expression, Holds, IsNull, Not, OneOf, Or, Predicate, Scalar

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Whole numbers (grid steps, days, places in a category's list) as ascending ranges that do not touch; NULL or not."""

    ranges: tuple[Range, ...]
    null: bool = False

    def __or__(self, other: Ranges) -> Ranges:
        return Ranges(_merged([*self.ranges, *other.ranges]), self.null or other.null)

    def __and__(self, other: Ranges) -> Ranges:
        shared, mine, theirs = [], list(self.ranges), list(other.ranges)
        while mine and theirs:
            low, high = max(mine[0][0], theirs[0][0]), min(mine[0][1], theirs[0][1])
            if low <= high:
                shared.append((low, high))
            (mine if mine[0][1] < theirs[0][1] else theirs).pop(0)
        return Ranges(tuple(shared), self.null and other.null)

    def other_values(self, low: int, high: int) -> Ranges:
        """The values of the domain that are not in the set; NULL is not one of them."""
        gaps, at = [], low
        for first, last in self.ranges:
            gaps.append((at, first - 1))
            at = last + 1
        return Ranges(tuple(gap for gap in (*gaps, (at, high)) if gap[0] <= gap[1]))


def _merged(ranges: list[Range]) -> tuple[Range, ...]:
    merged: list[Range] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes: some, or all but some; NULL or not."""

    codes: frozenset[str]
    all_but: bool = False
    null: bool = False

    def __or__(self, other: Codes) -> Codes:
        return (self._negative() & other._negative())._negative()

    def _negative(self) -> Codes:
        return Codes(self.codes, not self.all_but, not self.null)

    def __and__(self, other: Codes) -> Codes:
        null = self.null and other.null
        if self.all_but and other.all_but:
            return Codes(self.codes | other.codes, True, null)
        if self.all_but or other.all_but:
            some, but = (other, self) if self.all_but else (self, other)
            return Codes(some.codes - but.codes, False, null)
        return Codes(self.codes & other.codes, False, null)


Values = Ranges | Codes


def both(left: Values, right: Values) -> Values:
    """The values in each of two sets of one column."""
    if isinstance(left, Ranges) and isinstance(right, Ranges):
        return left & right
    assert isinstance(left, Codes) and isinstance(right, Codes)
    return left & right


def either(left: Values, right: Values) -> Values:
    """The values in one or the other."""
    if isinstance(left, Ranges) and isinstance(right, Ranges):
        return left | right
    assert isinstance(left, Codes) and isinstance(right, Codes)
    return left | right


def _ends(domain: Domain) -> Range:
    if domain.kind == "category":
        return 0, len(domain.values) - 1
    assert domain.low is not None and domain.high is not None
    return domain.low, domain.high


def _place(domain: Domain, literal: Scalar) -> int:
    if domain.kind == "category":
        return domain.values.index(str(literal))
    assert isinstance(literal, int)
    return literal


def values_where(node: Compare | OneOf | IsNull, negated: bool) -> Values:
    """The values for which a comparison, or its negation, is true. A comparison with NULL is neither."""
    domain = node.column.domain
    if isinstance(node, IsNull):
        return _nothing_but_null(domain, negated)
    literals = node.literals if isinstance(node, OneOf) else (node.literal,)
    operator = "=" if isinstance(node, OneOf) else node.operator
    if domain.kind == "code":
        return Codes(frozenset(map(str, literals)), (operator == "<>") != negated)
    low, high = _ends(domain)
    places = [_place(domain, literal) for literal in literals]
    ranges = [_span(operator, place, low, high) for place in places if operator != "<>"] or [(place, place) for place in places]
    found = Ranges(_merged(ranges)) & Ranges(((low, high),))
    return found.other_values(low, high) if negated != (operator == "<>") else found


def _span(operator: str, place: int, low: int, high: int) -> Range:
    if operator == "=":
        return place, place
    if operator in ("<", "<="):
        return low, place - (operator == "<")
    return place + (operator == ">"), high


def _nothing_but_null(domain: Domain, negated: bool) -> Values:
    if domain.kind == "code":
        return Codes(frozenset(), all_but=negated, null=not negated and domain.nullable)
    return Ranges((_ends(domain),) if negated else (), null=not negated and domain.nullable)


def is_empty(values: Values) -> bool:
    some = values.codes or values.all_but if isinstance(values, Codes) else values.ranges
    return not some and not values.null


def _has_every_value(values: Values, domain: Domain) -> bool:
    if isinstance(values, Codes):
        return values.all_but and not values.codes
    return values.ranges == (_ends(domain),)


def is_everything(values: Values, domain: Domain) -> bool:
    return _has_every_value(values, domain) and (values.null or not domain.nullable)


def condition(column: Expression, values: Values) -> Predicate:
    """The one predicate that is true of these values."""
    domain = column.domain
    if is_empty(values) or is_everything(values, domain):
        return Constant(not is_empty(values))
    if _has_every_value(values, domain):
        return Not(IsNull(column))
    parts = _of_codes(column, values) if isinstance(values, Codes) else _of_ranges(column, values)
    parts += [IsNull(column)] if values.null else []
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _listed(column: Expression, literals: list[Scalar]) -> list[Predicate]:
    if not literals:
        return []
    if len(literals) == 1:
        return [Compare("=", column, literals[0])]
    return [OneOf(column, tuple(sorted(literals, key=lambda literal: (str(type(literal)), literal))))]


def _of_codes(column: Expression, values: Codes) -> list[Predicate]:
    listed = _listed(column, list(values.codes))
    if not values.all_but:
        return listed
    return [Compare("<>", column, next(iter(values.codes)))] if len(values.codes) == 1 else [Not(part) for part in listed]


def _of_ranges(column: Expression, values: Ranges) -> list[Predicate]:
    low, high = _ends(column.domain)
    if column.domain.kind == "boolean":  # one of the two: both would be every value
        return [Holds(column) if first else Not(Holds(column)) for first, _ in values.ranges]
    if column.domain.kind == "category":
        places = [place for first, last in values.ranges for place in range(first, last + 1)]
        return _listed(column, [column.domain.values[place] for place in places])
    absent = values.other_values(low, high).ranges
    if len(absent) == 1 and absent[0][0] == absent[0][1] and len(values.ranges) == 2:
        return [Compare("<>", column, absent[0][0])]
    parts = _listed(column, [first for first, last in values.ranges if first == last])
    for first, last in values.ranges:
        ends = [Compare(">=", column, first)] if first > low else []
        ends += [Compare("<=", column, last)] if last < high else []
        if first < last:
            parts.append(ends[0] if len(ends) == 1 else And(tuple(ends)))
    return parts
