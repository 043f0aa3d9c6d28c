"""The registry of a log: read in any pieces it is the same; a month's outcomes are told when it is over; cheap in a long log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.databases import new_database
from tre import audit
from tre.audit import SALT, Entry
from tre.office import registered
from tre.office.registry import Registry
from tre.office.showing import Register, one, whole
from tre.state import State
from tre.terms import canonical

MARCH, APRIL = datetime(2026, 3, 31, 23, tzinfo=UTC), datetime(2026, 4, 1, 1, tzinfo=UTC)
MADE: dict[str, Any] = {
    "title": "T", "purpose": "research", "legal_basis": "L", "lay_summary": "S", "organisation": "O", "benefit": "B",
    "ends_on": "2027-01-01", "state": "active", "epsilon": "1", "delta": "0.000001",
}  # fmt: skip


def made(project: str = "p", at: datetime = MARCH) -> Entry:
    return Entry("project-made", at, MADE, project, "r:a", "done", dataset="gp")


def question(id: str, end: str | None, at: datetime = MARCH, closed: datetime = MARCH, project: str = "p") -> Iterator[Entry]:
    """The entries of a question: asked, reserved where it costs, closed in one form whatever came of it."""
    yield Entry("asked", at, {"policy": "sha256:x"}, project, "r:a", dataset="gp", id=id)
    if end in ("released", "fault"):
        body = {"reservation": id, "opt_outs": "local,national,type-1", "rho": "0.001"}
        yield Entry("reserved", at, body, project, "r:a", dataset="gp", id=id, sealed={"plan": "x"}, salt=b"s" * SALT)
    if end is not None:
        kind, _, reason = end.partition(":")
        fields: dict[str, Any] = {"outcome": kind, "reason": reason or None, "told": "closed", "salt": b"s" * SALT}
        yield Entry(kind, closed, {}, project, "r:a", dataset="gp", id=id, sealed={"x": "y"}, **fields)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State.open(new_database(tmp_path)) as opened:
        yield opened


def write(state: State, *entries: Entry) -> None:
    state.write(lambda tx: [audit.append(tx, entry) for entry in entries])


def months(state: State, today: date, register: Register | None = None) -> list[dict[str, Any]]:
    shown = (register or Register(state)).show(today, lambda registry, root: one(registry, root, "p", today))
    found: list[dict[str, Any]] = shown["activity"]["months"]
    return found


def test_how_a_month_ended_is_told_when_it_is_over_and_nothing_is_open(state: State) -> None:
    """Until then all of its questions look the same: which were answered, refused or came to a fault is sealed in the log too."""
    ends = ["released", "refused:budget-exhausted", "fault", "cancelled", "released", "refused:not-found"]
    write(state, made(), *(entry for number, end in enumerate(ends) for entry in question(f"q{number}", end)))
    [march] = months(state, MARCH.date())
    assert march == {"month": "2026-03", "asked": "1–9", "answered": None, "refused": None, "faults": None, "cancelled": None}
    [march] = months(state, APRIL.date())
    assert [march[name] for name in ("asked", "answered", "refused", "faults", "cancelled")] == ["1–9"] * 5
    write(state, *question("late", None))
    assert months(state, APRIL.date())[0]["answered"] is None, "one of them is open"
    write(state, next(iter([*question("late", "released", closed=APRIL)][-1:])))
    assert months(state, APRIL.date())[0]["answered"] == "1–9", "it counts where it was asked"


def test_what_a_stranger_asks_is_not_the_projects(state: State) -> None:
    write(state, made(), *(entry for number in range(12) for entry in question(f"q{number}", "refused:not-found")))
    [march] = months(state, APRIL.date())
    assert (march["asked"], march["refused"]) == ("0", "0")


def test_a_fault_a_refusal_and_an_answer_make_the_same_public_bytes_until_the_month_is_over(state: State, tmp_path: Path) -> None:
    told = set()
    for number, end in enumerate(("refused:budget-exhausted", "refused:column-not-in-policy", "cancelled")):
        folder = tmp_path / str(number)
        folder.mkdir()
        with State.open(new_database(folder)) as other:
            write(other, made(), *question("q", end))
            register = Register(other)
            shown = register.show("x", lambda registry, root: whole(registry, b"", MARCH.date()))
            told.add(canonical([shown, months(other, MARCH.date(), register)]))
    assert len(told) == 1


def activity() -> list[Entry]:
    entries = [made()]
    for number in range(40):
        end = ("released", "refused:bounds-missing", "fault")[number % 3]
        entries += question(f"q{number}", end, MARCH + timedelta(minutes=number * 3), APRIL)
    return entries


@pytest.mark.parametrize("piece", [1, 3, 7, 50])
def test_read_as_it_grows_it_is_what_it_is_read_at_once(piece: int, state: State) -> None:
    register, entries = Register(state), activity()
    for start in range(0, len(entries), piece):
        write(state, *entries[start : start + piece])
        grown = register.show(start, lambda registry, root: canonical(whole(registry, root, APRIL.date())))
        fresh = Register(state).show(start, lambda registry, root: canonical(whole(registry, root, APRIL.date())))
        assert grown == fresh


def test_what_was_erased_of_the_log_is_gone_from_the_register_too(state: State) -> None:
    """The opening of a refusal is erased: the register tells what can be rebuilt from what is left."""
    write(state, made(), *question("q", "refused:bounds-missing"))
    register = Register(state)
    assert months(state, APRIL.date(), register)[0]["refused"] == "1–9"
    state.write(lambda tx: audit.erase_opening(tx, audit.size(tx) - 1))
    assert months(state, APRIL.date(), register) == months(state, APRIL.date())
    assert months(state, APRIL.date(), register)[0]["refused"] is None


def test_the_state_of_a_project_is_that_of_the_day(state: State) -> None:
    write(state, made())
    words = Entry("project-changed", MARCH, {"changed": "approvals", "stands_on": canonical(
        [{"kind": "dpia", "reference": "D", "expires_at": "2026-06-01T00:00:00.000000Z"}]).decode()}, "p", "r:a", "done",
    )  # fmt: skip
    days = {date(2026, 5, 31): "active", date(2026, 6, 1): "an approval lapsed", date(2027, 1, 2): "ended"}

    def told(today: date) -> str:
        return str(Register(state).show("x", lambda registry, _: registered.state(registry.projects["p"], today)))

    assert told(date(2026, 4, 1)) == "without approval"
    write(state, words)
    assert {day: told(day) for day in days} == days
    write(state, Entry("project-changed", MARCH, {"changed": "state", "state": "closed"}, "p", "r:a", "done"))
    assert told(date(2026, 4, 1)) == "closed"


def timed(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


@pytest.mark.alone
@pytest.mark.parametrize("questions", [2_000, pytest.param(35_000, marks=pytest.mark.audit)])
def test_it_stays_cheap_in_a_long_log(questions: int, state: State) -> None:
    """35,000 questions make 105,000 entries. Read once, at most 60 µs of work an entry; told without a new one, at most 30 ms;
    after a question more, at most 100 ms."""
    write(state, made(), *(made(f"p{number}") for number in range(50)))
    for start in range(0, questions, 5_000):
        numbers = range(start, min(start + 5_000, questions))
        write(state, *(entry for n in numbers for entry in question(f"q{n}", "released", project=f"p{n % 50}")))
    register, today = Register(state), APRIL.date()
    tell: Callable[[Registry, bytes], Any] = lambda registry, root: canonical(whole(registry, root, today))  # noqa: E731
    first = timed(lambda: register.show("x", tell))
    again = min(timed(lambda: register.show("x", tell)) for _ in range(5))
    write(state, *question("more", "released"))
    grown = timed(lambda: register.show("x", tell))
    print(
        f"\n{3 * questions:,} entries: first {first:.2f} s, again {again * 1e3:.1f} ms, after one question {grown * 1e3:.1f} ms"
    )
    assert first < 60e-6 * 3 * questions + 0.5 and again < 0.03 and grown < 0.1
