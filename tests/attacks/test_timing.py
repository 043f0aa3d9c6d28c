"""T-TIME over HTTP: a predicate that is slow where one person is among the records. Naive: when an answer comes tells whether
they are; ours: neither that, nor anything that a researcher can look at meanwhile.

The predicates are those of the literature and are not in the language: they are planted behind a worker's door, over a table with
the person or without. What is looked at: every page that a researcher is given, as fast as they come, from the question until its
answer is there; of each page when it last changed and how often, and when the answer itself comes.

Chance of failure below 1e-6 for all of these together: an AUC of so many on each side is within 5.4 standard errors of a half.
"""

from __future__ import annotations

import http.client
import json
import math
import random
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from queue import SimpleQueue

import duckdb
import numpy as np
import pytest
import uvicorn

import tre.gateway.gateway as opening
from tests.faults.journey import Vault
from tests.serving import POLICIES, copy_home, free_port, office_of
from tre.gateway import Gateway
from tre.office import Office
from tre.plan.order import Order
from tre.plan.steps import release_time
from tre.settings import Settings
from tre.terms import Release
from tre.web.app import make_app

pytestmark = pytest.mark.alone
ERRORS = 5.4
THRICE = 3  # a naive service is asked the same
SLOW = (  # of a weight of 1: 0.2 s each on a quiet machine
    "SELECT count(*) FROM people WHERE born > 1900 OR length(replace(repeat(name, {n} * 6000000), 'a', 'b')) = 0",
    "SELECT count(*) FROM people WHERE list_sum(list_transform("
    "range(CASE WHEN born = 1900 THEN {n} * 3000000 ELSE 1 END), lambda x: x % born)) > 0",
    "SELECT count(*) FROM people JOIN range({n} * 25000000) r ON born = 1900 AND r.range % 7 < 8",
)
QUESTION = "SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex"


class Planted(Vault):
    """A false worker that runs a slow predicate, over records with the person or without, before it answers."""

    present: Mapping[str, bool] = {}  # by project
    weight = 1
    predicates = cycle(SLOW)
    turn = threading.Lock()

    def __init__(self, *_: object) -> None:
        self.tables = duckdb.connect(config={"threads": "1"})
        self.tables.execute("CREATE TABLE people AS SELECT 1930 + i % 90 AS born, 'a' AS name FROM range(2000) t(i)")

    def answer(self, order: Order) -> Release:
        with self.turn:
            predicate = next(self.predicates)
        if self.present[order.reservation.project]:
            self.tables.execute("INSERT INTO people VALUES (1900, 'a')")
        self.tables.execute(predicate.format(n=self.weight)).fetchall()
        self.tables.execute("DELETE FROM people WHERE born = 1900")
        return super().answer(order)

    def close(self) -> None:
        self.tables.close()


# ----------------------------------------------------------------------------------------------------------------- the service


def projects_of(askers: int) -> list[str]:
    return [f"p{number}" for number in range(askers)]


@contextmanager
def service(home: Path, askers: int, naive: bool) -> Iterator[tuple[int, str]]:
    """The whole application on a port, with a planted worker for each who asks; and a researcher's token."""
    settings = Settings(home=home, policies=POLICIES, _env_file=None)  # type: ignore[call-arg]
    settings = settings.model_copy(update={"workers": askers})  # planted ones need no core each
    before, opening.Worker = opening.Worker, Planted  # type: ignore[misc, assignment]
    try:
        with office_of(home) as office:
            found(office, projects_of(askers))
            with (
                Gateway.open(
                    settings,
                    office.state,
                    office.policies,
                    office.keys,
                    release_time=None if naive else release_time,
                ) as gateway,
                office.publication.running(),
                listening(gateway, office) as port,
            ):
                yield port, json.loads((home / "demo.json").read_text())["researcher"]
    finally:
        opening.Worker = before  # type: ignore[misc]


def found(office: Office, names: Sequence[str]) -> None:
    """A project for each who asks, so that nobody's budget and history move for another's question."""
    for name in names:
        office.found_project(
            name,
            dataset="gp",
            title=name,
            purpose="research",
            legal_basis="made-up records",
            lay_summary="Looks at the time.",
            ends_on=date(2099, 12, 31),
            members=("researcher",),
            stated=(Decimal(1), Decimal("1e-6")),
        )


@contextmanager
def listening(gateway: Gateway, office: Office) -> Iterator[int]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(make_app(gateway, office), port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    turns = sys.getswitchinterval()  # the service sets its own
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join()
        sys.setswitchinterval(turns)


class Door:
    """One kept connection."""

    def __init__(self, port: int, token: str) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def get(self, path: str) -> bytes:
        self._http.request("GET", path, headers=self._headers)
        answer = self._http.getresponse()
        return str(answer.status).encode() + answer.read()

    def post(self, body: Mapping[str, object], wait: int = 30) -> tuple[int, bytes]:
        self._http.request("POST", "/v1/queries", json.dumps(body), self._headers | {"Prefer": f"wait={wait}"})
        answer = self._http.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self._http.close()


# --------------------------------------------------------------------------------------------------------------------- a trial


@dataclass
class Seen:
    """What one question let be seen, by name: seconds after it was sent, and how often a page changed."""

    numbers: dict[str, float] = field(default_factory=dict)
    looks: int = 0


STILL = {  # looked at in turn, one a round
    "me": "/v1/me",
    "datasets": "/v1/datasets",
    "dataset": "/v1/datasets/gp",
    "register": "/",
    "readiness": "/readyz",
    "checkpoint": "/checkpoint",
}
ROUNDS_AFTER = len(STILL)  # once the answer is there


def moving(project: str) -> dict[str, str]:
    """What one's own question changes, looked at every round; its own page as soon as its id is known."""
    return {"project": f"/v1/projects/{project}", "history": f"/v1/queries?project={project}&limit=1", "projects": "/v1/projects"}


def trial(port: int, token: str, project: str) -> Seen:
    """One question, and every page again and again until its answer has come."""
    with closing(Door(port, token)) as looking, closing(Door(port, token)) as asking:
        return looked(looking, asking, project)


def looked(looking: Door, asking: Door, project: str) -> Seen:
    seen = Seen()
    body = {"project": project, "dataset": "gp", "sql": QUESTION, "share": 1e-6, "fresh": True}
    paths, still = moving(project), cycle(STILL.items())
    last = {name: looking.get(path) for name, path in (paths | STILL).items()}
    seen.numbers = {f"{name} {what}": 0.0 for name in (*last, "question") for what in ("last changed", "changes")}
    came: list[tuple[float, int, bytes]] = []
    began = time.monotonic()

    def ask() -> None:
        status, answer = asking.post(body)
        came.append((time.monotonic() - began, status, answer))

    thread = threading.Thread(target=ask)
    thread.start()
    after = ROUNDS_AFTER
    while after:
        after -= not thread.is_alive()
        for name, path in (*paths.items(), next(still)):
            told = looking.get(path)
            seen.looks += 1
            if name in last and told != last[name]:
                seen.numbers[f"{name} last changed"] = time.monotonic() - began
                seen.numbers[f"{name} changes"] += 1
            last[name] = told
        if "question" not in paths:
            with suppress(IndexError):
                paths["question"] = f"/v1/queries/{json.loads(last['history'][3:])['queries'][0]['id']}"
    thread.join()
    seconds, status, answer = came[0]
    assert status == 200, answer
    seen.numbers["answer"] = seconds
    return seen


def trials(home: Path, askers: int, each: int, naive: bool) -> tuple[list[Seen], list[Seen]]:
    """So many questions with the person and as many without, in an order of chance."""
    sides: tuple[list[Seen], list[Seen]] = ([], [])
    dice = random.Random(12)
    order = [True, False] * each
    dice.shuffle(order)
    free: SimpleQueue[str] = SimpleQueue()
    Planted.present = present = {}
    Planted.weight = 5 if naive else 1  # so that a busy machine does not hide what tells
    for name in projects_of(askers):
        free.put(name)
    with service(home, askers, naive) as (port, token), ThreadPoolExecutor(askers) as pool:

        def run(there: bool) -> None:
            project = free.get()
            present[project] = there
            try:
                sides[not there].append(quickest([trial(port, token, project) for _ in range(THRICE if naive else 1)]))
            finally:
                free.put(project)

        warm(port, token, present)

        list(pool.map(run, order))
    return sides


def quickest(seen: Sequence[Seen]) -> Seen:
    """Of the same question asked several times what came first: a pause of the machine tells nothing."""
    return Seen({name: min(one.numbers[name] for one in seen) for name in seen[0].numbers}, sum(one.looks for one in seen))


def warm(port: int, token: str, present: dict[str, bool]) -> None:
    """What only the first question of a service takes is not measured."""
    (project,) = projects_of(1)
    present[project] = False
    trial(port, token, project)


def auc(one: Sequence[float], other: Sequence[float]) -> float:
    """How often one of the first is above one of the second, and half as often as they are equal."""
    first, second = np.asarray(one)[:, None], np.asarray(other)[None, :]
    return float(np.mean(first > second) + np.mean(first == second) / 2)


def aucs(sides: tuple[list[Seen], list[Seen]]) -> dict[str, float]:
    there, not_there = sides
    return {
        name: auc([one.numbers[name] for one in there], [one.numbers[name] for one in not_there]) for name in there[0].numbers
    }


# --------------------------------------------------------------------------------------------------------------------- T-TIME


def test_t_time_naive_tells_who_is_there(furnished: Path, tmp_path: Path) -> None:
    """Published as soon as it is sealed: the answer, the project's budget and its history all tell."""
    found = aucs(trials(copy_home(furnished, tmp_path / "home"), askers=1, each=5, naive=True))
    assert min(found["answer"], found["project last changed"], found["history last changed"]) >= 0.99, found


@pytest.mark.parametrize(
    ("each", "within"), [(24, 0.46), pytest.param(2_000, 0.05, marks=[pytest.mark.audit, pytest.mark.timeout(1800)])]
)
def test_t_time_ours_leaves_at_its_release_time(furnished: Path, tmp_path: Path, each: int, within: float) -> None:
    """With 2,000 on each side AUCs are between 0.45 and 0.55."""
    assert within * 1.02 >= ERRORS * math.sqrt((2 * each + 1) / (12 * each**2))
    sides = trials(copy_home(furnished, tmp_path / "home"), askers=4, each=each, naive=False)
    found = aucs(sides)
    told = {name: round(one, 3) for name, one in found.items() if one != 0.5}
    looks = sum(one.looks for side in sides for one in side)
    print(f"{looks:,} looks during {2 * each} questions; AUC {told}")
    assert len(found) == 21 and {"answer", "project last changed", "question last changed"} <= told.keys()
    assert all(abs(one - 0.5) <= within for one in found.values()), told
