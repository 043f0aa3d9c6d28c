"""Statements that a room keeps, as a module's constants: compiled once, then handed to the driver as text and values.

Promises the same rows and the same exceptions as the library's own road, which compiles and wraps anew for each execution: ten
times the work of a small statement. What is made for one call, or has types or parameters that need its care, is not taken.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard, cast
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Dialect, Integer, LargeBinary, String
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType

Values = Mapping[str, Any]
# Of these the driver takes and gives what the rooms do.
PLAIN = (Integer, String, LargeBinary, NullType)


class Rows:
    """The rows of one execution, all read. Those of the library's result that the rooms use, and no more."""

    __slots__ = ("_rows", "rowcount")
    cursor = None

    def __init__(self, rows: Sequence[Any], rowcount: int) -> None:
        self._rows, self.rowcount = rows, rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> Sequence[Any]:
        return self._rows

    def first(self) -> Any:
        return self._rows[0] if self._rows else None

    def one_or_none(self) -> Any:
        if len(self._rows) > 1:
            raise MultipleResultsFound("one row at most was expected")
        return self.first()

    def one(self) -> Any:
        if not self._rows:
            raise NoResultFound("one row was expected")
        return self.one_or_none()

    def scalars(self) -> Rows:
        return Rows([row[0] for row in self._rows], self.rowcount)

    def scalar(self) -> Any:
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        return self.one()[0]


class Kept:
    """One statement with one set of parameter names."""

    def __init__(self, compiled: SQLCompiler, dialect: Dialect) -> None:
        self._sql, self._dialect = str(compiled), dialect
        self._names = tuple(compiled.positiontup or ())
        self._fixed = {name: bound.value for name, bound in compiled.binds.items() if not bound.required}
        self._row: Callable[[Iterable[Any]], Any] | None = None

    def run(self, raw: sqlite3.Connection, given: Any) -> Rows:
        """``given``: one set of values, several in a list, or None."""
        values: Any = None
        try:
            if _several(given):
                values = [self._values(one) for one in given]
                cursor = raw.executemany(self._sql, values)
            else:
                values = self._values(given)
                cursor = raw.execute(self._sql, values)
            found = cursor.fetchall()
        except sqlite3.Error as error:
            raise DBAPIError.instance(self._sql, values, error, sqlite3.Error, dialect=self._dialect) from error
        if cursor.description is None:
            return Rows((), cursor.rowcount)
        if self._row is None:
            self._row = _row([column[0] for column in cursor.description])
        return Rows(list(map(self._row, found)), cursor.rowcount)

    def _values(self, given: Values | None) -> list[Any]:
        given, fixed = given or {}, self._fixed
        return [given[name] if name in given else fixed[name] for name in self._names]


class Shelf:
    """The kept statements of one engine. A statement is taken when it comes a second time: only a room's constant does."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._seen: WeakSet[Executable] = WeakSet()
        self._kept: WeakKeyDictionary[Executable, dict[tuple[str, ...], Kept | None]] = WeakKeyDictionary()

    def find(self, statement: Executable, given: Values | Sequence[Values] | None) -> Kept | None:
        """None: for the library."""
        names = _names(given)
        kept = self._kept.get(statement)
        if kept is not None and names in kept:
            return kept[names]
        if statement not in self._seen:
            self._seen.add(statement)
            return None
        made = self._make(statement, names)
        self._kept.setdefault(statement, {})[names] = made
        return made

    def _make(self, statement: Executable, names: tuple[str, ...]) -> Kept | None:
        # As the library does: the names given decide which columns an INSERT or an UPDATE sets.
        compiled = statement.compile(dialect=self._dialect, column_keys=list(names) or None)  # type: ignore[attr-defined]
        return Kept(compiled, self._dialect) if isinstance(compiled, SQLCompiler) and _plain(compiled) else None


def _names(given: Any) -> tuple[str, ...]:
    """Of several sets of values, the first one's: the library asks that they be the same."""
    if not given:
        return ()
    return tuple(given[0]) if _several(given) else tuple(given)


def _several(given: Any) -> TypeGuard[Sequence[Values]]:
    return type(given) is list or type(given) is tuple


def _plain(compiled: SQLCompiler) -> bool:
    """Whether text and values are all there is to it."""
    careful = compiled.post_compile_params or compiled.literal_execute_params or compiled.effective_returning
    types = [column.type for column in compiled._result_columns] + [bound.type for bound in compiled.binds.values()]
    return not careful and bool(compiled.positional) and all(isinstance(one, PLAIN) for one in types)


def _row(names: Sequence[str]) -> Callable[[Iterable[Any]], Any]:
    """A maker of rows that are read by place and by name."""
    kind = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    kind._mapping = property(kind._asdict)  # type: ignore[attr-defined]
    return cast(Callable[[Iterable[Any]], Any], kind._make)
