"""Roots and proofs against pymerkle and against the definitions of the RFC, at every size to 300 and at some larger ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymerkle import InmemoryTree

from tests.audit import rfc6962
from tests.audit.logs import Log, entry
from tre import audit
from tre import merkle as tree

LARGER = (511, 512, 513, 777, 1000, 1024, 1025)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Log, list[bytes], InmemoryTree]]:
    leaves = [entry(number).leaf for number in range(max(LARGER))]
    oracle = InmemoryTree(algorithm="sha256")
    oracle.append_entries(leaves)
    with Log(tmp_path_factory.mktemp("grown")).open() as log:
        log.fill(len(leaves))
        yield log, leaves, oracle


@pytest.mark.parametrize("size", [*range(1, 301), *LARGER])
def test_root_of_every_size_is_the_oracles(grown: tuple[Log, list[bytes], InmemoryTree], size: int) -> None:
    log, leaves, oracle = grown
    with log.state.read() as tx:
        root = audit.root(tx, size)
    assert root == oracle.get_root(size)
    assert root == rfc6962.mth(leaves[:size])


def test_root_of_nothing_is_the_hash_of_nothing(log: Log) -> None:
    with log.state.read() as tx:
        assert audit.size(tx) == 0
        assert audit.root(tx) == rfc6962.mth([])
        assert audit.entry(tx, 0) is None


def test_inclusion_of_every_entry_is_proved(grown: tuple[Log, list[bytes], InmemoryTree]) -> None:
    log, leaves, oracle = grown
    chance = random.Random(6962)
    pairs = [(index, size) for size in range(1, 70) for index in range(size)]
    pairs += [(chance.randrange(size), size) for size in (*range(70, 301), *LARGER)]
    with log.state.read() as tx:
        for index, size in pairs:
            told = audit.inclusion(tx, index, size)
            assert told == oracle.prove_inclusion(index + 1, size).path[1:]
            root = oracle.get_root(size)
            assert rfc6962.included(tree.leaf_hash(leaves[index]), index, size, told, root)
            assert not rfc6962.included(tree.leaf_hash(leaves[index] + b" "), index, size, told, root)


def test_consistency_of_every_two_sizes_is_proved(grown: tuple[Log, list[bytes], InmemoryTree]) -> None:
    log, leaves, oracle = grown
    chance = random.Random(9162)
    pairs = [(first, second) for second in range(1, 50) for first in range(1, second + 1)]
    pairs += [(chance.randint(1, second), second) for second in (*range(50, 301), *LARGER)]
    with log.state.read() as tx:
        for first, second in pairs:
            told = audit.consistency(tx, first, second)
            assert told == rfc6962.proof(first, leaves[:second])
            assert rfc6962.consistent(first, second, told, oracle.get_root(first), oracle.get_root(second))


def test_a_proof_reads_a_few_hashes_per_level() -> None:
    reads = []

    def read(level: int, position: int) -> bytes:
        reads.append((level, position))
        return b"\0" * 32

    size = 1_000_003
    for ask in (
        lambda: tree.root(read, size),
        lambda: tree.inclusion(read, 777_777, size),
        lambda: tree.consistency(read, 654_321, size),
    ):
        reads.clear()
        ask()
        assert len(reads) <= 2 * size.bit_length()


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, 99)])
def test_no_proof_of_an_entry_that_is_not_there(log: Log, index: int, size: int) -> None:
    log.fill(5)
    with log.state.read() as tx, pytest.raises(ValueError):
        audit.inclusion(tx, index, size)


def test_no_consistency_with_an_earlier_or_a_future_size(log: Log) -> None:
    log.fill(5)
    with log.state.read() as tx:
        assert audit.consistency(tx, 0, 5) == audit.consistency(tx, 5, 5) == []
        for first, second in ((4, 3), (1, 6), (-1, 2)):
            with pytest.raises(ValueError):
                audit.consistency(tx, first, second)
        with pytest.raises(ValueError):
            audit.root(tx, 6)


def test_the_tree_of_the_log_lives_in_the_file_alone(tmp_path: Path) -> None:
    with Log(tmp_path).open() as log:
        log.fill(7)
    with Log(tmp_path).open() as log:
        log.fill(13)
        with log.state.read() as tx:
            assert audit.root(tx) == rfc6962.mth([entry(number).leaf for number in range(13)])
