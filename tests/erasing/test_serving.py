"""Erasure beside a running service: questions go on, and the files before are let go of; nothing is refunded."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from tests.erasing.homes import PEOPLE, folders, live, object_to, until
from tests.serving import Served, office_of


def deleted_files(parent: int) -> list[str]:
    """Files below a store that a process of the service has open though they have no name any more."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            status = (process / "stat").read_text().rsplit(")", 1)[1].split()
            if process.name != str(parent) and status[1] != str(parent):
                continue
            opened = [str(os.readlink(one)) for one in (process / "fd").iterdir()]
        except OSError:
            continue
        found += [name for name in opened if "/store/" in name and name.endswith("(deleted)")]
    return found


class Askers:
    """Two who ask without a pause, each question another one; every answer's status is kept."""

    def __init__(self, served: Served) -> None:
        self.served, self.statuses, self._over = served, [], threading.Event()  # type: ignore[var-annotated]
        self._threads = [threading.Thread(target=self._ask, args=(1_000 * place,)) for place in (1, 2)]

    def _ask(self, number: int) -> None:
        with self.served.http() as http:
            while not self._over.is_set():
                number += 1
                sql = f"SELECT sex, COUNT(*) AS n FROM patients WHERE imd_decile <> {number} GROUP BY sex"
                body = {"project": "demo", "dataset": "gp", "sql": sql, "share": 0.0001, "fresh": True}
                self.statuses.append(http.post("/v1/queries", json=body).status_code)

    def __enter__(self) -> Askers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def test_questions_go_on_and_the_old_files_are_let_go_of(home: Path) -> None:
    with Served(home) as served:
        assert served.process is not None
        with Askers(served) as askers:
            until(20, lambda: len(askers.statuses) > 4)
            for round in range(3):
                with office_of(home) as office:
                    object_to(office, "local", *PEOPLE[10 * round : 10 * round + 10])
                    told = office.erase(office.host, "gp")
                until(30, lambda: folders(home) == {told["snapshot"]})  # noqa: B023
                until(10, lambda: not deleted_files(served.process.pid))  # type: ignore[union-attr]
        assert set(askers.statuses) == {200}
        with served.http(None) as http:
            found = http.get("/v1/erasures").json()
            assert len(found["erasures"]) == 3
            assert http.get(f"/v1/erasures/{found['erasures'][0]['certificate']}").json() == found["erasures"][0]


def test_idle_workers_let_go(home: Path) -> None:
    with Served(home) as served:
        with office_of(home) as office:
            was = live(office).id
            object_to(office, "local", PEOPLE[0])
            told = office.erase(office.host, "gp")
        assert served.process is not None
        until(30, lambda: was not in folders(home))
        until(10, lambda: not deleted_files(served.process.pid))  # type: ignore[union-attr]
        with served.http("researcher") as http:
            body = {"project": "demo", "dataset": "gp", "sql": "SELECT COUNT(*) AS n FROM patients"}
            assert http.post("/v1/queries", json=body).json()["snapshot"] == told["snapshot"]


def test_nothing_is_refunded_and_a_repeat_names_its_snapshot(home: Path) -> None:
    body = {"project": "demo", "dataset": "gp", "sql": "SELECT region, COUNT(*) AS n FROM patients GROUP BY region"}
    with Served(home) as served, served.http() as http:
        first = http.post("/v1/queries", json=body).json()
        spent = http.get("/v1/projects/demo").json()["budget"]
        with office_of(home) as office:
            object_to(office, "local", *PEOPLE[:50])
            told = office.erase(office.host, "gp")
        assert http.get("/v1/projects/demo").json()["budget"] == spent
        again = http.post("/v1/queries", json=body).json()
        assert (again["rows"], again["snapshot"], again["stale"]) == (first["rows"], first["snapshot"], True)
        assert again["charge"]["repeat_of"] == first["id"]
        assert http.get("/v1/projects/demo").json()["budget"] == spent
        fresh = http.post("/v1/queries", json=body | {"fresh": True}).json()
        assert fresh["snapshot"] == told["snapshot"] and "stale" not in fresh
        assert http.get("/v1/projects/demo").json()["budget"] != spent
