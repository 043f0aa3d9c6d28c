"""Nothing that comes of a delivery tells whether somebody was on a register before; and of two words the later one counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.serving import SAMPLE, copy_home, office_of
from tests.web.test_registers import EVERYONE, PRESENT, left_out, opened, persons
from tre import optouts
from tre.client import check_receipt
from tre.persons import pseudonym
from tre.terms import Asking, Person, Request


def told_after(home: Path, before: str, act: str) -> tuple[object, ...]:
    """Somebody never objected, objected, or withdrew; then they object or withdraw, while a question runs and once more. What may
    be seen of it: how often that question was drawn, whether its repeat is stale, what an erasure certificate names."""
    with opened(home) as (office, gateway):
        who, other = PRESENT[1:2], PRESENT[2:3]
        office.receive_opt_outs(office.host, "local", other if before == "never" else who)
        office.withdraw_opt_outs(office.host, "local", who if before == "withdrew" else other)
        acts = {
            "objects": lambda: office.receive_opt_outs(office.host, "local", who),
            "withdraws": lambda: office.withdraw_opt_outs(office.host, "local", who),
        }
        person = Person("researcher", office.keys.person_pseudonym("researcher"), frozenset({"researcher"}))
        (worker,) = gateway._road.workers
        really, drawn = worker.answer, []

        def answer(order: Any) -> Any:
            release = really(order)
            if not drawn:
                acts[act]()
            drawn.append(order.exclusion.version)
            return release

        worker.answer = answer  # type: ignore[method-assign]

        def ask() -> Any:
            asked = gateway.ask(person, Request("demo", "gp", EVERYONE, Asking(rho=10**6)))
            return json.loads(asked.coming.result(60).envelope)  # type: ignore[union-attr]

        ask()
        acts[act]()
        stale = ask()["stale"]
    with office_of(home) as office:  # nobody reads the former records any more
        office.erase(office.host, "gp")
        return stale, tuple(drawn), office.erasures()["erasures"][0]["registers"]


@pytest.mark.parametrize("act", ["objects", "withdraws"])
def test_nothing_tells_whether_somebody_was_on_the_register_before(act: str, furnished: Path, tmp_path: Path) -> None:
    befores = ("never", "objected", "withdrew")
    told = [told_after(copy_home(furnished, tmp_path / before), before, act) for before in befores]
    assert told[0] == told[1] == told[2] and told[0][0] is True and len(told[0][1]) == 2  # type: ignore[arg-type]


def test_the_same_list_again_is_told_as_another(furnished: Path, tmp_path: Path) -> None:
    """Also to a question that runs: else it would tell that nobody's opt-out changed."""
    with opened(copy_home(furnished, tmp_path / "home")) as (office, gateway):
        found, versions = left_out(office, gateway), []
        for _ in range(2):
            office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
            with office.state.read() as tx:
                versions.append(optouts.standing(tx, ("national",), "check-service").version)
        assert versions[1] == versions[0] + 1 and left_out(office, gateway) == found


def test_who_withdraws_while_a_long_list_is_entered(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not count, the batch and their line say so, and their receipt holds: they objected, and then withdrew."""
    monkeypatch.setattr(optouts, "PIECE", 20)
    people = PRESENT[:50]
    with opened(copy_home(furnished, tmp_path / "home")) as (office, gateway):
        really, entered = optouts.enter, list[bytes]()

        def enter(tx: Any, batch: str, regime: str, piece: list[bytes]) -> set[bytes]:
            new = really(tx, batch, regime, piece)
            if not entered:
                optouts.withdraw(tx, regime, [piece[3][:16]], {}, "meanwhile", office.clock())
            entered.extend(record[:16] for record in piece)
            return new

        monkeypatch.setattr(optouts, "enter", enter)
        (batch,) = office.receive_opt_outs(office.host, "local", people)["batches"]
        assert (batch["received"], batch["applied"], batch["already_known"], batch["withdrawn"]) == (50, 49, 0, 1)
        told = [json.loads(line) for part in office.opt_out_lines(office.host, batch["batch"]) for line in part.splitlines()]
        (gone,) = (line for line in told if line["state"] == "withdrawn")
        who = people[gone["line"] - 1]
        assert pseudonym(office.keys.pseudonym, who) == entered[3] and sorted({line["state"] for line in told}) == [
            "applied",
            "withdrawn",
        ]
        receipt = office.opt_out_receipt(gone["receipt"])
        assert check_receipt(receipt, office.publication.vkey).ok and receipt["state"] == "entered"
        found = left_out(office, gateway)
        assert persons(office, set(people)) - found == persons(office, {who})
