"""What no question needs any more is swept; a list that is being delivered is needed, however long that takes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.web.test_registers import NUMBERS, lines
from tre import optouts, store
from tre.office import Office


def in_force(office: Office) -> Path:
    """The file of the list that every question of a national regime needs."""
    with office.state.read() as tx:
        found = optouts.cleared(tx)
    assert found is not None
    return store.place_of(office.registers, found.list)


def test_a_list_that_is_delivered_is_not_swept_however_long_that_takes(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by a lock: comparing it with everybody's records may take longer than any time that one would wait."""
    compare, swept, former = Office._compare, list[list[Path]](), in_force(office)

    def compared(office: Office, file: Path) -> None:
        compare(office, file)
        swept.append(office.sweep_opt_outs(older_than_s=-1))

    monkeypatch.setattr(Office, "_compare", compared)
    (reply := tmp_path / "reply.txt").write_bytes(lines(NUMBERS[20:]))
    office.deliver_cleared(office.host, reply)
    assert swept == [[]] and in_force(office).is_file() and in_force(office) != former
    assert former in office.sweep_opt_outs(older_than_s=-1) and in_force(office).is_file()


def test_two_who_deliver_one_list_do_not_take_it_from_each_other(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal lists have one file: a delivery that is refused would remove what another is about to put in force."""
    compare, others = Office._compare, list[threading.Thread]()
    (reply := tmp_path / "reply.txt").write_bytes(lines(NUMBERS[:500]))

    def compared(office: Office, file: Path) -> None:
        compare(office, file)
        if not others:
            others.append(threading.Thread(target=lambda: office.deliver_cleared(office.host, reply)))
            others[0].start()
            others[0].join(0.5)
            assert others[0].is_alive(), "it waits"

    monkeypatch.setattr(Office, "_compare", compared)
    assert office.deliver_cleared(office.host, reply, smaller=True)["changed"]
    others[0].join(30)
    assert in_force(office).is_file()
