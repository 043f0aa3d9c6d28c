"""One function makes a `RestrictedPlan`, one a `Reservation`, one a `Release`: nobody else calls, copies or tricks the type."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.makers import findings

ROOT = Path(__file__).parents[2]

ALLOWED = {
    # what · file · function: why
    ("RestrictedPlan", "tre/optouts/restriction.py", "restrict"): "the maker",
    ("RestrictedPlan", "tre/plan/order.py", "order_from_json"): "an order crosses the pipe to a worker",
    ("Reservation", "tre/budget/ledger.py", "reserve"): "the maker",
    ("Reservation", "tre/plan/order.py", "order_from_json"): "an order crosses the pipe to a worker",
    ("ExactTable", "tre/vault/engines/gather.py", "Gathering"): "the engine",
    ("__setattr__", "tre/plan/nodes/relations.py", "Scan"): "a label that was not given is the table's name, while it is made",
    (
        "__setattr__",
        "tre/plan/nodes/asked.py",
        "Plan",
    ): "sets that were not given are the one of all keys",
    ("NoisyTable", "tre/vault/noise.py", "perturb"): "the maker",
    ("Shown", "tre/vault/suppress.py", "suppress"): "the maker",
    ("Shown", "tre/vault/shown.py", "shown_from"): "what a worker said, once it is believed",
    ("Release", "tre/vault/release.py", "release"): "the maker",
}


def made_in(path: Path) -> set[tuple[str, str, str]]:
    name = path.relative_to(ROOT).as_posix()
    return {(found.what, name, found.function) for found in findings(path.read_text())}


def test_only_the_makers_make() -> None:
    server = [path for path in (ROOT / "tre").rglob("*.py") if path.parent.name != "client"]  # its `Release` is what it was sent
    made = {place for path in server for place in made_in(path)}
    assert made == set(ALLOWED)


FORGERIES = {
    "a call": "from tre.terms import Release\ndef f(): return Release(b'', 0)",
    "another name": "from tre.terms import Release as R\ndef f(): return R(b'', 0)",
    "through the module": "from tre import terms\ndef f(): return terms.Release(b'', 0)",
    "through another room": "from tre.vault import Release\ndef f(): return Release(b'', 0)",
    "handed on": "from functools import partial\nfrom tre.terms import Reservation\nmake = partial(Reservation, 'id')",
    "renamed": "from tre.terms import Reservation\nmake = Reservation",
    "subclassed": "from tre.terms import Release\nclass Mine(Release): ...",
    "cast": "from typing import cast\nfrom tre.terms import Release\ndef f(x): return cast(Release, x)",
    "replaced": "import dataclasses\nfrom tre.terms import Release\ndef f(it): return dataclasses.replace(it, suppressed=0)",
    "replaced, imported": "from dataclasses import replace\nfrom tre.terms import Release\ndef f(it): return replace(it)",
    "copied": "import copy\nfrom tre.plan.order import Order\ndef f(order): return copy.copy(order)",
    "replaced, later Python": "import copy\nfrom tre.plan import order\ndef f(it): return copy.replace(it, draws=())",
    "its own class": "def f(release): return release.__class__(b'', 0)",
    "its type": "from tre.terms import Release\ndef f(release): return type(release)(b'', 0)",
    "unmade": "def f(kind): return object.__new__(kind)",
    "thawed": "def f(release): object.__setattr__(release, 'suppressed', 0)",
    "looked up": "from tre import terms\ndef f(): return getattr(terms, 'Release')(b'', 0)",
    "imported unseen": "def f(): return __import__('tre.terms')",
}


@pytest.mark.parametrize("source", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_seen(source: str) -> None:
    assert findings(source)


def test_saying_a_type_makes_nothing() -> None:
    source = """
from tre.terms import Release, Reservation
Answer = Release | None
def f(reservation: Reservation, held: list[Release]) -> Release:
    answer: Release = held[0]
    assert isinstance(answer, Release)
    match answer:
        case Release(statement=statement): ...
    return answer
"""
    assert findings(source) == []
