"""The run-time alarm: what must be true of the snapshot and of the sums, looked at again while answering.

Promises to raise only when the guarantee has already failed: in a correct build no records and no question can raise it. Shares
no code with the load that proved the facts, with the bounds of `plan.bound` and `plan.measures`, nor with the text that adds.
Never says what it saw.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any

from tre.plan.measures import WEIGHT, Measure, measured
from tre.plan.nodes import Column, Derived, Expression, Filter, Grouped, Join, Plan, Relation, Scan, SemiJoin
from tre.plan.nodes.base import Node
from tre.plan.order import NOISY_MAX, Order
from tre.plan.sets import drawn
from tre.terms import Snapshot
from tre.vault.exact import ExactBlock, ExactContributions, ExactTable


class Alarm(Exception):
    """A fact that was proved is not so. Carries nothing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the engine counted when it opened a table: rows, different persons among them, rows and persons left out, the most
    rows that a person can have by the numbers on them, the largest person; of each column the least and greatest stored value as
    a number (None where there is none) and how many are NULL."""

    rows: int
    persons: int
    left_out: int
    persons_left_out: int
    deepest: int
    last: int
    columns: Mapping[str, tuple[int | None, int | None, int]]


@dataclass(slots=True)
class Seen:
    """What was seen of single persons while adding, for each grouping set: by a measure's place the most that one person adds to
    one group, and the most groups that one person has (0 where no person was looked at)."""

    cells: tuple[dict[int, int], ...]
    groups: list[int]


def manifest_of(snapshot: Snapshot) -> Mapping[str, Any]:
    """The manifest, if it is the one that the snapshot names, and its files stand beside it in their sizes. (Their digests are
    taken again by whoever proves the store: a second per gigabyte is too much here.)"""
    raw = (Path(snapshot.folder) / "manifest.json").read_bytes()
    if "sha256:" + hashlib.sha256(raw).hexdigest() != snapshot.manifest:
        raise Alarm
    manifest = json.loads(raw)
    if not isinstance(manifest, dict):
        raise Alarm
    if (manifest.get("snapshot"), manifest.get("dataset"), manifest.get("schema")) != (
        snapshot.id,
        snapshot.dataset,
        snapshot.schema,
    ):
        raise Alarm
    if any((Path(snapshot.folder) / file["name"]).stat().st_size != file["size"] for file in manifest["files"]):
        raise Alarm
    return manifest


def check_tables(manifest: Mapping[str, Any], counted: Mapping[str, Counted]) -> None:
    """The facts of the load; one row per person counted again by another way than the load's, and the row cap by the numbers
    that the load gave to each person's rows."""
    for name, seen in counted.items():
        table = manifest["tables"][name]
        single, facts = table["one_row_per_person"], table["facts"]
        if facts.get("values_in_bounds") is not True or facts.get("rows_within_cap") is not True:
            raise Alarm
        if single and (facts.get("one_row_per_person") is not True or seen.rows != seen.persons):
            raise Alarm
        if not single and not seen.persons <= seen.rows <= seen.persons * table["row_cap"]:
            raise Alarm
        if seen.deepest > (1 if single else table["row_cap"]):
            raise Alarm
        if not 0 <= seen.left_out <= seen.rows or not seen.persons_left_out <= seen.left_out or seen.persons > seen.last + 1:
            raise Alarm


def check_plan(manifest: Mapping[str, Any], counted: Mapping[str, Counted], plan: Plan) -> None:
    """That the caps by which the plan was bounded are the caps that were proved, and that every stored value of a column that it
    reads is in the domain by which it was bounded."""
    scans = {scan.label: scan for scan in _scans(plan.relation) if scan.table in manifest["tables"]}
    for scan in scans.values():
        proved = manifest["tables"][scan.table]["row_cap"]
        if scan.row_cap < proved or (scan.row_cap == 1 and proved > 1):
            raise Alarm
    for column in _columns(plan):
        if column.table in scans:
            _check_column(column, counted[scans[column.table].table])


def _check_column(column: Column, counted: Counted) -> None:
    if column.name not in counted.columns:
        return  # the engine's to say
    domain, (least, greatest, missing) = column.domain, counted.columns[column.name]
    low, high = (0, len(domain.values) - 1) if domain.kind == "category" else (0, 2**31)
    if domain.ranged:
        low, high = domain.ends
    if (missing and not domain.nullable) or (least is not None and least < low) or (greatest is not None and greatest > high):
        raise Alarm


def _columns(node: object) -> set[Column]:
    """Every column that is read anywhere in a plan."""
    if isinstance(node, Column):
        return {node}
    if isinstance(node, tuple):
        return set().union(*map(_columns, node))
    return set().union(*(_columns(getattr(node, name)) for name in type(node).__slots__)) if isinstance(node, Node) else set()  # type: ignore[attr-defined]


def check_sums(exact: ExactTable, seen: Seen, order: Order, counted: Mapping[str, Counted]) -> None:
    """No number beyond what the people who did not object can add up to; no person beyond what the noise was made for."""
    plan = order.plan
    tables = [counted[scan.table] for scan in _scans(plan.relation)]
    if any(one.persons > order.max_persons for one in tables):
        raise Alarm
    first = counted[_first(plan.relation).table]
    people = first.persons - first.persons_left_out
    bounds = [_groups(plan, one) for one in drawn(plan)]
    for block, bound in zip(exact.blocks, bounds, strict=True):
        _check_block(block, plan, people, bound)
    for cells, groups, bound in zip(seen.cells, seen.groups, bounds, strict=True):
        if groups > bound or any(most > _cell(measured(plan).measures[place], plan) for place, most in cells.items()):
            raise Alarm
    _check_noise(seen, order)


def check_contributions(exact: ExactContributions, order: Order, counted: Mapping[str, Counted]) -> None:
    """Nobody who objected stands on the grid of bounds, and nobody twice; beyond the largest bound stands nobody who cannot have
    so many rows."""
    plan = order.plan
    first = counted[_first(plan.relation).table]
    most, rows, _ = _bounds(plan.relation)
    if min(exact.persons) < 0 or sum(exact.persons) > first.persons - first.persons_left_out:
        raise Alarm
    if most <= rows and exact.persons[-1]:
        raise Alarm


def _check_block(block: ExactBlock, plan: Plan, people: int, groups: int) -> None:
    persons = block.numbers[0]
    for measure, vector in zip(measured(plan).measures, block.numbers, strict=True):
        most = _cell(measure, plan)
        if measure.kind == "ranks":
            totals = [sum(bins) for bins in vector if isinstance(bins, tuple)]
        else:
            totals = [number for number in vector if isinstance(number, int)]
        if measure.kind in ("persons", "rows", "ranks") and min(totals, default=0) < 0:
            raise Alarm
        if any(abs(total) > people * most for total in totals) or sum(map(abs, totals)) > people * groups * most:
            raise Alarm
    if any(not isinstance(number, int) or number > people for number in persons):
        raise Alarm


def _check_noise(seen: Seen, order: Order) -> None:
    """What single persons were seen to add, against the sensitivity that was paid for. Whoever fills one group and whoever is in
    the most groups may be two persons: nobody adds more than all rows of a person can."""
    plan = order.plan
    rows = _bounds(plan.relation)[0]
    for place, (draw, measure) in enumerate(zip(order.draws, measured(plan).measures, strict=True)):
        if draw.mechanism == NOISY_MAX:
            continue  # its scores are of shares of a rank: the weights are bounded above
        most = [
            _spread(max(1, groups), cells.get(place, 0), rows * _row(measure))
            for cells, groups in zip(seen.cells, seen.groups, strict=True)
        ]
        if sum(l1 for l1, _ in most) > draw.sensitivity or sum(l2 for _, l2 in most) > draw.squared_sensitivity:
            raise Alarm


def _spread(groups: int, cell: int, total: Fraction) -> tuple[int, int]:
    """The largest sum, and the largest sum of squares, of so many whole numbers of at most ``cell`` that are at most ``total`` in
    all: whole too, where ``total`` is not."""
    if cell == 0:
        return 0, 0
    full = min(groups, int(total // cell))
    rest = int(total) - full * cell if full < groups else 0
    return full * cell + rest, full * cell**2 + rest**2


def _row(measure: Measure) -> Fraction:
    """The most that one row adds to a number of its group."""
    if measure.kind in ("persons", "rows"):
        return Fraction(1)
    low, high = _ends(measure.value)
    most = {"sum": max(-low, high), "centred": high - low, "square": (high - low) ** 2}[measure.kind]
    return Fraction(most, measure.divisor)


def _scans(relation: Relation) -> list[Scan]:
    match relation:
        case Scan():
            return [relation]
        case Join(left, right) | SemiJoin(left, right):
            return _scans(left) + _scans(right)
        case Filter(relation=below) | Grouped(relation=below) | Derived(relation=below):
            return _scans(below)
    raise Alarm


def _first(relation: Relation) -> Scan:
    """The table in which everybody of a relation has a row."""
    return _scans(relation)[0]


def _bounds(relation: Relation) -> tuple[int, int, int]:
    """Of one person: the most rows, the most that count in one group, the most groups."""
    match relation:
        case Scan(row_cap=cap, max_rows=rows, max_groups=groups):
            return cap, rows, groups
        case Join(left, right):
            one, other = _bounds(left), _bounds(right)
            return one[0] * other[0], one[1] * other[1], one[2] * other[2]
        case Grouped(relation=below, by=by):
            return _bounds(below) if by else (1, 1, 1)
        case Filter(relation=below) | Derived(relation=below) | SemiJoin(left=below):
            return _bounds(below)
    raise Alarm


def _groups(plan: Plan, one: tuple[int, ...]) -> int:
    """The most groups of one grouping set that one person may be in."""
    most, _, l0 = _bounds(plan.relation)
    l0 = min(most, l0)
    alone = _alone(plan.relation)
    many = [plan.keys[place].column for place in one if not _read(plan.keys[place].column) <= alone]
    return min(l0, prod(key.domain.size or l0 for key in many))


def _alone(relation: Relation) -> set[str]:
    """The labels that have one row a person."""
    match relation:
        case Join(left, right):
            return _alone(left) | _alone(right)
        case Filter(relation=below) | SemiJoin(left=below):
            return _alone(below)
        case Scan(label=label) | Grouped(label=label) | Derived(label=label):
            return {label} if _bounds(relation)[0] == 1 else set()
    raise Alarm


def _read(node: object) -> set[str]:
    """The labels that an expression reads."""
    return {column.table for column in _columns(node)}


def _cell(measure: Measure, plan: Plan) -> int:
    """The most that one person may add to one group."""
    most, rows, _ = _bounds(plan.relation)
    k = min(most, rows, measure.k)
    if measure.kind in ("persons", "rows"):
        return 1 if measure.kind == "persons" else k
    low, high = _ends(measure.value)
    if measure.kind == "sum":
        return k * max(-low, high)
    if measure.kind == "centred":
        return k * (high - low)
    if measure.kind == "square":
        return k * (high - low) ** 2 // measure.divisor
    return k if most == 1 else k * WEIGHT


def _ends(value: Expression | None) -> tuple[int, int]:
    if value is None:
        raise Alarm
    return value.domain.ends
