"""Rows of an engine become the exact table: sums of ranges of persons added, groups in the answer's order.

Promises that every group is one that the plan can have, once (else `Alarm`); that integers alone are added; and that groups that
were found are those with a person left in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tre.plan.candidates import candidates
from tre.plan.measures import measured
from tre.plan.nodes import Domain, Plan, Scalar
from tre.plan.sets import drawn
from tre.vault.cells import literal, position
from tre.vault.check import Alarm, Seen
from tre.vault.compile import Statement
from tre.vault.engines.dictionary import Dictionary
from tre.vault.exact import ExactBlock, ExactTable, Numbers

Group = tuple[Any, ...]  # key values as they are stored
Dictionaries = Mapping[tuple[str, str], Dictionary]
PERSONS = 0  # the place of the measure by which a group is there


class Gathering:
    """What has been added so far."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._sets = plan, drawn(plan)
        self._measures = measured(plan).measures
        self._sums: list[dict[Group, Numbers]] = [{} for _ in self._sets]
        self._weights: dict[tuple[int, int], dict[Group, dict[int, int]]] = {}
        self._dictionaries: list[tuple[tuple[str, str] | None, ...]] = [() for _ in self._sets]
        self.seen = Seen(tuple({} for _ in self._sets), [0] * len(self._sets))

    def add(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        """The rows of one statement."""
        if statement.ranks:
            self._add_weights(statement, rows)
        else:
            self._add_sums(statement, rows)

    def _add_sums(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        keys, count = len(statement.dictionaries), len(statement.measures)
        self._dictionaries[statement.block] = statement.dictionaries
        if not rows:
            return
        columns = list(zip(*rows, strict=True))
        groups = list(zip(*columns[:keys], strict=True)) if keys else [()] * len(rows)
        sums = zip(*([number or 0 for number in column] for column in columns[keys : keys + count]), strict=True)
        found = dict(zip(groups, sums, strict=True))
        if len(found) != len(rows):
            raise Alarm
        into = self._sums[statement.block]
        for group in found.keys() & into.keys():
            found[group] = tuple(one + other for one, other in zip(into[group], found[group], strict=True))
        into.update(found)
        if statement.seen:
            self._see(statement, [max(most or 0 for most in column) for column in columns[keys + count :]])

    def _add_weights(self, statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
        keys, (place,) = len(statement.dictionaries), statement.measures
        into = self._weights.setdefault((statement.block, place), {})
        here = set()
        for row in rows:
            group, bin, weight = tuple(row[:keys]), row[keys], row[keys + 1]
            if (group, bin) in here:
                raise Alarm
            here.add((group, bin))
            bins = into.setdefault(group, {})
            bins[bin] = bins.get(bin, 0) + weight
            self._see(statement, row[keys + 2 :])

    def _see(self, statement: Statement, largest: Sequence[int | None]) -> None:
        cells = self.seen.cells[statement.block]
        for place, most in zip(statement.measures, largest, strict=False):
            cells[place] = max(cells.get(place, 0), most or 0)
        if not statement.ranks:
            groups = self.seen.groups
            groups[statement.block] = max(groups[statement.block], largest[-1] or 0)

    def table(self, dictionaries: Dictionaries) -> ExactTable:
        """All groups of the answer."""
        make = self._found if self._plan.discovered else self._dense
        return ExactTable(tuple(make(block, dictionaries) for block in range(len(self._sets))))

    def _dense(self, block: int, _: Dictionaries) -> ExactBlock:
        """Every cell of public keys, empty ones with 0."""
        places = [_Places(domain) for domain in self._domains(block)]
        cells = self._plan.cells_of(self._sets[block])

        def cell(group: Group) -> int:
            at = 0
            for place, value in zip(places, group, strict=True):
                at = at * place.size + place[value]
            return at

        found = {cell(group): sums for group, sums in self._sums[block].items()}
        if len(found) != len(self._sums[block]):
            raise Alarm
        weights = {
            place: {cell(group): bins for group, bins in into.items()}
            for (at, place), into in self._weights.items()
            if at == block
        }
        return ExactBlock(None, cells, self._vectors(range(cells), found, weights))

    def _found(self, block: int, dictionaries: Dictionaries) -> ExactBlock:
        """The groups with a person in them, in the order of their values, NULL last."""
        groups = [group for group, sums in self._sums[block].items() if sums[PERSONS]]
        readers = [
            _Codes(dictionaries[dictionary].texts) if dictionary else _Literals(domain)
            for domain, dictionary in zip(self._domains(block), self._dictionaries[block], strict=False)
        ]
        columns = [
            [reader[value] for value in column] for reader, column in zip(readers, zip(*groups, strict=True), strict=bool(groups))
        ]
        places = list(zip(*([place for place, _ in column] for column in columns), strict=True)) or [()] * len(groups)
        order = sorted(range(len(groups)), key=places.__getitem__)
        literals = list(zip(*([value for _, value in column] for column in columns), strict=True)) or [()] * len(groups)
        chosen, keys = [groups[at] for at in order], tuple(literals[at] for at in order)
        weights = {place: into for (at, place), into in self._weights.items() if at == block}
        return ExactBlock(keys, len(keys), self._vectors(chosen, self._sums[block], weights))

    def _domains(self, block: int) -> list[Domain]:
        return [self._plan.keys[place].column.domain for place in self._sets[block]]

    def _vectors(self, groups: Iterable[Any], sums: Mapping[Any, Numbers], weights: Mapping[int, Mapping[Any, Any]]) -> Any:
        plain = [place for place, measure in enumerate(self._measures) if measure.kind != "ranks"]
        zeros, vectors = (0,) * len(plain), []
        table = [sums.get(group, zeros) for group in groups]
        columns = dict(zip(plain, zip(*table, strict=True) if table else [()] * len(plain), strict=True))
        for place, measure in enumerate(self._measures):
            if measure.kind != "ranks":
                vectors.append(tuple(columns[place]))
                continue
            assert measure.value is not None
            count, into = len(candidates(measure.value.domain)), weights.get(place, {})
            vectors.append(tuple(_bins(into.get(group, {}), count) for group in groups))
        return tuple(vectors)


def _bins(found: Mapping[int, int], count: int) -> tuple[int, ...]:
    if any(not 0 <= place < count for place in found):
        raise Alarm
    return tuple(found.get(place, 0) for place in range(count))


class _Places(dict[Any, int]):
    """Where each stored value stands in its domain, looked up once."""

    def __init__(self, domain: Domain) -> None:
        super().__init__()
        self._domain, self.size = domain, domain.size or 0

    def __missing__(self, stored: Any) -> int:
        try:
            self[stored] = place = position(self._domain, stored)
        except ValueError:
            raise Alarm from None
        return place


Sorted = tuple[int, Scalar]  # what a value is sorted by, and the value as a plan writes literals
LAST = 2**31  # after every code


class _Literals(dict[Any, Sorted]):
    """A stored value of a domain: its place, and its literal."""

    def __init__(self, domain: Domain) -> None:
        super().__init__()
        self._domain = domain

    def __missing__(self, stored: Any) -> Sorted:
        try:
            place = position(self._domain, stored)
            number = None if stored is None else literal(self._domain, stored)
        except ValueError:
            raise Alarm from None
        value = self._domain.values[number] if number is not None and self._domain.kind == "category" else number
        self[stored] = found = (place, value)
        return found


class _Codes(dict[Any, Sorted]):
    """A stored number of a code, which is its place, and its text."""

    def __init__(self, texts: Mapping[int, str]) -> None:
        super().__init__()
        self._texts = texts

    def __missing__(self, stored: Any) -> Sorted:
        if stored is not None and stored not in self._texts:
            raise Alarm
        self[stored] = found = (LAST, None) if stored is None else (stored, self._texts[stored])
        return found
