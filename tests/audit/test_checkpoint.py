"""A checkpoint is a signed note as C2SP writes it; a size is signed once, and never a smaller one after it."""

from __future__ import annotations

import base64
import hashlib
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.audit.logs import ORIGIN, START, Log, tampering
from tre import audit
from tre.errors import Fault


def test_the_note_is_a_checkpoint_byte_by_byte(log: Log) -> None:
    log.fill(3)
    note = log.sign()
    with log.state.read() as tx:
        root = audit.root(tx)
        assert audit.latest(tx) == note
    text = f"{ORIGIN}\n3\n{base64.b64encode(root).decode()}\n"
    assert note.startswith(f"{text}\n— {ORIGIN} ")
    assert note.endswith("\n")
    signature = base64.b64decode(note.removeprefix(f"{text}\n— {ORIGIN} ").removesuffix("\n"))
    key_id = hashlib.sha256(ORIGIN.encode() + b"\x0a\x01" + log.keys.verify_key).digest()[:4]
    assert signature[:4] == key_id
    Ed25519PublicKey.from_public_bytes(log.keys.verify_key).verify(signature[4:], text.encode())
    typed = base64.b64encode(b"\x01" + log.keys.verify_key).decode()
    assert log.vkey == f"{ORIGIN}+{key_id.hex()}+{typed}"


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
    ],
)
def test_verifier_keys_are_spelt_as_others_spell_theirs(vkey: str) -> None:
    """The example of Go's note package, and the key of its public checksum database."""
    name, _, key = vkey.split("+", 2)
    assert audit.vkey(name, base64.b64decode(key)[1:]) == vkey


def test_an_empty_log_can_be_signed(log: Log) -> None:
    assert log.sign().split("\n")[1:3] == ["0", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]
    log.fill(1)
    assert log.sign().split("\n")[1] == "1"
    assert log.verify().ok


def test_nothing_new_gives_the_earlier_note_again(log: Log) -> None:
    log.fill(4)
    first = log.sign()
    assert log.sign() == first
    with tampering(log.path) as file:
        assert file.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)


def test_a_smaller_size_is_never_signed(log: Log) -> None:
    log.fill(6)
    log.sign()
    with tampering(log.path) as file:
        file.execute('DELETE FROM entries WHERE "index" > 3')
    with pytest.raises(Fault):
        log.sign()


@pytest.mark.parametrize("size", [6, 7])
def test_another_root_for_a_signed_size_is_never_signed(log: Log, size: int) -> None:
    log.fill(6)
    log.sign()
    with tampering(log.path) as file:
        file.execute("UPDATE subtrees SET hash = zeroblob(32) WHERE level = 2 AND position = 0")
    log.fill(size)
    with pytest.raises(Fault):
        log.sign()


def test_two_publishers_racing_sign_one_tree(tmp_path: Path) -> None:
    with Log(tmp_path).open() as one, Log(tmp_path).open() as other:
        notes: list[str] = []

        def publish(log: Log) -> None:
            for _ in range(60):
                log.state.write(lambda tx: audit.append(tx, audit.Entry("asked", START)))
                notes.append(log.sign())

        threads = [threading.Thread(target=publish, args=(log,)) for log in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(notes) == 120
        by_size: dict[str, set[str]] = {}
        for note in notes:
            by_size.setdefault(note.split("\n")[1], set()).add(note)
        assert all(len(same) == 1 for same in by_size.values())
        verdict = one.verify(tuple(set(notes)))
        assert (verdict.ok, verdict.size) == (True, 120)


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "line\nbreak", "tab\there", "zero\u200bwidth"])
def test_an_origin_is_a_keys_name(log: Log, origin: str) -> None:
    with pytest.raises(ValueError):
        log.sign(origin)


def test_a_new_key_signs_from_the_next_size_on(log: Log, tmp_path: Path) -> None:
    log.fill(2)
    log.sign()
    old, new = log.keys, Log(tmp_path / "new").keys
    log.fill(3)
    log.keys = new
    log.sign()
    keys = [audit.vkey(ORIGIN, key.verify_key) for key in (old, new)]
    assert audit.verify_database(log.path, keys).ok
    assert not audit.verify_database(log.path, keys[:1]).ok
    assert not audit.verify_database(log.path, keys[1:]).ok
