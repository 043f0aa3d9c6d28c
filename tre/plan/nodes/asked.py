"""The top of a plan: keys, statistics, what is computed from released numbers, and the question as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal as OneOfThese

from tre.plan.nodes.base import NAME, Expression, Node, Relation
from tre.plan.nodes.predicates import COMPARISONS, columns
from tre.plan.nodes.relations import outputs

# persons: different people. rows: rows, or those where the value is not NULL. mean_of_persons: the mean over persons of the
# person's own mean. Others as their names; of many rows a person, each person's rows weigh min(n, k)/n.
STATISTICS = ("persons", "rows", "sum", "avg", "mean_of_persons", "var", "stddev", "quantile")
LARGEST_BOUND = 10_000
AUTO: OneOfThese["auto"] = "auto"  # a bound that is chosen from the records, under noise (plan.choice)


@dataclass(frozen=True, slots=True)
class Key(Node):
    """A grouping key. Public: every value of its domain appears in the answer. ``discovered``: groups are found in the records
    under a noisy threshold."""

    alias: str
    column: Expression
    discovered: bool = False

    def __post_init__(self) -> None:
        if not self.discovered and self.column.domain.size is None:
            raise ValueError("a public key has a public domain")


@dataclass(frozen=True, slots=True)
class Statistic(Node):
    """What is asked of each group. ``bound``: rows of one person that count in one group, where smaller than the policy's;
    `AUTO` where they are chosen, once for all statistics of a question that say so.
    ``q``: the quantile's rank in (0, 1), as decimal text."""

    alias: str
    kind: str
    value: Expression | None = None
    bound: int | OneOfThese["auto"] | None = None
    q: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in STATISTICS:
            raise ValueError(f"no such statistic: {self.kind}")
        if self.kind not in ("persons", "rows") and (self.value is None or not _measurable(self.kind, self.value)):
            raise ValueError("a sum, mean, spread or quantile is of a number")
        if self.kind == "persons" and self.value is not None:
            raise ValueError("persons are counted, not their values")
        if isinstance(self.bound, str):
            if self.bound != AUTO or self.kind in ("persons", "mean_of_persons"):
                raise ValueError("no bound of this statistic is chosen")
        elif self.bound is not None and not 1 <= self.bound <= LARGEST_BOUND:
            raise ValueError("a contribution bound is at least 1")
        if (self.q is not None) != (self.kind == "quantile") or (self.q is not None and not 0 < Fraction(self.q) < 1):
            raise ValueError("a quantile, and nothing else, has a rank between 0 and 1")


def _measurable(kind: str, value: Expression) -> bool:
    return value.domain.numeric or (kind == "quantile" and value.domain.kind == "date")


class Number(Node):
    """Computed from what is shown of one row of the answer; NULL where a part is hidden, or a denominator is 0."""


@dataclass(frozen=True, slots=True)
class OfStatistic(Number):
    """A shown statistic, by its alias."""

    alias: str


@dataclass(frozen=True, slots=True)
class Literal(Number):
    """A number of the question, as decimal text."""

    text: str

    def __post_init__(self) -> None:
        Fraction(self.text)


@dataclass(frozen=True, slots=True)
class Combined(Number):
    """``+ - * /``."""

    operator: str
    left: Number
    right: Number

    def __post_init__(self) -> None:
        if self.operator not in ("+", "-", "*", "/"):
            raise ValueError(f"no such arithmetic: {self.operator}")


@dataclass(frozen=True, slots=True)
class Figure(Node):
    """A derived figure of the answer: arithmetic on what is shown, for nothing."""

    alias: str
    number: Number


class Having(Node):
    """Which rows of the answer stay; unknown, as of a hidden number, is not true."""


@dataclass(frozen=True, slots=True)
class HavingCompare(Having):
    operator: str
    left: Number
    right: Number

    def __post_init__(self) -> None:
        if self.operator not in COMPARISONS:
            raise ValueError(f"no such comparison: {self.operator}")


@dataclass(frozen=True, slots=True)
class HavingAll(Having):
    parts: tuple[Having, ...]


@dataclass(frozen=True, slots=True)
class HavingAny(Having):
    parts: tuple[Having, ...]


@dataclass(frozen=True, slots=True)
class HavingNot(Having):
    part: Having


@dataclass(frozen=True, slots=True)
class Sort(Node):
    """By a key or number of the answer; hidden rows always last, ties by the keys."""

    alias: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Plan(Node):
    """A bounded question: group a person-separable relation by keys and ask statistics of each group.

    ``output`` names keys, statistics and figures in the order of the answer's columns; a statistic that is not named there is
    asked for a figure, ``having`` or ``order`` alone. ``sets``: the grouping sets as places in ``keys``, the finest first; one
    set of all keys where there is no ROLLUP.
    """

    dataset: str
    relation: Relation
    keys: tuple[Key, ...]
    statistics: tuple[Statistic, ...]
    output: tuple[str, ...]
    figures: tuple[Figure, ...] = ()
    sets: tuple[tuple[int, ...], ...] = ()
    having: Having | None = None
    order: tuple[Sort, ...] = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        if not self.sets:
            object.__setattr__(self, "sets", (tuple(range(len(self.keys))),))
        numbers = [*(one.alias for one in self.statistics), *(one.alias for one in self.figures)]
        names = [*(key.alias for key in self.keys), *numbers]
        if not self.statistics or len({name.lower() for name in names}) != len(names):
            raise ValueError("each key and each statistic has one name in the answer")
        if not set(self.output) <= set(names) or len(set(self.output)) != len(self.output):
            raise ValueError("an answer has columns that there are, once each")
        if not {key.alias for key in self.keys} <= set(self.output) or not set(numbers) & set(self.output):
            raise ValueError("an answer shows its keys and a number")
        if not all(NAME.fullmatch(name) for name in names) or clashing(names, numbers):
            raise ValueError("a name that an answer cannot carry")
        self._check_parts(set(names), {one.alias for one in self.statistics})

    def _check_parts(self, names: set[str], statistics: set[str]) -> None:
        read = [*(one.column for one in self.keys), *(one.value for one in self.statistics if one.value is not None)]
        known = outputs(self.relation)
        for column in columns(tuple(read)):
            own = known.get(column.table, {})
            if own is not None and own.get(column.name) != column.domain:
                raise ValueError("a column of no relation below")
        if not all(set(one) <= set(range(len(self.keys))) and list(one) == sorted(set(one)) for one in self.sets):
            raise ValueError("a grouping set names keys, each once, in order")
        if len(set(self.sets)) != len(self.sets) or not all(set(one) <= set(self.sets[0]) for one in self.sets):
            raise ValueError("grouping sets differ, and the finest comes first")
        if not numbers_of(self.figures, self.having) <= statistics or not {one.alias for one in self.order} <= names:
            raise ValueError("a number of no statistic")
        if self.limit is not None and self.limit < 1:
            raise ValueError("a limit is at least 1")

    @property
    def discovered(self) -> bool:
        """Whether groups are found in the records: one discovered key makes every group of the answer so."""
        return any(key.discovered for key in self.keys)

    @property
    def cells(self) -> int:
        """How many groups the answer's public sets have: the product of the key domains, over the sets; 0 where discovered."""
        if self.discovered:
            return 0
        return sum(self.cells_of(one) for one in self.sets)

    def cells_of(self, one: tuple[int, ...]) -> int:
        """How many groups one grouping set of public keys has."""
        count = 1
        for place in one:
            count *= self.keys[place].column.domain.size or 0
        return count


def numbers_of(*nodes: object) -> set[str]:
    """The aliases of the statistics that figures or conditions read."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, OfStatistic):
            found.add(node.alias)
        elif isinstance(node, tuple):
            found |= numbers_of(*node)
        elif isinstance(node, Node):
            found |= numbers_of(*(getattr(node, name) for name in node.__slots__))  # type: ignore[attr-defined]
    return found


def clashing(names: Iterable[str], statistics: Iterable[str]) -> list[str]:
    """The names that a row of the answer uses itself: `suppressed`, `set`, and each number's `_low` and `_high`."""
    own = {"suppressed", "set", *(f"{alias}_{end}".lower() for alias in statistics for end in ("low", "high"))}
    return [name for name in names if name.lower() in own]
