"""Identities: a token that is shown once and stored nowhere, roles, and an end that is at once."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tre import projects
from tre.errors import Reason, Refusal
from tre.state import State, Transaction

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make(state: State, name: str, *roles: str) -> str:
    return state.write(lambda tx: projects.make_identity(tx, name, roles, f"r:{name}", AT))


def who(state: State, token: str) -> Any:
    with state.read() as tx:
        return projects.who(tx, token)


def refused(state: State, reason: Reason, act: Callable[[Transaction], Any]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        state.write(act)
    assert caught.value.reason is reason
    return caught.value


def test_a_token_names_its_identity(state: State) -> None:
    token = make(state, "alice", "researcher", "auditor")
    assert re.fullmatch(r"tre_[A-Za-z0-9_-]{43}", token)
    person = who(state, token)
    assert (person.name, person.pseudonym, person.roles) == ("alice", "r:alice", {"researcher", "auditor"})


def test_two_tokens_are_never_alike(state: State) -> None:
    assert len({make(state, f"n{number}") for number in range(50)}) == 50


def test_no_file_of_the_database_holds_a_token(state: State, tmp_path: Path) -> None:
    """Neither as text nor as the 32 bytes it encodes; the digest is there, so the search looks in the right place."""
    tokens = [make(state, f"n{number}", "researcher") for number in range(20)]
    tokens += [state.write(lambda tx: projects.renew(tx, "n3"))]
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    for token in tokens:
        secret = token.removeprefix("tre_")
        raw = base64.urlsafe_b64decode(secret + "=")
        assert not any(secret.encode() in file or raw in file for file in files)
    assert any(hashlib.sha256(tokens[-1].encode()).digest() in file for file in files)


@pytest.mark.parametrize("spoil", [
    lambda token: token[:-1], lambda token: token + "A", lambda token: token[4:], lambda token: token.upper(), lambda token: "",
    lambda token: token + "\n", lambda token: " " + token, lambda token: "tre_" + "A" * 43, lambda token: "é" * 47,
    lambda token: "\ud800" * 47, lambda token: "x" * 10**6, lambda token: hashlib.sha256(token.encode()).hexdigest(),
])  # fmt: skip
def test_anything_else_names_nobody(spoil: Callable[[str], str], state: State) -> None:
    assert who(state, spoil(make(state, "alice"))) is None


def test_a_revoked_identity_is_nobody_from_then_on(state: State) -> None:
    token, other = make(state, "alice", "admin"), make(state, "bob")
    gone = state.write(lambda tx: projects.revoke(tx, "alice", AT))
    assert gone.revoked_at == "2026-03-01T12:00:00.000000Z"
    assert who(state, token) is None and who(state, other) is not None
    again = state.write(lambda tx: projects.revoke(tx, "alice", datetime(2027, 1, 1, tzinfo=UTC)))
    assert again.revoked_at == gone.revoked_at
    refused(state, Reason.INVALID_REQUEST, lambda tx: projects.renew(tx, "alice"))
    refused(state, Reason.NOT_FOUND, lambda tx: projects.revoke(tx, "nobody", AT))


def test_a_renewed_token_replaces_the_old_one(state: State) -> None:
    old = make(state, "alice", "admin")
    new = state.write(lambda tx: projects.renew(tx, "alice"))
    assert new != old and who(state, old) is None and who(state, new).name == "alice"


def test_a_name_is_given_once(state: State) -> None:
    make(state, "alice")
    refused(state, Reason.INVALID_REQUEST, lambda tx: projects.make_identity(tx, "alice", (), "r:2", AT))
    state.write(lambda tx: projects.revoke(tx, "alice", AT))
    refused(state, Reason.INVALID_REQUEST, lambda tx: projects.make_identity(tx, "alice", (), "r:3", AT))


@pytest.mark.parametrize("name", ["", "A", "a b", "a\n", "\na", "a/b", "é", ".a", "-a", "_a", "a" * 65, "a\x00", "a:b"])
def test_a_name_that_could_be_mistaken_is_refused(name: str, state: State) -> None:
    refused(state, Reason.INVALID_REQUEST, lambda tx: projects.make_identity(tx, name, (), "r:x", AT))


@pytest.mark.parametrize("name", ["a", "0", "a.b_c-d", "a" * 64])
def test_other_names_are_taken(name: str, state: State) -> None:
    make(state, name)


def test_roles_are_exactly_those_given(state: State) -> None:
    token = make(state, "alice")
    assert who(state, token).roles == frozenset()
    state.write(lambda tx: projects.set_roles(tx, "alice", ["checker", "admin", "admin"]))
    assert who(state, token).roles == {"admin", "checker"}
    state.write(lambda tx: projects.set_roles(tx, "alice", []))
    assert who(state, token).roles == frozenset()
    refused(state, Reason.INVALID_REQUEST, lambda tx: projects.set_roles(tx, "alice", ["owner"]))
    refused(state, Reason.INVALID_REQUEST, lambda tx: projects.set_roles(tx, "alice", ["admin,controller"]))
    refused(state, Reason.NOT_FOUND, lambda tx: projects.set_roles(tx, "nobody", ["admin"]))


def test_the_list_of_identities_holds_no_token(state: State) -> None:
    tokens = [make(state, name) for name in ("bob", "alice")]
    state.write(lambda tx: projects.revoke(tx, "bob", AT))
    with state.read() as tx:
        listed = projects.identities(tx)
    assert [(one.name, one.revoked_at is None) for one in listed] == [("alice", True), ("bob", False)]
    assert not any(token[4:] in repr(listed) for token in tokens)


def test_an_identity_is_never_taken_out(state: State) -> None:
    make(state, "alice")
    with pytest.raises(Exception, match="what was written stays"):
        state.write(lambda tx: tx.execute(text("DELETE FROM identities")))
