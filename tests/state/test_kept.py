"""A statement that a room keeps gives the same as the library's own road: rows, counts, exceptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, MultipleResultsFound, NoResultFound
from sqlalchemy.sql.base import Executable

from tre.state import State, Transaction
from tre.state.kept import Rows

things = Table(
    "things",
    MetaData(),
    Column("index", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("raw", LargeBinary),
    Column("state", Text),
)
ADD = insert(things)
ALL = select(things).order_by(things.c.index)
ONE = select(things).where(things.c.index == bindparam("of"))
SOME = select(things.c.name).where(things.c.index.in_(bindparam("of", expanding=True)))
COUNT = select(func.count()).select_from(things)
# A value that is fixed, one that is fixed to NULL, and one that is given.
CLOSE = (
    update(things)
    .where(things.c.index == bindparam("of"), things.c.state == "open")
    .values(state="closed", raw=None, name=bindparam("called"))
)
GONE = delete(things).where(things.c.name == bindparam("of"))
TEXT = text('INSERT INTO things ("index", name) VALUES (:index, :name) ON CONFLICT (name) DO NOTHING')
BACK = text("DELETE FROM things WHERE state = 'gone' RETURNING name")
ROWS = [{"index": n, "name": f"n{n}", "raw": bytes([n, 0]), "state": "open"} for n in (3, 1, 2)]


@pytest.fixture(autouse=True)
def table(state: State) -> None:
    made = 'CREATE TABLE things ("index" INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, raw BLOB, state TEXT) STRICT'
    state.write(lambda tx: tx.execute(text(made)))


def twice(work: Callable[[Transaction], Any], state: State) -> tuple[Any, Any]:
    """What the library gives, and what comes from then on."""

    def undone(tx: Transaction) -> Any:
        tx.execute(text("SAVEPOINT it"))
        try:
            return work(tx)
        finally:
            tx.execute(text("ROLLBACK TO it"))

    return state.write(undone), state.write(undone)


def told(tx: Transaction, statement: Executable, given: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> Any:
    found = tx.execute(statement, given)
    count = found.rowcount
    try:
        rows = [(tuple(row), dict(row._mapping)) for row in found]
    except Exception:
        rows = []
    after = tx.execute(text('SELECT "index", name, raw, state FROM things ORDER BY 1')).all()
    return rows, count if rows == [] else None, [tuple(row) for row in after]


@pytest.mark.parametrize(
    ("statement", "given"),
    [
        (ALL, None),
        (ONE, {"of": 2}),
        (ONE, {"of": 9}),
        (SOME, {"of": [1, 3]}),
        (SOME, {"of": []}),
        (COUNT, None),
        (CLOSE, {"of": 2, "called": "new"}),
        (CLOSE, {"of": 9, "called": "new"}),
        (GONE, {"of": "n1"}),
        (TEXT, {"index": 8, "name": "n8"}),
        (TEXT, {"index": 8, "name": "n1"}),
        (BACK, None),
        (ADD, {"index": 7, "name": "n7"}),
        (ADD, {"name": "n7", "raw": None}),
        (ADD, [{"index": 7, "name": "n7"}, {"index": 8, "name": "n8"}]),
    ],
)
def test_the_same_as_the_library(statement: Executable, given: Any, state: State) -> None:
    def work(tx: Transaction) -> Any:
        tx.execute(text("DELETE FROM things"))
        tx.execute(ADD, ROWS)
        return told(tx, statement, given)

    first, second = twice(work, state)
    assert first == second and first[2]


def test_the_kept_are_those_that_come_again_and_are_plain(state: State) -> None:
    def kinds(tx: Transaction) -> list[type]:
        return [type(tx.execute(*wanted)) for wanted in ((ALL,), (select(things),), (SOME, {"of": [1]}), (BACK,))]

    state.write(kinds)
    assert [kind is Rows for kind in state.write(kinds)] == [True, False, False, True]


def test_rows_are_read_by_name_by_place_and_as_one(state: State) -> None:
    def work(tx: Transaction) -> None:
        tx.execute(ADD, ROWS)
        for _ in range(2):
            row = tx.execute(ONE, {"of": 3}).one()
            assert (row[0], row.name, row.raw, row.state) == (3, "n3", b"\x03\x00", "open")
            assert tx.execute(ALL).scalars().all() == [1, 2, 3] and tx.execute(COUNT).scalar_one() == 3
            assert tx.execute(ONE, {"of": 9}).first() is tx.execute(ONE, {"of": 9}).one_or_none() is None
            assert tx.execute(ONE, {"of": 9}).scalar() is None
            with pytest.raises(NoResultFound):
                tx.execute(ONE, {"of": 9}).one()
            with pytest.raises(NoResultFound):
                tx.execute(ONE, {"of": 9}).scalar_one()
            with pytest.raises(MultipleResultsFound):
                tx.execute(ALL).one_or_none()

    state.write(work)


def test_what_the_database_refuses_is_told_alike(state: State) -> None:
    def work(tx: Transaction) -> None:
        tx.execute(ADD, ROWS)
        for _ in range(3):
            with pytest.raises(IntegrityError, match="UNIQUE"):
                tx.execute(ADD, ROWS)
            with pytest.raises(IntegrityError, match="UNIQUE"):
                tx.execute(ADD, ROWS[0])

    state.write(work)


def test_a_kept_statement_is_dead_with_its_transaction(state: State) -> None:
    kept: list[Transaction] = []
    for _ in range(2):
        state.write(lambda tx: (kept.append(tx), tx.execute(ALL)))
    with pytest.raises(RuntimeError, match="ended"):
        kept[-1].execute(ALL)
