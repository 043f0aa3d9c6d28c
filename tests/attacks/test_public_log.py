"""Everyone can read the log, and tries the digest of every plausible question on it. Against a log with bare digests this tells
what each project asked; ours tells that something was asked and that it ended, and what it cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.faults.journey import Vault, asker, opened
from tests.serving import copy_home
from tre.errors import Fault
from tre.gateway import Cancelled, Faulted, Gateway, Refused, Released
from tre.office import Office
from tre.plan.order import Order
from tre.terms import Person, Release, Request, digest

KEYS = ("region", "sex", "ethnicity", "imd_decile", "board", "year_of_birth")
FAILS = "year_of_birth = 1931"


def question(*keys: str) -> str:
    return f"SELECT {', '.join(keys)}, COUNT(*) AS n FROM patients GROUP BY {', '.join(keys)}"


DICTIONARY = [question(*keys) for count in (1, 2) for keys in combinations(KEYS, count)]


class Failing(Vault):
    """Answers, but for one question, which fails."""

    def answer(self, order: Order) -> Release:
        if "1931" in repr(order.restricted.plan):
            raise Fault("engine")
        return super().answer(order)


@dataclass
class Asked:
    """What the asker was told, and what the public is told of it."""

    gateway: Gateway
    office: Office
    folder: Path
    ends: dict[str, type] = field(default_factory=dict)
    plans: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)

    def ask(self, sql: str, fresh: bool = False) -> None:
        told = self.gateway.ask(asker(self.office), Request("demo", "gp", sql, fresh=fresh)).coming.result(30)
        self.ends[told.question] = type(told)
        if isinstance(told, Released):
            envelope = json.loads(told.envelope)
            self.plans.append(envelope["plan"])

    def cancel(self, sql: str) -> None:
        """Held up before a worker takes it."""
        ticket = self.gateway.ask(asker(self.office), Request("demo", "gp", sql))
        self.gateway.cancel(asker(self.office), ticket.question)
        told = ticket.coming.result(30)
        self.ends[ticket.question] = type(told)

    def public(self) -> list[dict[str, Any]]:
        """The entries of the published folder, in order."""
        self.office.publication.publish()
        bundles = sorted(path for path in (self.folder / "tile/entries").rglob("*") if path.is_file())
        raw, found = b"".join(path.read_bytes() for path in bundles[-1:]), []
        while raw:
            end = 2 + int.from_bytes(raw[:2], "big")
            found.append(json.loads(raw[2:end]))
            raw = raw[end:]
        return found


@contextmanager
def asked(home: Path) -> Iterator[Asked]:
    with opened(home, Failing) as (gateway, office):
        yield Asked(gateway, office, home / "log")


@pytest.fixture(scope="module")
def watched(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A release, a repeat, a refusal, a fault and one that was cancelled; and an auditor who looked for something."""
    with asked(copy_home(furnished, tmp_path_factory.mktemp("watched") / "home")) as one:
        one.ask(question("sex", "imd_decile"))
        one.ask(question("sex", "imd_decile"))
        one.ask("SELECT 1")
        one.ask(f"SELECT COUNT(*) AS n FROM patients WHERE {FAILS}")
        one.cancel(question("region"))
        auditor = Person("auditor", "r:auditor", frozenset({"auditor"}))
        one.office.read_log(auditor, {"project": "my-secret-interest", "researcher": "r:suspect", "limit": 9})
        assert set(one.ends.values()) == {Released, Refused, Faulted, Cancelled}
        yield one


def test_a_dictionary_of_questions_finds_the_plan_in_a_bare_digest_and_not_in_ours(watched: Asked) -> None:
    """The naive target is the entry as it would be with the plan's digest in it."""
    foretold = {digest_of(watched, sql): sql for sql in DICTIONARY}
    naive = {"kind": "reserved", "plan": watched.plans[0]}
    assert foretold[naive["plan"]] == question("sex", "imd_decile")
    values = {value for entry in watched.public() for value in entry.values()}
    assert not values & set(foretold)
    assert not values & {digest(plan.encode()) for plan in foretold}


def digest_of(watched: Asked, sql: str) -> str:
    plan: str = watched.gateway.preview(asker(watched.office), Request("demo", "gp", sql))["plan"]
    return plan


def test_no_end_is_told_from_another(watched: Asked) -> None:
    """Whichever it was: the same names, each value in the same form, the same length."""
    closed = [entry for entry in watched.public() if entry["kind"] == "closed"]
    assert [entry["id"] for entry in closed] == list(watched.ends)
    assert {tuple(entry) for entry in closed} == {("at", "dataset", "id", "kind", "person_asking", "project", "sealed")}
    assert len({len(json.dumps(entry)) for entry in closed}) == 1
    assert len({entry["sealed"] for entry in closed}) == len(closed)


def test_a_fault_is_not_told_from_a_release_by_all_entries_of_the_question(watched: Asked) -> None:
    """Both were reserved and closed; a refusal and a repeat were only closed, both of them."""
    stories = {end: set() for end in watched.ends.values()}
    for question, end in watched.ends.items():
        stories[end].add(tuple(entry["kind"] for entry in watched.public() if entry.get("id") == question))
    assert ("asked", "reserved", "closed") in stories[Released] & stories[Faulted]
    assert ("asked", "closed") in stories[Released] & stories[Refused]


def test_no_word_of_it_is_in_the_public_log(watched: Asked) -> None:
    text = json.dumps(watched.public())
    for secret in ("refused", "fault", "cancelled", "repeat", "statement", "suppressed", "offered", "my-secret", "r:suspect"):
        assert secret not in text, secret
