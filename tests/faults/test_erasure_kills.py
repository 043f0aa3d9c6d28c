"""kill -9 at steps of applying opt-outs, loading, erasing, backing up and restoring. After each: the live snapshot is whole,
no half of one stands anywhere, no acknowledged opt-out is lost, and nobody who opted out is where an answer is computed from."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.erasing.homes import PEOPLE, folders, live
from tests.serving import POLICIES, ROOT, office_of
from tre import optouts, store
from tre.audit.verify import verify_database
from tre.errors import Unfit
from tre.office import Office
from tre.office.restoring import restore
from tre.persons import pseudonym
from tre.settings import Settings
from tre.store.backing import open_backup

ACTS = ("apply", "load", "erase", "backup", "restore")
REGIMES = ("type-1", "national", "local")


class Acts:
    """Does one act after the other on a home, each in a process that may be killed; knows what was acknowledged."""

    def __init__(self, folder: Path, furnished: Path) -> None:
        self.folder, self.home, self.backup = folder, folder / "home", folder / "backup"
        shutil.copytree(furnished, self.home, ignore=shutil.ignore_patterns("serve.lock"))
        command = [sys.executable, "-m", "tests.faults.killed"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.people, self.acknowledged, self.made = iter(PEOPLE), list[str](), 0
        assert self.do("backup", place=str(self.backup)) == 0
        self.steps = {"backup": self.counted()}
        for name in ("apply", "load", "erase", "restore"):
            assert self.run(name) == 0, name
            self.steps[name] = self.counted()

    def do(self, act: str, at: int = 0, **more: Any) -> int:
        order = {"act": act, "at": at, "home": str(self.home), "told": str(self.folder / "told"), **more}
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def counted(self) -> int:
        return int((self.folder / "told").read_text())

    def run(self, act: str, at: int = 0) -> int:
        """One act; two more people object before it, whose objection is acknowledged unless it was cut short itself."""
        numbers = [next(self.people), next(self.people)]
        status = self.do("apply", at if act == "apply" else 0, numbers=numbers)
        if status == 0:
            self.acknowledged += numbers
        if act == "apply":
            return status
        self.made += 1
        place = self.folder / f"backup-{self.made}" if act == "backup" else self.backup
        status = self.do(act, at, place=str(place))
        if act == "backup" and place.exists():
            open_backup(place)  # whole, where it stands at all
            shutil.rmtree(place)
        return status

    def check(self) -> None:
        """As at a start of the service: what was left is removed, what is live is whole, and who objected is in no answer."""
        with office_of(self.home) as office:
            store.sweep(office.store)
            office.retire()
            office.remove_unnamed()
            assert folders(self.home) == {live(office).id} and not list(office.store.rglob(".begun-*"))
            store.check_files(live(office))
            assert answered(office, self.acknowledged) == 0
        assert verify_database(self.home / "database.sqlite").ok

    def end(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def answered(office: Office, numbers: list[str]) -> int:
    """How many of these people are in the persons that the engine would count, every regime in force."""
    wanted = [pseudonym(office.keys.pseudonym, number) for number in numbers]
    with office.state.read() as tx:
        stand, objecting = optouts.standing(tx, REGIMES, "check-service"), set(optouts.pseudonyms(tx, REGIMES))
        assert set(wanted) <= objecting, "an acknowledged opt-out was lost"
        assert stand.cleared is not None
        cleared = store.place_of(office.registers, stand.cleared)
        exclusion = store.exclude(live(office), stand.version, REGIMES, sorted(objecting), stand.as_of, cleared)
    with duckdb.connect() as engine:
        engine.execute(
            f"ATTACH '{live(office).folder}/persons.duckdb' AS r (READ_ONLY); ATTACH '{exclusion.file}' AS e (READ_ONLY)"
        )
        found = engine.execute("SELECT pseudonym FROM r.persons ANTI JOIN e.excluded USING (person)").fetchall()
    assert len(found) > 1_000
    return len(set(wanted) & {bytes(one) for (one,) in found})


@pytest.fixture
def acts(furnished: Path, tmp_path: Path) -> Iterator[Acts]:
    made = Acts(tmp_path, furnished)
    yield made
    made.end()


def kill(acts: Acts, times: int, seed: int) -> None:
    """As often one act as the other, at steps by chance; every one of them is met."""
    draw = random.Random(seed)
    for turn in range(times):
        act = ACTS[turn % len(ACTS)]
        assert acts.run(act, draw.randint(1, acts.steps[act] - 1)) == -signal.SIGKILL, act
        acts.check()


def test_twenty_kills(acts: Acts) -> None:
    assert all(steps > 5 for steps in acts.steps.values()) and acts.steps["erase"] > 25
    kill(acts, 20, seed=1)
    assert acts.run("erase") == 0
    acts.check()


@pytest.mark.audit
@pytest.mark.timeout(1_800)
def test_two_hundred_kills(acts: Acts) -> None:
    kill(acts, 200, seed=2)


def test_an_empty_home_that_is_killed_while_it_is_restored_is_restored_again(acts: Acts) -> None:
    home = acts.home

    def another(name: str) -> Path:
        acts.home = acts.folder / name
        acts.home.mkdir(mode=0o700)
        shutil.copytree(home / "keys", acts.home / "keys")
        return acts.home

    another("whole")
    assert acts.do("restore", place=str(acts.backup)) == 0
    steps = acts.counted()
    assert steps > 15
    for at in sorted({1, steps // 4, steps // 2, 3 * steps // 4, steps - 2, steps}):
        other = another(f"killed-{at}")
        assert acts.do("restore", at, place=str(acts.backup)) == -signal.SIGKILL
        settings = Settings(home=other, policies=POLICIES, _env_file=None)  # type: ignore[call-arg]
        try:
            assert restore(settings, acts.backup)["restored"] == "database and log"
        except Unfit as unfit:  # it was done but for what comes after the last step
            assert "have not been delivered" in str(unfit)
        with office_of(other) as office:
            assert office.live_snapshot("gp") is None
        assert [path.name for path in other.iterdir() if "restored" in path.name] == []
