"""What a leaf seals: everyone reads a salted digest, an auditor opens it, and once erased nobody does."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from itertools import combinations
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.audit.logs import START, Log, tampering
from tre import audit

ENDS = (
    ("released", "released", None),
    ("released", "repeated", None),
    ("refused", "refused", "too-large"),
    ("fault", "fault", None),
)


def salt(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def sealed(number: int) -> audit.Entry:
    """Every fifth entry seals a word of its body, the one after it how something ended; the others seal nothing."""
    kind, outcome, reason = ENDS[number % 4]
    labels = {"project": f"p{number % 3}", "person_asking": f"r:{number % 7}", "dataset": "gp", "id": f"q{number // 5}"}
    if number % 5 == 0:
        return audit.Entry("reserved", START, {"rho": "1"}, **labels, sealed={"plan": f"sha256:{number}"}, salt=salt(number))
    if number % 5 == 1:
        ended = {"outcome": outcome, "reason": reason, "told": "closed", "salt": salt(number)}
        return audit.Entry(kind, START, **labels, sealed={"number": number}, **ended)  # type: ignore[arg-type]
    return audit.Entry("asked", START, {"number": number}, **labels)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with Log(tmp_path_factory.mktemp("sealed")).open() as log:
        log.state.write(lambda tx: [audit.append(tx, sealed(number)) for number in range(300)] and None)
        log.sign()
        yield log


def test_an_end_is_told_in_one_form(noon: datetime) -> None:
    """Whoever reads leaves cannot tell one end from another: the same names, and values of the same form and length."""
    forms = set()
    for kind, outcome, reason in ENDS:
        entry = audit.Entry(
            kind,
            noon,
            outcome=outcome,
            reason=reason,
            id="q1",
            sealed={"x": "y" * len(forms)},
            told="closed",
            salt=salt(len(forms)),
        )
        told = json.loads(entry.leaf)
        assert told.pop("sealed").startswith("sha256:")
        forms.add(json.dumps(told))
        assert len(entry.leaf) == len(audit.Entry("fault", noon, id="q1", told="closed", salt=salt(9)).leaf)
    assert forms == {'{"at": "2026-03-01T12:00:00.000000Z", "id": "q1", "kind": "closed"}'}


def test_an_auditor_recomputes_the_digest_from_salt_and_details(full: Log) -> None:
    """By hand: SHA-256 of the opening is in the leaf, and behind its 32 bytes of salt is canonical JSON."""
    with full.state.read() as tx:
        found = [audit.entry(tx, index) for index in range(10)]
    for number, kept in enumerate(found):
        assert kept is not None
        leaf = json.loads(kept.leaf)
        if number % 5 > 1:
            assert kept.opening is None and "sealed" not in leaf
            continue
        assert kept.opening is not None
        assert leaf["sealed"] == "sha256:" + hashlib.sha256(kept.opening).hexdigest()
        details = json.loads(kept.opening[32:])
        assert json.dumps(details, sort_keys=True, separators=(",", ":")).encode() == kept.opening[32:]
        assert kept.body["plan" if number % 5 == 0 else "number"] == (f"sha256:{number}" if number % 5 == 0 else number)
        assert (kept.kind, kept.outcome, kept.reason) == (ENDS[number % 4] if number % 5 else ("reserved", None, None))


def test_a_position_opens_what_was_appended(log: Log) -> None:
    position = log.state.write(lambda tx: audit.append(tx, sealed(0)))
    with log.state.read() as tx:
        kept = audit.entry(tx, 0)
    assert kept is not None and kept.opening == position.opening == salt(0) + b'{"plan":"sha256:0"}'


LABELS = {"kind": "refused", "outcome": "refused", "reason": "too-large", "project": "p2", "dataset": "gp", "researcher": "r:5"}


@pytest.mark.parametrize("asked", [subset for count in (1, 2, 3, 4) for subset in combinations(LABELS, count)], ids="+".join)
def test_what_is_sealed_is_found_by_its_labels(full: Log, asked: tuple[str, ...]) -> None:
    names = {"researcher": "person_asking"}
    expected = [n for n in range(300) if all(getattr(sealed(n), names.get(name, name)) == LABELS[name] for name in asked)]
    assert expected
    with full.state.read() as tx:
        found = audit.page(tx, **{name: LABELS[name] for name in asked}, limit=500)  # type: ignore[arg-type]
        first = audit.page(tx, **{name: LABELS[name] for name in asked}, after=expected[0], limit=2)  # type: ignore[arg-type]
    assert [one.index for one in found] == expected
    assert [one.index for one in first] == expected[1:3]


def test_an_end_is_also_found_by_the_kind_that_everyone_reads(full: Log) -> None:
    with full.state.read() as tx:
        assert [one.index for one in audit.page(tx, kind="closed", limit=500)] == list(range(1, 300, 5))


def test_what_was_erased_is_gone_and_the_log_holds(full: Log, tmp_path: Path) -> None:
    copy = Log(shutil.copytree(full.home, tmp_path / "copy"))
    with copy.open():
        assert copy.state.write(lambda tx: audit.erase_opening(tx, 6))
        assert not copy.state.write(lambda tx: audit.erase_opening(tx, 6))
        assert not copy.state.write(lambda tx: audit.erase_opening(tx, 7))
        with copy.state.read() as tx:
            kept = audit.entry(tx, 6)
            assert 6 not in [one.index for one in audit.page(tx, kind="refused", limit=500)]
        assert kept is not None
        assert (kept.kind, kept.outcome, kept.reason, kept.opening) == ("closed", None, None, None)
        assert "number" not in kept.body
        assert copy.verify().ok
    assert salt(6) not in copy.path.read_bytes() and salt(11) in copy.path.read_bytes()


@pytest.mark.parametrize("column", ["salt", "details", "kind", "outcome", "reason", "index"])
def test_another_opening_is_caught(full: Log, tmp_path: Path, column: str) -> None:
    new = {"salt": salt(7), "details": b"{}", "index": 302}.get(column, "released" if column == "kind" else "other")
    with full.state.read():
        shutil.copytree(full.home, tmp_path / "copy")
    with tampering(tmp_path / "copy" / full.path.name) as file:
        file.execute(f'UPDATE openings SET "{column}" = ? WHERE "index" = 6', (new,))
    verdict = audit.verify_database(tmp_path / "copy" / full.path.name, [full.vkey])
    assert not verdict.ok and verdict.first_bad == (300 if column == "index" else 6), verdict


def test_an_opening_of_an_entry_that_sealed_nothing_is_caught(full: Log, tmp_path: Path) -> None:
    shutil.copytree(full.home, tmp_path / "copy")
    with tampering(tmp_path / "copy" / full.path.name) as file:
        file.execute("INSERT INTO openings VALUES (7, NULL, NULL, NULL, ?, ?)", (salt(7), b"{}"))
    verdict = audit.verify_database(tmp_path / "copy" / full.path.name, [full.vkey])
    assert (verdict.ok, verdict.first_bad) == (False, 7)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE openings SET reason = 'other'",
        "UPDATE openings SET details = details",
        "INSERT OR REPLACE INTO openings SELECT * FROM openings",
        "INSERT INTO openings VALUES (299, NULL, NULL, NULL, x'00', x'00')",
        "INSERT INTO openings VALUES (301, NULL, NULL, NULL, x'00', x'00')",
        "INSERT OR REPLACE INTO openings VALUES (300, NULL, NULL, NULL, x'00', x'00')",
    ],
)
@pytest.mark.parametrize("inside", [True, False], ids=["by-us", "from-a-shell"])
def test_what_was_sealed_is_erased_or_stays(log: Log, statement: str, inside: bool) -> None:
    log.state.write(lambda tx: [audit.append(tx, sealed(number)) for number in range(301)] and None)
    act: Callable[[], object] = lambda: log.state.write(lambda tx: tx.execute(text(statement)) and None)  # noqa: E731

    def shell() -> None:
        with closing(sqlite3.connect(log.path)) as file:
            file.execute(statement)
            file.commit()

    with pytest.raises((sqlite3.IntegrityError, IntegrityError), match="what was sealed is only erased"):
        (act if inside else shell)()
    assert log.verify().ok


@pytest.mark.parametrize(
    "wrong",
    [
        {"sealed": {"x": "y"}},
        {"told": "closed"},
        {"salt": salt(0)},
        {"sealed": {"x": "y"}, "salt": b"short"},
        {"sealed": {"at": "y"}, "salt": salt(0)},
        {"sealed": {"sealed": "y"}, "salt": salt(0)},
        {"sealed": {"x": "y"}, "body": {"x": "z"}, "salt": salt(0)},
        {"told": "asked", "salt": salt(0)},
        {"body": {"sealed": "x"}},
    ],
    ids=str,
)
def test_a_seal_is_whole_or_not_made(noon: datetime, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        audit.Entry("asked", noon, **wrong)  # type: ignore[arg-type]
