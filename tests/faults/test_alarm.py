"""When the run-time alarm fires the guarantee has failed: the dataset stops, nothing already drawn from it is published, and no
cancelling hides it. The alarm is planted at the worker's seam."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.serving import POLICIES, copy_home, office_of
from tre import store
from tre.errors import Fault
from tre.gateway import Cancelled, Faulted, Gateway, Pending, Refused, Released
from tre.office import Office
from tre.plan.order import Order
from tre.settings import Settings
from tre.terms import Person, Request


@contextmanager
def opened(home: Path) -> Iterator[tuple[Gateway, Office, Person]]:
    settings = Settings(home=home, policies=POLICIES, _env_file=None)  # type: ignore[call-arg]
    with office_of(home) as office, Gateway.open(settings, office.state, office.policies, office.keys) as gateway:
        yield gateway, office, Person("researcher", office.keys.person_pseudonym("researcher"), frozenset({"researcher"}))


def of(year: int) -> Request:
    return Request("demo", "gp", f"SELECT COUNT(*) AS n FROM patients WHERE year_of_birth = {year}")


def plant(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """The first question that names the year raises the alarm."""
    for worker in gateway._road.workers:
        real = worker.answer

        def answer(order: Order, real: Any = real) -> Any:
            if when in repr(order.restricted.plan):
                raise Fault("alarm")
            return real(order)

        monkeypatch.setattr(worker, "answer", answer)


def entries(office: Office, kind: str) -> int:
    auditor = Person("auditor", "r:auditor", frozenset({"auditor"}))
    return len(office.read_log(auditor, {"kind": kind, "limit": 1_000})["entries"])


@pytest.fixture
def home(furnished: Path, tmp_path: Path) -> Path:
    return copy_home(furnished, tmp_path / "home")


def test_the_dataset_stops_and_the_next_question_is_not_charged(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(home) as (gateway, office, person):
        plant(gateway, monkeypatch, "1931")
        assert isinstance(gateway.ask(person, of(1930)).coming.result(), Released)
        assert isinstance(gateway.ask(person, of(1931)).coming.result(), Faulted)
        refused = gateway.ask(person, of(1932)).coming.result()
        assert isinstance(refused, Refused) and refused.reason == "not-ready"
        assert entries(office, "incident") == 1 and office.live_snapshot("gp") is None
        assert not gateway.ready()["ready"]


def test_a_draw_that_was_under_way_is_not_published(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(home) as (gateway, office, person):
        plant(gateway, monkeypatch, "1931")
        alarming = gateway.ask(person, of(1931))
        time.sleep(0.2)
        beside = gateway.ask(person, of(1930))
        assert isinstance(alarming.coming.result(), Faulted) and isinstance(beside.coming.result(), Faulted)
        with office.state.read() as tx:
            assert store.live(tx, "gp") is None


def test_cancelling_hides_no_alarm(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(home) as (gateway, office, person):
        plant(gateway, monkeypatch, "1931")
        asked = gateway.ask(person, of(1931))
        while gateway.standing(person, asked.question) == Pending(asked.question, "waiting"):
            time.sleep(0.005)
        assert gateway.cancel(person, asked.question) == "running"
        assert not isinstance(asked.coming.result(), Cancelled)
        assert entries(office, "incident") == 1 and office.live_snapshot("gp") is None
