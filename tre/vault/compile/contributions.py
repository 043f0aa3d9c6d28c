"""How many rows single persons have: of each place on the grid of bounds, how many persons stand there (`plan.choice`).

A person stands at the smallest bound that leaves none of their rows out, in whichever of the groups that they keep they have the
most rows that count; beyond the last bound, at the place after it. Whoever has no row that counts stands nowhere. The pairs of
person and group that are kept are those that the sums keep.
"""

from __future__ import annotations

from collections.abc import Sequence

from tre.plan.nodes import Expression, rows_per_person
from tre.vault.compile.measures import Aggregates
from tre.vault.compile.relations import reads, rows, scope_of
from tre.vault.compile.text import Gathered
from tre.vault.compile.top import Asked, bounded_groups, keys_as, rank_of


def contributions(it: Asked, of: Sequence[Expression | None], bounds: Sequence[int], gathered: Gathered) -> str:
    """SELECT the place b, counted from 0, and the persons there, m0. ``of``: the values whose rows count; None for all rows."""
    core = rows(it.relation, reads(*it.keys, *(value for value in of if value is not None)), gathered)
    have = Aggregates(scope_of(core, gathered), rows_per_person(it.relation))
    counts = [have.count(value) for value in of]
    most = counts[0] if len(counts) == 1 else f"greatest({', '.join(counts)})"
    listed, names = [f"{core.person} AS person"], []
    if not it.own:
        names = [f"k{place}" for place in range(len(it.keys))]
        listed += [*keys_as(it.keys, core, gathered), *rank_of(core, it.l0)]
    by = ", ".join(str(place) for place in range(1, len(names) + 2))
    aggregates = [f"{text} AS a{place}" for place, text in enumerate(have.texts)]
    pairs = f"(SELECT {', '.join([*listed, *aggregates])} FROM {core.after_from} GROUP BY {by})"
    kept = pairs if it.own or it.l0 is None else bounded_groups(pairs, names, it.l0)
    persons = f"(SELECT person, max({most}) AS n FROM {kept} GROUP BY person)"
    places = " ".join(f"WHEN n <= {bound} THEN {place}" for place, bound in enumerate(bounds))
    return f"SELECT CASE {places} ELSE {len(bounds)} END AS b, count(*) AS m0 FROM {persons} WHERE (n >= 1) GROUP BY 1"
