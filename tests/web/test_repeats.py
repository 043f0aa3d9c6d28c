"""A release given again: for nothing where it was paid for, at its charge in another project, and at once in either."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import Served, copy_home, office_of
from tests.web.test_questions import older, statement
from tre import budget, projects
from tre.audit.verify import verify_database
from tre.budget import Stated

PROJECTS = {  # members, epsilon, delta
    "payer": (("researcher",), "20", "1e-6"),
    "taker": (("researcher2",), "20", "1e-6"),
    "poor": (("researcher2",), "0.01", "1e-6"),
    "crowd": (("researcher2",), "20", "1e-6"),
    "pure-payer": (("researcher",), "5", "0"),
    "pure-taker": (("researcher2",), "5", "0"),
}
OWN = "researcher:taker/researcher2"
Amounts = dict[str, tuple[int, int, int]]


def found_all(home: Path) -> None:
    with office_of(home) as office:
        for project, (members, epsilon, delta) in PROJECTS.items():
            office.found_project(
                project,
                dataset="gp",
                title="A title",
                purpose="research",
                legal_basis="none needed",
                lay_summary="A summary.",
                ends_on=date(2099, 12, 31),
                members=members,
                stated=(Decimal(epsilon), Decimal(delta)),
            )
        own = Stated(Decimal(10), Decimal("1e-6"))
        office.state.write(lambda tx: budget.open_account(tx, OWN, own))


@pytest.fixture(scope="module")
def running(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = copy_home(furnished, tmp_path_factory.mktemp("repeats") / "home")
    found_all(home)
    with Served(home) as served:
        yield served


@pytest.fixture
def own(furnished: Path, tmp_path: Path) -> Path:
    home = copy_home(furnished, tmp_path / "home")
    found_all(home)
    return home


@pytest.fixture(autouse=True)
def books_agree(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test, whatever it did: ledger, log and questions tell the same."""
    home = request.getfixturevalue("running").home if "running" in request.fixturenames else request.getfixturevalue("own")
    yield
    check_books(home / "database.sqlite")


def rows(database: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as books:
        return books.execute(sql, values).fetchall()


def spent(served: Served) -> Amounts:
    found = rows(served.home / "database.sqlite", "SELECT scope, spent_rho, spent_epsilon, spent_delta FROM accounts")
    return {scope: (rho, epsilon, delta) for scope, rho, epsilon, delta in found}


def moved(before: Amounts, after: Amounts) -> dict[str, tuple[int, ...]]:
    """The accounts that were charged, and how much."""
    both = {scope: list(zip(before[scope], amounts, strict=True)) for scope, amounts in after.items()}
    return {scope: tuple(b - a for a, b in pairs) for scope, pairs in both.items() if any(a != b for a, b in pairs)}


def check_books(database: Path) -> None:
    sums = """SELECT scope, spent_rho, spent_epsilon, spent_delta, reserved_rho + reserved_epsilon + reserved_delta,
        coalesce(sum(c.rho), 0), coalesce(sum(c.epsilon), 0), coalesce(sum(c.delta), 0)
        FROM accounts LEFT JOIN charges c USING (scope) GROUP BY scope"""
    for scope, rho, epsilon, delta, held, *charged in rows(database, sums):
        assert ([rho, epsilon, delta], held) == (charged, 0), scope
    log: dict[str, list[dict[str, Any]]] = {}
    opened = """SELECT leaf, details FROM entries LEFT JOIN openings USING ("index") ORDER BY "index" """
    for leaf, details in rows(database, opened):
        entry = json.loads(leaf) | json.loads(details or "{}")
        log.setdefault(entry["kind"], []).append(entry)
    reservations = {row[0]: row[1] for row in rows(database, "SELECT id, state FROM reservations")}
    assert sorted(reservations) == sorted(entry["reservation"] for entry in log.get("reserved", []))
    paid = [entry["reservation"] for entry in log["released"] if entry["outcome"] == "released"]
    assert sorted(paid) == sorted(id for id, state in reservations.items() if state == "released")
    closed = rows(database, "SELECT id, state FROM questions WHERE closed_at IS NOT NULL")
    assert len(closed) == len(log["asked"]) == rows(database, "SELECT count(*) FROM questions")[0][0]
    outcomes = [entry["id"] for kind in ("released", "refused", "fault", "cancelled") for entry in log.get(kind, [])]
    assert sorted(outcomes) == sorted(id for id, _ in closed)
    # Who was charged and was not the first: the dataset has no part in it.
    free = rows(database, "SELECT reservation FROM releases WHERE repeat_of IS NOT NULL")
    for (reservation,) in free:
        scopes = {scope for (scope,) in rows(database, "SELECT scope FROM charges WHERE reservation = ?", reservation)}
        assert scopes and not any(scope.startswith("dataset:") for scope in scopes)
    verdict = verify_database(database)
    assert verdict.ok, verdict.detail


def ask(served: Served, who: str, project: str, sql: str, **body: object) -> httpx.Response:
    with served.http(who) as http:
        return http.post("/v1/queries", json={"project": project, "dataset": "gp", "sql": sql} | body)


def release(served: Served, who: str, project: str, sql: str, **body: object) -> dict[str, Any]:
    answer = ask(served, who, project, sql, **body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def units(text: str) -> int:
    return int(Decimal(text) * 10**12)


def test_another_project_pays_and_the_dataset_does_not(running: Served) -> None:
    first = release(running, "researcher", "payer", older(1921), share=0.001)
    before = spent(running)
    rewritten = "select sex, count(*) AS n from patients where year_of_birth < 1922 group by 1"
    answer = ask(running, "researcher2", "taker", rewritten, share=0.001)
    received, cost = answer.json(), units(first["charge"]["rho"])
    assert statement(received) == statement(first)
    assert received["charge"] == first["charge"] | {"repeat": True, "repeat_of": None} and received["stale"] is False
    assert moved(before, spent(running)) == {"project:taker": (cost, 0, 0), OWN: (cost, 0, 0)} and cost > 0
    for secret in (first["id"], "payer"):
        assert secret not in answer.text
    assert units(received["remaining"]["rho"]) == left(running, "project:taker")
    with running.http("researcher2") as http:
        newest = http.get("/v1/queries", params={"limit": 1}).json()["queries"][0]
        assert (newest["id"], newest["repeat_of"]) == (received["id"], None)
        assert http.get(f"/v1/queries/{received['id']}").content == answer.content
        assert http.get(f"/v1/queries/{first['id']}").status_code == 404
    with running.http("auditor") as http:
        entries = http.get("/v1/audit", params={"project": "taker", "limit": 1_000}).json()["entries"]
    mine = [entry for entry in entries if entry.get("id") == received["id"]]
    assert [entry["kind"] for entry in mine] == ["asked", "reserved", "released"]
    assert mine[1]["repeat_of"] == mine[2]["repeat_of"] == first["id"] and mine[1]["rho"] == first["charge"]["rho"]
    assert mine[1]["reservation"] == mine[2]["reservation"] and mine[2]["index"] == received["audit"]["index"]


def left(served: Served, scope: str) -> int:
    found = rows(served.home / "database.sqlite", "SELECT ceiling_rho - spent_rho FROM accounts WHERE scope = ?", scope)
    return int(found[0][0])


def test_a_second_time_is_free(running: Served) -> None:
    first = release(running, "researcher", "payer", older(1922), share=0.001)
    received = release(running, "researcher2", "taker", older(1922), share=0.001)
    before = spent(running)
    for _ in range(4):
        again = release(running, "researcher2", "taker", older(1922), share=0.0005)
        assert statement(again) == statement(first)
        assert again["charge"]["repeat_of"] == received["id"] and Decimal(again["charge"]["rho"]) == 0
    third = release(running, "researcher2", "crowd", older(1922), share=0.001)
    assert third["charge"] == received["charge"]
    assert set(moved(before, spent(running))) == {"project:crowd"}


def test_nobody_pays_for_more_than_was_asked(running: Served) -> None:
    """A finer release of another project is dearer than the question: it is drawn. So is what only a coarser one could answer."""
    first = release(running, "researcher", "payer", older(1923), share=0.01)
    for share in (0.001, 0.02):
        before = spent(running)
        drawn = release(running, "researcher2", "taker", older(1923), share=share)
        cost = units(drawn["charge"]["rho"])
        assert drawn["charge"]["repeat"] is False and statement(drawn) != statement(first)
        assert moved(before, spent(running)) == dict.fromkeys(("project:taker", OWN, "dataset:gp"), (cost, 0, 0))


def test_fresh_never_repeats(running: Served) -> None:
    release(running, "researcher", "payer", older(1924), share=0.001)
    before = spent(running)
    fresh = release(running, "researcher2", "taker", older(1924), share=0.001, fresh=True)
    assert fresh["charge"]["repeat"] is False and "dataset:gp" in moved(before, spent(running))


@pytest.mark.parametrize(("year", "payer", "taker"), [(1925, "payer", "pure-taker"), (1926, "pure-payer", "taker")])
def test_no_release_crosses_from_one_accounting_to_the_other(running: Served, year: int, payer: str, taker: str) -> None:
    first = release(running, "researcher", payer, older(year), margin=60)
    drawn = release(running, "researcher2", taker, older(year), margin=900)
    assert drawn["charge"]["repeat"] is False
    mechanisms = {found["columns"][1]["mechanism"] for found in (first, drawn)}
    assert mechanisms == {"discrete gaussian", "discrete laplace"}


def test_a_pure_project_receives_a_pure_release_in_epsilon(running: Served) -> None:
    first = release(running, "researcher", "pure-payer", older(1927), epsilon=0.1)
    before = spent(running)
    received = release(running, "researcher2", "pure-taker", older(1927), epsilon=0.1)
    assert statement(received) == statement(first) and received["charge"]["repeat"] is True
    assert moved(before, spent(running)) == {"project:pure-taker": (0, units(first["charge"]["epsilon"]), 0)}


@pytest.mark.parametrize(("year", "project", "ceiling"), [(1928, "poor", "The project's"), (1929, "taker", "Your own")])
def test_an_exhausted_budget_receives_nothing(running: Served, year: int, project: str, ceiling: str) -> None:
    """The project's, and the researcher's own within a project that would hold it."""
    whole = 0.45 if project == "taker" else 0.001
    release(running, "researcher", "payer", older(year), share=whole)
    rho = rows(running.home / "database.sqlite", "SELECT rho FROM reservations ORDER BY at DESC, id LIMIT 1")[0][0]
    before, releases = spent(running), rows(running.home / "database.sqlite", "SELECT count(*) FROM releases")
    answer = ask(running, "researcher2", project, older(year), rho=rho / 10**12)
    assert (answer.status_code, answer.json()["reason"]) == (403, "budget-exhausted")
    assert answer.json()["detail"].startswith(ceiling)
    assert spent(running) == before and rows(running.home / "database.sqlite", "SELECT count(*) FROM releases") == releases


def test_sixty_four_at_once_are_charged_once(running: Served) -> None:
    first = release(running, "researcher", "payer", older(1930), share=0.001)
    before = spent(running)
    with ThreadPoolExecutor(32) as pool:
        told = list(pool.map(lambda _: release(running, "researcher2", "crowd", older(1930), share=0.001), range(64)))
    assert {statement(one) for one in told} == {statement(first)}
    charges = sorted(units(one["charge"]["rho"]) for one in told)
    cost = units(first["charge"]["rho"])
    assert charges == [0] * 63 + [cost] and moved(before, spent(running)) == {"project:crowd": (cost, 0, 0)}


def test_a_repeat_that_is_known_is_asked_and_released_in_order(running: Served) -> None:
    told = [release(running, "researcher", "payer", older(1933), share=0.001, note=f"number {n}") for n in range(5)]
    database = running.home / "database.sqlite"
    for one in told[1:]:
        kinds = """SELECT e."index", coalesce(o.kind, e.kind) FROM entries e LEFT JOIN openings o USING ("index")
            WHERE e.id = ? ORDER BY e."index" """
        found = rows(database, kinds, one["id"])
        assert [kind for _, kind in found] == ["asked", "released"] and found[1][0] == one["audit"]["index"]
    assert len({one["id"] for one in told}) == 5
    # The last ones were one transaction: nothing stands between the two entries.
    assert found[1][0] == found[0][0] + 1
    notes = rows(database, "SELECT note FROM question_texts WHERE question = ?", told[-1]["id"])
    assert notes == [("number 4",)]


def test_a_key_has_one_question_on_the_quick_way_too(running: Served) -> None:
    for _ in range(3):
        release(running, "researcher", "payer", older(1941), share=0.001)
    body = {"project": "payer", "dataset": "gp", "sql": older(1941), "share": 0.001}
    with running.http() as http:
        sent = [http.post("/v1/queries", json=body, headers={"Idempotency-Key": "quick"}) for _ in range(3)]
        other = http.post("/v1/queries", json=body | {"share": 0.0005}, headers={"Idempotency-Key": "quick"})
    assert {answer.status_code for answer in sent} == {200} and len({answer.content for answer in sent}) == 1
    assert (other.status_code, other.json()["reason"]) == (422, "key-reused")


def test_a_repeat_is_stale_when_an_opt_out_has_landed(own: Path) -> None:
    with Served(own) as served:
        first = release(served, "researcher", "payer", older(1940), share=0.001)
        with served.http("controller") as http:
            landed = http.post("/v1/opt-outs", json={"regime": "national", "nhs_numbers": ["9434765919"]})
        assert landed.status_code == 202, landed.text
        received = release(served, "researcher2", "taker", older(1940), share=0.001)
        again = release(served, "researcher", "payer", older(1940), share=0.001)
    assert received["stale"] is again["stale"] is True
    assert statement(received) == statement(again) == statement(first)


def test_who_may_ask_no_more_gets_no_repeat(own: Path) -> None:
    """Known to be repeats, and refused as on the road from the next sending on: the project lapsed, a member removed, a role
    taken, the identity revoked."""
    projects_of = ("taker", "crowd", "poor", "demo")
    with Served(own) as served, served.http("admin") as admin, served.http("researcher2") as http, office_of(own) as office:
        bodies = {project: {"project": project, "dataset": "gp", "sql": older(1942), "margin": 4_000} for project in projects_of}
        for body in bodies.values():
            assert [http.post("/v1/queries", json=body).status_code for _ in range(4)] == [200] * 4

        def told(project: str) -> str:
            return str(http.post("/v1/queries", json=bodies[project]).json()["reason"])

        assert admin.patch("/v1/projects/taker", json={"ends_on": "2020-01-01"}).status_code == 200
        assert told("taker") == "approval-lapsed"
        assert admin.put("/v1/projects/crowd/members", json=[]).status_code == 200
        assert told("crowd") == "not-found"
        office.state.write(lambda tx: projects.set_roles(tx, "researcher2", ()))
        assert told("poor") == "role-not-allowed"
        office.state.write(lambda tx: projects.set_roles(tx, "researcher2", ("researcher",)))
        assert http.post("/v1/queries", json=bodies["poor"]).status_code == 200
        assert admin.delete("/v1/identities/researcher2").status_code == 200
        assert told("poor") == told("demo") == "not-signed-in"


def test_what_was_sent_is_on_the_disk(own: Path) -> None:
    """kill -9 under a load of repeats: each one that arrived is a question with its answer, and both its entries."""
    arrived: dict[str, bytes] = {}
    with Served(own) as served:
        body = {"project": "demo", "dataset": "gp", "sql": older(1943)}

        def many() -> None:
            with served.http() as http:
                while True:
                    try:
                        answer = http.post("/v1/queries", json=body)
                    except httpx.TransportError:
                        return
                    arrived[answer.json()["id"]] = answer.content

        release(served, "researcher", "demo", older(1943))
        threads = [threading.Thread(target=many) for _ in range(6)]
        [thread.start() for thread in threads]
        time.sleep(1)
        served.kill()
        [thread.join() for thread in threads]
    stored = dict(rows(own / "database.sqlite", "SELECT id, envelope FROM questions WHERE state = 'released'"))
    assert len(arrived) > 20 and all(stored[id] == content for id, content in arrived.items())
    with Served(own):
        pass  # closes what was open, so that the books can be looked at
