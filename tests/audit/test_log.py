"""What an entry is made of, how entries are found again, and that SQLite itself refuses to change them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import combinations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from tests.audit.logs import START, Log, entry
from tre import audit
from tre.errors import Reason


def test_a_leaf_is_canonical_json_of_what_was_given_and_nothing_else(log: Log, noon: datetime) -> None:
    given = audit.Entry("asked", noon, {"question": "sha256:00", "policy": "sha256:11"}, project="demo", person_asking="r:7f3a")
    assert log.state.write(lambda tx: audit.append(tx, given)) == audit.Position(0, 1)
    with log.state.read() as tx:
        kept = audit.entry(tx, 0)
    assert kept is not None
    assert kept.leaf == (
        b'{"at":"2026-03-01T12:00:00.000000Z","kind":"asked","person_asking":"r:7f3a","policy":"sha256:11",'
        b'"project":"demo","question":"sha256:00"}'
    )
    assert kept.body == given.body
    assert (kept.kind, kept.project, kept.person_asking, kept.outcome, kept.dataset) == ("asked", "demo", "r:7f3a", None, None)
    with closing(sqlite3.connect(log.path)) as file:
        assert file.execute("SELECT leaf_hash FROM entries").fetchone()[0] == hashlib.sha256(b"\0" + kept.leaf).digest()


def test_a_time_is_told_in_utc(noon: datetime) -> None:
    away = noon.astimezone(timezone(timedelta(hours=5)))
    assert json.loads(audit.Entry("asked", away).leaf)["at"] == "2026-03-01T12:00:00.000000Z"
    with pytest.raises(ValueError, match="zone"):
        _ = audit.Entry("asked", datetime(2026, 3, 1)).leaf


@pytest.mark.parametrize("name", ["at", "kind", "project", "person_asking", "outcome", "reason", "dataset", "id"])
def test_a_body_cannot_say_what_a_label_says(noon: datetime, name: str) -> None:
    with pytest.raises(ValueError, match="label"):
        audit.Entry("asked", noon, {name: "x"})


@pytest.mark.parametrize("value", [1.5, True, b"x", ["x"], {"x": "y"}])
def test_a_body_holds_texts_integers_and_null(noon: datetime, value: object) -> None:
    with pytest.raises(TypeError):
        audit.Entry("asked", noon, {"name": value})  # type: ignore[dict-item]


def test_a_reason_is_a_text_like_any_other(log: Log, noon: datetime) -> None:
    given = audit.Entry("refused", noon, {"told": Reason.TOO_LARGE}, reason=Reason.TOO_LARGE)
    log.state.write(lambda tx: audit.append(tx, given))
    with log.state.read() as tx:
        assert [(one.reason, one.body["told"]) for one in audit.page(tx, reason="too-large")] == [("too-large", "too-large")]
    log.sign()
    assert log.verify().ok


def test_an_entry_fits_the_two_bytes_of_length_a_bundle_gives_it(log: Log, noon: datetime) -> None:
    room = 65_535 - len(audit.Entry("asked", noon, {"x": ""}).leaf)
    log.state.write(lambda tx: audit.append(tx, audit.Entry("asked", noon, {"x": "y" * room})))
    with pytest.raises(ValueError, match="65,535"):
        log.state.write(lambda tx: audit.append(tx, audit.Entry("asked", noon, {"x": "y" * (room + 1)})))
    with log.state.read() as tx:
        assert audit.size(tx) == 1


def test_a_clock_that_goes_backwards_changes_no_order(log: Log, noon: datetime, minute: timedelta) -> None:
    for step in (0, 3, -5, 1):
        at = noon + step * minute
        log.state.write(lambda tx, at=at: audit.append(tx, audit.Entry("asked", at, {"step": at.minute})))
    log.sign()
    with log.state.read() as tx:
        assert [one.index for one in audit.page(tx)] == [0, 1, 2, 3]
        assert [one.index for one in audit.page(tx, since=noon)] == [0, 1, 3]
        assert [one.index for one in audit.page(tx, until=noon + minute)] == [0, 2]
    assert log.verify().ok


# Those of entry 227, and of others.
LABELS = {
    "project": "p2", "researcher": "r:3", "kind": "refused", "dataset": "gp", "outcome": "refused", "reason": "too-large",
    "question": "q56",
}  # fmt: skip
NAMES = {"researcher": "person_asking", "question": "id"}


@pytest.mark.parametrize("asked", [subset for count in (1, 2, 3) for subset in combinations(LABELS, count)], ids="+".join)
def test_a_page_has_all_entries_with_these_labels_and_no_other(full: Log, asked: tuple[str, ...]) -> None:
    expected = [
        number for number in range(420) if all(getattr(entry(number), NAMES.get(name, name)) == LABELS[name] for name in asked)
    ]
    assert expected
    with full.state.read() as tx:
        found = audit.page(tx, **{name: LABELS[name] for name in asked}, limit=500)
    assert [one.index for one in found] == expected
    assert [one.body["number"] for one in found] == expected


def test_pages_follow_each_other_without_gap_or_overlap(full: Log) -> None:
    seen: list[int] = []
    with full.state.read() as tx:
        while found := audit.page(tx, kind="asked", after=seen[-1] if seen else None, limit=7):
            seen += [one.index for one in found]
    assert seen == list(range(0, 420, 4))


def test_since_is_kept_and_until_is_not(full: Log) -> None:
    with full.state.read() as tx:
        found = audit.page(tx, since=START + timedelta(seconds=5), until=START + timedelta(seconds=9), project="p1")
    assert [one.index for one in found] == [6]
    assert found[0].at == "2026-03-01T00:00:06.000000Z"


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_page_is_bounded(full: Log, limit: int) -> None:
    with full.state.read() as tx, pytest.raises(ValueError):
        audit.page(tx, limit=limit)


def test_a_read_cannot_append(log: Log, noon: datetime) -> None:
    with log.state.read() as tx, pytest.raises(OperationalError, match="readonly"):
        audit.append(tx, audit.Entry("asked", noon))


REFUSED = [
    "UPDATE entries SET kind = 'other' WHERE \"index\" = 2",
    "UPDATE entries SET leaf = leaf",
    "DELETE FROM entries",
    'DELETE FROM entries WHERE "index" = (SELECT max("index") FROM entries)',
    "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE \"index\" = 1",
    "REPLACE INTO entries (\"index\", at, kind, leaf, leaf_hash) VALUES (3, '', '', x'', x'')",
    "INSERT INTO entries (\"index\", at, kind, leaf, leaf_hash) VALUES (3, '', '', x'', x'') ON CONFLICT DO UPDATE SET kind = ''",
    "INSERT INTO entries (\"index\", at, kind, leaf, leaf_hash) VALUES (9, '', '', x'', x'')",
    "INSERT INTO entries (\"index\", at, kind, leaf, leaf_hash) VALUES (-1, '', '', x'', x'')",
    "INSERT INTO entries (at, kind, leaf, leaf_hash) VALUES ('', '', x'', x'')",
    "UPDATE subtrees SET hash = x'00' WHERE level = 1",
    "DELETE FROM subtrees WHERE position = 0",
    "INSERT OR REPLACE INTO subtrees VALUES (0, 0, x'00')",
    "UPDATE checkpoints SET root = x'00'",
    "DELETE FROM checkpoints",
    "INSERT OR REPLACE INTO checkpoints VALUES (5, x'00', '', '', '')",
    "INSERT INTO checkpoints VALUES (4, x'00', '', '', '')",
]  # fmt: skip


@pytest.mark.parametrize("statement", REFUSED)
@pytest.mark.parametrize("inside", [True, False], ids=["by-us", "from-a-shell"])
def test_what_was_written_is_never_changed(log: Log, statement: str, inside: bool) -> None:
    log.fill(5)
    log.sign()
    before = _dump(log)
    with pytest.raises((sqlite3.IntegrityError, IntegrityError), match="the log is only added to"):
        _runner(log, inside)(statement)
    assert _dump(log) == before
    log.fill(6)
    assert log.verify().ok


def _runner(log: Log, inside: bool) -> Callable[[str], None]:
    def by_us(statement: str) -> None:
        log.state.write(lambda tx: tx.execute(text(statement)))

    def from_a_shell(statement: str) -> None:
        with closing(sqlite3.connect(log.path)) as shell:
            shell.execute(statement)
            shell.commit()

    return by_us if inside else from_a_shell


def _dump(log: Log) -> list[str]:
    with closing(sqlite3.connect(log.path)) as file:
        return list(file.iterdump())


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with Log(tmp_path_factory.mktemp("full")).open() as one:
        one.fill(420)
        yield one
