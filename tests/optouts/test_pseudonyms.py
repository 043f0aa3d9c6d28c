"""Pseudonyms in a register: nothing without the key, and nothing that two homes share."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.optouts.conftest import AT, NUMBERS
from tre import optouts
from tre.keys import Keys
from tre.persons import pseudonym, pseudonyms_under
from tre.state import State


def register(state: State, key: bytes) -> set[bytes]:
    """What stands in a register after these people objected."""
    delivery = optouts.receive(optouts.lines_of("local", NUMBERS), key)["local"]
    state.write(lambda tx: optouts.apply(tx, "local", delivery.pseudonyms, {}, "test", AT))
    with state.read() as tx:
        return set(optouts.pseudonyms(tx, ["local"]))


def test_a_dictionary_of_all_numbers_finds_nobody_without_the_key(state: State) -> None:
    """Everybody's number hashed by all that needs no key; with the key everybody is found, so that the attack could work."""
    key = secrets.token_bytes(32)
    stolen = register(state, key)
    guesses = [b"", bytes(32), b"0" * 32, hashlib.sha256(b"tre").digest(), secrets.token_bytes(32)]
    for number in NUMBERS:
        raw = number.encode()
        tried = {hashlib.new(name, raw).digest()[:16] for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b")}
        tried |= {hmac.digest(guess, raw, "sha256")[:16] for guess in guesses}
        assert not tried & stolen
    assert {hmac.digest(key, number.encode(), "sha256")[:16] for number in NUMBERS} == stolen


def test_the_pseudonyms_of_two_homes_do_not_match(state: State, tmp_path: Path) -> None:
    one, other = (Keys.open(tmp_path / name) for name in ("one", "other"))
    made = [{pseudonym(keys.pseudonym, number) for number in NUMBERS} for keys in (one, other)]
    assert len(made[0]) == len(made[1]) == len(NUMBERS) and not made[0] & made[1]
    assert one.receipts != other.receipts and one.receipts not in (one.pseudonym, one.verify_key)


@given(st.binary(min_size=1, max_size=80), st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" "), max_size=20))
def test_many_are_made_as_one_is(key: bytes, identifier: str) -> None:
    assert pseudonyms_under(key)(identifier) == pseudonym(key, identifier)
