"""Exemptions: what one needs, what it may lift, from when until when it counts, and that all regimes apply without one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import chain, combinations
from typing import Any

import pytest
import sqlalchemy

from tests.projects.test_permits import ALICE, AT, POLICIES, furnish, permit
from tre import projects
from tre.errors import Reason, Refusal
from tre.policy import REGIMES, Policies, PurposePolicy
from tre.projects import exemptions
from tre.state import State

LAST = date(2026, 3, 20)
FIELDS: dict[str, Any] = {
    "regimes": ["national", "local"], "legal_basis": "COPI regulation 3", "approval_reference": "CAG 26/1",
    "expires_on": LAST.isoformat(),
}  # fmt: skip
ALL = tuple(sorted(REGIMES))
FAR = projects.OutsideApproval("ethics", "E", AT + timedelta(days=3_000))


def granted(state: State, at: datetime = AT, id: str = "x", policies: Policies = POLICIES, **fields: Any) -> exemptions.Exemption:
    made = exemptions.wanted(id, "demo", FIELDS | fields, at)
    return state.write(lambda tx: exemptions.grant(tx, made, projects.get(tx, "demo"), policies))


def exempt(state: State, **fields: Any) -> None:
    furnish(state, purpose="communicable-disease", ends_on=date(2099, 1, 1), approvals=(FAR,))
    granted(state, **fields)


def test_without_one_all_regimes_apply(state: State) -> None:
    furnish(state, purpose="communicable-disease")
    assert (permit(state).regimes, permit(state).exemptions) == (ALL, ())


def test_with_one_those_it_lifts_do_not(state: State) -> None:
    exempt(state)
    assert (permit(state).regimes, permit(state).exemptions) == (("type-1",), ("x",))


def test_one_that_lifts_less_leaves_the_others(state: State) -> None:
    exempt(state, regimes=["national"])
    assert permit(state).regimes == ("local", "type-1")


@pytest.mark.parametrize(("seconds", "regimes"), [(-1, ("type-1",)), (0, ALL), (1, ALL)])
def test_it_ends_with_its_last_day(seconds: int, regimes: tuple[str, ...], state: State) -> None:
    exempt(state)
    at = datetime(2026, 3, 21, tzinfo=UTC) + timedelta(seconds=seconds)
    assert permit(state, at=at).regimes == regimes


def test_it_counts_from_its_approval(state: State) -> None:
    exempt(state)
    assert permit(state, at=AT - timedelta(microseconds=1)).regimes == ALL


def test_revoked_it_ends_at_once_and_once(state: State) -> None:
    exempt(state)
    gone = state.write(lambda tx: exemptions.revoke(tx, "x", AT + timedelta(hours=1)))
    assert gone.revoked_at is not None and permit(state, at=AT + timedelta(hours=1)).regimes == ALL
    for id in ("x", "unheard-of"):
        with pytest.raises(Refusal) as refused:
            state.write(lambda tx, id=id: exemptions.revoke(tx, id, AT))
        assert refused.value.reason is Reason.NOT_FOUND


@pytest.mark.parametrize("statement", [
    "UPDATE exemptions SET revoked_at = NULL", "UPDATE exemptions SET expires_on = '2099-01-01'", "DELETE FROM exemptions",
])  # fmt: skip
def test_the_database_lets_none_be_prolonged_or_brought_back(statement: str, state: State) -> None:
    exempt(state)
    state.write(lambda tx: exemptions.revoke(tx, "x", AT))
    with pytest.raises(sqlalchemy.exc.DatabaseError, match="what was written stays"):
        state.write(lambda tx: tx.execute(sqlalchemy.text(statement)))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ["missing", None, "", " "])
def test_missing_any_one_field_there_is_none(field: str, value: str | None) -> None:
    given = {name: one for name, one in FIELDS.items() if name != field} | ({} if value == "missing" else {field: value})
    with pytest.raises(Refusal) as refused:
        exemptions.wanted("x", "demo", given, AT)
    assert refused.value.reason is Reason.INVALID_REQUEST


@pytest.mark.parametrize(("days", "allowed"), [(-1, False), (0, True), (366, True), (367, False)])
def test_its_last_day_is_not_over_and_at_most_a_year_ahead(days: int, allowed: bool) -> None:
    last = (AT + timedelta(days=days)).date().isoformat()
    if allowed:
        assert exemptions.wanted("x", "demo", FIELDS | {"expires_on": last}, AT).counts(AT)
        return
    with pytest.raises(Refusal):
        exemptions.wanted("x", "demo", FIELDS | {"expires_on": last}, AT)


SUBSETS = list(chain.from_iterable(combinations(ALL, size) for size in (1, 2, 3)))


@pytest.mark.parametrize("kept", SUBSETS)
def test_the_matrix_of_classes_and_regimes(kept: tuple[str, ...], state: State) -> None:
    """What a class keeps in force stays in force whatever an exemption asks: each class, each exemption."""
    policies = Policies({}, {"communicable-disease": PurposePolicy(regimes=kept, exemption_required=True)}, (), {})
    furnish(state, purpose="communicable-disease", approvals=(FAR,))
    for number, asked in enumerate(SUBSETS):
        may = not set(asked) & set(kept)
        if not may:
            with pytest.raises(Refusal) as refused:
                granted(state, id=f"x{number}", policies=policies, regimes=list(asked))
            assert refused.value.reason is Reason.PURPOSE_NOT_PERMITTED
            continue
        made = granted(state, id=f"x{number}", policies=policies, regimes=list(asked))
        assert exemptions.applying("communicable-disease", [made], policies) == tuple(sorted(set(ALL) - set(asked)))


@pytest.mark.parametrize("purpose", ["research", "insurance", "unheard-of"])
def test_a_purpose_whose_class_has_none_is_given_none(purpose: str, state: State) -> None:
    furnish(state, purpose=purpose)
    with pytest.raises(Refusal) as refused:
        granted(state)
    assert refused.value.reason is Reason.PURPOSE_NOT_PERMITTED


def test_a_class_that_was_tightened_since_is_what_counts(state: State) -> None:
    """The policy lets nothing be lifted any more: an exemption in force lifts nothing from then on."""
    exempt(state)
    tighter = Policies({}, {"communicable-disease": PurposePolicy(regimes=REGIMES)}, (), {})
    with state.read() as tx:
        assert projects.permit(tx, ALICE, "demo", "gp", AT, tighter).regimes == ALL


def test_ended_tells_whether_one_that_counted_is_over(state: State) -> None:
    exempt(state)
    later = AT + timedelta(hours=1)
    with state.read() as tx:
        assert not exemptions.ended(tx, "demo", AT, later)
        assert exemptions.ended(tx, "demo", AT, AT + timedelta(days=30)), "its last day is over"
        assert not exemptions.ended(tx, "demo", AT - timedelta(days=1), AT + timedelta(days=30)), "it did not count then"
    state.write(lambda tx: exemptions.revoke(tx, "x", later))
    with state.read() as tx:
        assert exemptions.ended(tx, "demo", AT, AT), "revoked, also a moment after"
