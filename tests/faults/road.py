"""Any sequence of questions, acts of those who govern, faults, kills and restarts, by two processes on one database: a gateway
that may be killed at any moment, and an office here that governs meanwhile. After each step the log is read on and must come to
what the database says (`replayed`); an answer once seen is the same to the byte for ever."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.faults.driving import Gatehouse
from tests.faults.gatehouse import Clock, house_of, office_of
from tests.faults.replayed import Replayed
from tests.serving import copy_home
from tre import projects
from tre.audit.verify import verify_database
from tre.budget import Stated
from tre.errors import Refusal
from tre.office import Proposed
from tre.policy import Policies
from tre.terms import timestamp

PROJECTS, PEOPLE = ("demo", "pure"), ("researcher", "researcher2")
DELTA = Decimal("1e-6")
# Outcomes after which the same key may be sent again.
PASSING = ("too-many-requests", "not-ready", "opt-outs-stale")
BURSTS = st.lists(
    st.fixed_dictionaries(
        {
            "project": st.sampled_from(PROJECTS),
            "person": st.sampled_from(PEOPLE),
            "sql": st.sampled_from([f"SELECT {key}, COUNT(*) AS n FROM patients GROUP BY {key}" for key in ("sex", "region")]),
            "share": st.sampled_from(["0.02", "0.1", "0.4"]),
            "fresh": st.booleans(),
            "again": st.sampled_from([False, False, False, True]),
        }
    ),
    min_size=1,
    max_size=4,
)
ACTS = st.one_of(
    st.tuples(
        st.just("budget"),
        st.sampled_from(PROJECTS),
        st.sampled_from([0, 2, 6, 20, 50]),
        st.sampled_from([DELTA, DELTA, Decimal(0)]),
    ),
    st.tuples(st.just("dataset_budget"), st.sampled_from([8, 50, 50])),
    st.tuples(st.just("own_ceiling"), st.sampled_from([4, 20, 20])),
    st.tuples(st.just("end"), st.sampled_from(PROJECTS), st.sampled_from([-1, 2, 1_000_000, 1_000_000])),
    st.tuples(st.just("opt_out"), st.sampled_from(["type-1", "national", "local"])),
    st.tuples(st.just("release_hold"), st.sampled_from(PROJECTS)),
    st.tuples(st.just("pass_time"), st.sampled_from([1, 3])),
)


STEPS = st.fixed_dictionaries(
    {
        "burst": BURSTS,
        "shut": st.sampled_from([None, None, "answer", "publish"]),
        "failing": st.sampled_from([0, 0, 0, 3]),
        "meanwhile": st.none() | ACTS,
        "fate": st.sampled_from(["come_to_rest", "come_to_rest", "stay", "cancel", "kill", "kill_at_once", "close_and_start"]),
    }
)
Step = dict[str, Any]


def nhs_numbers() -> Iterator[str]:
    """Ones that nobody of the sample has, with the check digit that makes them valid."""
    for number in count(911_000_000):
        check = 11 - sum((10 - place) * int(digit) for place, digit in enumerate(str(number))) % 11
        if check != 10:
            yield f"{number}{check % 11}"


class Road(RuleBasedStateMachine):
    """One example: a home of its own, its gateway, its office and its replayed log."""

    def __init__(self, template: Path, gatehouse: Gatehouse, policies: Policies) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.home, self.gatehouse = copy_home(template, self.folder / "home"), gatehouse
        self.clock = Clock(self.folder / "clock")
        self.clock.set(datetime.now(UTC) + timedelta(seconds=1))
        house = house_of(self.home, policies, self.clock)
        self.state, self.office, self.numbers = house.state, office_of(house), nhs_numbers()
        with self.state.read() as tx:
            self.persons = {one.name: one.person for one in projects.identities(tx)}
        self.log = Replayed(self.home / "database.sqlite", {one.pseudonym: name for name, one in self.persons.items()})
        self.sent: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.answers: dict[str, str] = {}

    @initialize()
    def start(self) -> None:
        self.gatehouse.start(self.folder)

    def teardown(self) -> None:
        try:
            if self.gatehouse.pid and self.log.sound:
                self.come_to_rest()
                self.gatehouse.close()
                self.log.advance()
                verdict = verify_database(self.home / "database.sqlite")
                assert verdict.ok, verdict.detail
        finally:
            if self.gatehouse.pid:
                self.gatehouse.kill()
            self.gatehouse.seen += self.log.seen
            self.state.close()
            self.clock.close()
            shutil.rmtree(self.folder)

    # ------------------------------------------------------------------------------------------------------------ questions
    @rule(step=STEPS)
    def ask(self, step: Step) -> None:
        """Some at once, one key perhaps twice; held when they are reserved and not yet drawn, or sealed and not yet published;
        the other process governs at the same time; and the gateway may not live to tell."""
        self._ask(**step)

    # A second rule, and so a third of the steps at least, even where the first is left out of an example.
    @rule(step=STEPS)
    def ask_more(self, step: Step) -> None:
        self._ask(**step)

    def _ask(
        self, burst: list[dict[str, Any]], shut: str | None, failing: int, meanwhile: tuple[Any, ...] | None, fate: str
    ) -> None:
        if shut:
            self.gatehouse.ask("gate", name=shut, is_open=False)
        self.gatehouse.ask("fail", times=failing)
        asked = [self._keyed(dict(one)) for one in burst]
        self.gatehouse.tell("ask", questions=asked)
        if meanwhile is not None:
            self._act(meanwhile)
        if fate == "kill_at_once":
            self.kill()
            return
        for one, told in zip(asked, self.gatehouse.heard()["told"], strict=True):
            assert "question" in told or told["refused"] == "key-running", told
            if "question" in told:
                assert self.keys.setdefault(told["question"], one["key"]) == one["key"]
        if shut:
            self.gatehouse.ask("reached")
        if fate != "stay":
            getattr(self, fate)()

    def _keyed(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A new key, or the last one sent, with the question it was sent with."""
        if asked.pop("again") and self.sent:
            return self.sent[next(reversed(self.sent))]
        key = f"key-{len(self.sent)}"
        self.sent[key] = asked | {"key": key}
        return self.sent[key]

    @rule()
    def send_everything_again(self) -> None:
        """Each key has one question, and its answer never changes; with another body it is refused."""
        for key, asked in list(self.sent.items()):
            [told] = self.gatehouse.ask("ask", questions=[asked])["told"]
            if "refused" in told:
                assert told["refused"] == "key-running" and key not in self.answers
                continue
            self.keys[told["question"]] = key
            self._look(told["question"], key)
            if key in self.answers:
                other = asked | {"fresh": not asked["fresh"]}
                assert self.gatehouse.ask("ask", questions=[other])["told"] == [{"refused": "key-reused"}]

    def look_at_everything(self) -> None:
        for question, key in self.keys.items():
            self._look(question, key)

    def _look(self, question: str, key: str) -> None:
        found = self.gatehouse.ask("look", person=self.sent[key]["person"], question=question)
        if "bytes" in found and not any(reason in found["bytes"] for reason in PASSING):
            assert self.answers.setdefault(key, found["bytes"]) == found["bytes"]
            assert found["state"] != "released" or '"draw"' in found["bytes"]

    def cancel(self) -> None:
        for question, key in list(self.keys.items())[-2:]:
            self.gatehouse.ask("cancel", person=self.sent[key]["person"], question=question)

    # --------------------------------------------------------------------------------------------------- what befalls a gateway
    def kill(self) -> None:
        self.gatehouse.kill()
        self.log.advance()
        before = self.log.seen["released"]
        self.start()
        self.log.advance()
        self.log.finish()
        self.log.seen["published after a stop"] += self.log.seen["released"] - before

    def close_and_start(self) -> None:
        self.gatehouse.close()
        self.log.advance()
        self.log.finish()
        self.start()

    def come_to_rest(self) -> None:
        for name in ("answer", "publish"):
            self.gatehouse.ask("gate", name=name, is_open=True)
        self.gatehouse.ask("wait")
        self.log.advance()
        self.log.finish()
        self.look_at_everything()

    # -------------------------------------------------------------------------------------------------- what the office does
    @rule(act=ACTS)
    def govern(self, act: tuple[Any, ...]) -> None:
        self._act(act)

    def _act(self, act: tuple[Any, ...]) -> None:
        name, *more = act
        getattr(self, f"_{name}")(*more)

    def _two(self, done: Any) -> None:
        """What loosens is approved by another."""
        if isinstance(done, Proposed):
            self.office.decide(self.persons["admin2"], done.approval, True, "agreed")

    def _budget(self, project: str, epsilon: int, delta: Decimal) -> None:
        try:
            self._two(self.office.set_project_budget(self.persons["admin"], project, Decimal(epsilon), delta, None, None))
        except Refusal as refusal:
            assert refusal.reason == "accounting-kind" and not delta and epsilon
            self.log.advance()
            account = self.log.accounts[f"project:{project}"]
            assert account.concentrated and (account.open or account.closed)

    def _dataset_budget(self, epsilon: int) -> None:
        self._two(self.office.set_dataset_budget(self.persons["admin"], "gp", Decimal(epsilon), DELTA, None, None))

    def _own_ceiling(self, epsilon: int) -> None:
        stated = {"epsilon": Decimal(epsilon), "delta": DELTA}
        members = [{"name": "researcher", **stated}, {"name": "researcher2", "epsilon": None, "delta": None}]
        self.log.own.append({"researcher:demo/researcher": Stated(stated["epsilon"], DELTA)})
        self._two(self.office.set_members(self.persons["admin"], "demo", members, None))

    def _end(self, project: str, seconds: int) -> None:
        """One of the two approvals ends then: at once where that is sooner, by two where it is later."""
        on = self.office.project(self.persons["admin"], project)["approvals"]
        on[0] = on[0] | {"expires_at": timestamp(self.clock() + timedelta(seconds=seconds))}
        self._two(self.office.change_project(self.persons["admin"], project, {"approvals": on}, None))

    def _opt_out(self, regime: str) -> None:
        told = self.office.receive_opt_outs(self.persons["controller"], regime, [next(self.numbers)])
        assert [batch["applied"] for batch in told["batches"]] == [1]

    def _release_hold(self, project: str) -> None:
        if self.office.project(self.persons["admin"], project)["state"] == "held":
            self.office.decide_hold(self.persons["admin"], project, True, "looked at")

    def _pass_time(self, seconds: int) -> None:
        self.clock.set(self.clock() + timedelta(seconds=seconds))

    @invariant()
    def the_log_comes_to_what_the_database_says(self) -> None:
        self.log.advance()
