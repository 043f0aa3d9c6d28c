"""Workers: from one to the number of cores, none of which two workers share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.journey import opened
from tre.errors import Unfit
from tre.gateway import gateway
from tre.settings import Settings, read_settings

CORES = sorted(os.sched_getaffinity(0))


@pytest.mark.parametrize("wrong", ["0", str(len(CORES) + 1), "-1", "some"])
def test_workers_that_there_cannot_be(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRE_WORKERS", wrong)
    with pytest.raises(Unfit, match="TRE_WORKERS"):
        read_settings()


@pytest.mark.parametrize("workers", sorted({1, len(CORES)}))
def test_the_cores_are_dealt_out(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRE_WORKERS", str(workers))
    dealt = gateway.share_cores(Settings().workers)
    assert len(dealt) == workers and sorted(core for one in dealt for core in one) == CORES


def test_one_worker_has_all_cores_and_the_memory(tmp_path: Path) -> None:
    given: list[tuple[object, ...]] = []

    class Vault:
        def __init__(self, *arguments: object) -> None:
            given.append(arguments)

        def prepare(self, *_: object) -> None: ...

        def close(self) -> None: ...

    with opened(tmp_path, Vault):  # type: ignore[arg-type]
        pass
    ((_, _, _, cores, memory_gb),) = given
    assert (cores, memory_gb) == (tuple(CORES), gateway.MEMORY_GB)
