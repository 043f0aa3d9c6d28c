"""Any sequence of acts on a ledger, against a model of it in a few lines of Python that knows no database."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from tests.budget import books
from tests.budget.books import AT, CAP
from tests.databases import new_database
from tre import budget
from tre.budget import Stated, tightens
from tre.errors import Fault, Reason, Refusal
from tre.loss import UNIT, PrivacyLoss
from tre.state import State

RHO, PURE, DATASET, OWN = "project:rho", "project:pure", "dataset:gp", "researcher:rho/alice"
LOSSES = st.one_of(
    st.builds(PrivacyLoss, rho=st.integers(1, UNIT // 10), delta=st.sampled_from([0, 0, 10**11, 3 * 10**11])),
    st.builds(PrivacyLoss, epsilon=st.integers(1, UNIT // 2)),
)
STATED = st.builds(
    Stated, st.integers(0, 60).map(lambda tenths: Decimal(tenths) / 10), st.sampled_from([Decimal("1e-6"), Decimal("4e-7")])
)


@cache
def ceiling_of(stated: Stated) -> PrivacyLoss:
    return stated.ceiling()


@dataclass
class Model:
    """An account as one would keep it on paper: what was asked of it, counted in its kind whenever it is looked at."""

    stated: Stated
    pure: bool = False
    open: dict[str, PrivacyLoss] = field(default_factory=dict)
    closed: list[PrivacyLoss] = field(default_factory=list)

    def cost(self, loss: PrivacyLoss) -> PrivacyLoss:
        return loss if self.pure else loss.concentrated()

    @property
    def ceiling(self) -> PrivacyLoss:
        return ceiling_of(self.stated)

    @property
    def spent(self) -> PrivacyLoss:
        return sum(map(self.cost, self.closed), PrivacyLoss())

    @property
    def taken(self) -> PrivacyLoss:
        return sum(map(self.cost, self.open.values()), self.spent)

    def holds(self, loss: PrivacyLoss) -> bool:
        return (self.taken + self.cost(loss)).fits(self.ceiling)


class Ledger(RuleBasedStateMachine):
    reservations = Bundle("reservations")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.state = State.open(new_database(self.folder))
        cap, half = CAP, Stated(Decimal(4), Decimal("1e-6"))
        self.models = {
            RHO: Model(half),
            PURE: Model(Stated(Decimal(4), Decimal(0)), pure=True),
            DATASET: Model(Stated(Decimal(6), Decimal("1e-6"))),
            OWN: Model(Stated(Decimal(3), Decimal("1e-6"))),
        }
        for scope, model in self.models.items():
            self.state.write(lambda tx, s=scope, m=model: budget.open_account(tx, s, m.stated, cap))  # type: ignore[misc]
        self.asked: set[str] = set()

    def teardown(self) -> None:
        self.state.close()
        shutil.rmtree(self.folder)

    def reserve(self, question: str, project: str, person: str | None, loss: PrivacyLoss) -> str:
        asked = {"id": f"r-{question}", "question": question, "project": project, "dataset": "gp", "person": person}
        return self.state.write(lambda tx: budget.reserve(tx, loss=loss, at=AT, **asked)).id  # type: ignore[arg-type]

    @rule(target=reservations, loss=LOSSES, pure=st.booleans(), person=st.sampled_from([None, "alice", "bob"]))
    def ask_any(self, loss: PrivacyLoss, pure: bool, person: str | None) -> object:
        return self.ask(loss, pure, person)

    def ask(self, loss: PrivacyLoss, pure: bool, person: str | None) -> object:
        scopes = [PURE if pure else RHO, DATASET, *([OWN] if person == "alice" and not pure else [])]
        question = f"q{len(self.asked)}"
        wrong_kind = self.models[scopes[0]].pure and not loss.pure
        fits = not wrong_kind and all(self.models[scope].holds(loss) for scope in scopes)
        try:
            id = self.reserve(question, scopes[0].removeprefix("project:"), person, loss)
        except Refusal as refusal:
            assert not fits
            assert refusal.reason is (Reason.INVALID_REQUEST if wrong_kind else Reason.BUDGET_EXHAUSTED)
            return multiple()
        assert fits
        self.asked.add(question)
        for scope in scopes:
            self.models[scope].open[id] = loss
            # What a reservation adds never ends above a ceiling.
            assert self.models[scope].taken.fits(self.models[scope].ceiling)
        return id

    @rule(
        target=reservations,
        share=st.sampled_from([1, 1, 2, 3]),
        units=st.integers(-1, 1),
        person=st.sampled_from(["alice", "bob"]),
    )
    def ask_at_the_edge(self, share: int, units: int, person: str) -> object:
        """For the whole, a half or a third of what the tightest ceiling has left; a unit less, exactly, or a unit more."""
        scopes = [RHO, DATASET, *([OWN] if person == "alice" else [])]
        left = min(self.models[scope].ceiling.rho - self.models[scope].taken.rho for scope in scopes)
        return self.ask(PrivacyLoss(rho=max(1, left // share + units)), False, person)

    @rule(id=consumes(reservations), outcome=st.sampled_from(["released", "fault", "cancelled"]), again=st.booleans())
    def settle(self, id: str, outcome: str, again: bool) -> None:
        books.settle(self.state, id, outcome)
        for model in self.models.values():
            if id in model.open:
                model.closed.append(model.open.pop(id))
        if again:
            try:
                books.settle(self.state, id, "released")
            except Fault:
                return
            raise AssertionError("settled twice")

    @rule(id=reservations, loss=LOSSES)
    def ask_the_same_question_again(self, id: str, loss: PrivacyLoss) -> None:
        try:
            self.reserve(id.removeprefix("r-"), "rho", None, loss)
        except Exception:  # a refusal, or the unique key
            return
        raise AssertionError("charged twice")

    @rule(scope=st.sampled_from([RHO, DATASET, OWN]), stated=STATED)
    def tighten(self, scope: str, stated: Stated) -> None:
        allowed = tightens(self.models[scope].stated, stated)
        try:
            self.state.write(lambda tx: budget.tighten(tx, scope, stated))
        except Refusal:
            assert not allowed
            return
        assert allowed
        self.models[scope].stated = stated

    @rule(scope=st.sampled_from([RHO, DATASET, OWN]), stated=STATED)
    def raise_to(self, scope: str, stated: Stated) -> None:
        self.state.write(lambda tx: budget.raise_to(tx, scope, stated, CAP))
        self.models[scope].stated = stated

    @rule(epsilon=st.integers(0, 60), delta=st.sampled_from(["0", "0", "4e-7", "1e-6"]))
    def restate_the_pure_one(self, epsilon: int, delta: str) -> None:
        """It may become concentrated at any time; there is a way back only while it has been charged nothing."""
        model, stated = self.models[PURE], Stated(Decimal(epsilon) / 10, Decimal(delta))
        pure, charged = stated.kind == "pure", bool(model.open or model.closed)
        back = charged and pure and not model.pure and not stated.nothing
        try:
            self.state.write(lambda tx: budget.raise_to(tx, PURE, stated))
        except Refusal as refusal:
            assert back and refusal.reason is Reason.ACCOUNTING_KIND
            return
        assert not back
        # Of a charged one an epsilon of 0 opens nothing and changes nothing else.
        model.stated, model.pure = stated, model.pure if charged and stated.nothing else pure

    @invariant()
    def the_books_are_the_models(self) -> None:
        with self.state.read() as tx:
            for scope, model in self.models.items():
                found = budget.balance(tx, scope)
                assert (found.spent, found.spent + found.reserved) == (model.spent, model.taken)
                assert found.ceiling == model.ceiling
            assert {left.id for left in budget.open_reservations(tx)} == set().union(*(m.open for m in self.models.values()))

    @invariant()
    def the_books_balance(self) -> None:
        books.assert_balanced(self.state)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=30, stateful_step_count=40)
