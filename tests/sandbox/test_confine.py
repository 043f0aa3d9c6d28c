"""What a confined child can no longer do, each with the control: what an unconfined one, or an allowed place, still can."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import Places
from tre import sandbox

Ask = Callable[..., Any]


@pytest.fixture
def port() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_the_allowed_folders_are_open(ask: Ask, places: Places) -> None:
    assert ask("read", path=f"{places.read}/file") == "done: 'content'"
    assert ask("write", path=f"{places.write}/new").startswith("done")
    assert ask("copy", path=f"{places.write}/rows.csv") == "done: 'written'"
    assert ask("remove", path=f"{places.write}/new").startswith("done")


@pytest.mark.parametrize("act", ["read", "write", "truncate", "remove"])
def test_nothing_outside_is_open(ask: Ask, places: Places, act: str) -> None:
    assert ask(act, path=f"{places.outside}/file") == "PermissionError"
    assert (places.outside / "file").read_text() == "content"


@pytest.mark.parametrize("act", ["write", "truncate", "remove"])
def test_the_folder_to_read_is_not_written(ask: Ask, places: Places, act: str) -> None:
    assert ask(act, path=f"{places.read}/file") == "PermissionError"


def test_names_outside_are_not_listed(ask: Ask, places: Places) -> None:
    assert ask("list", path=str(places.outside)) == "PermissionError"
    assert ask("list", path=str(places.read.parent)) == "PermissionError"
    beside_the_package = Path(sandbox.__file__).parents[1]  # where TRE_HOME may lie
    assert ask("list", path=str(beside_the_package)) == "PermissionError"


def test_nothing_is_moved_out_or_linked(ask: Ask, places: Places) -> None:
    assert ask("rename", path=f"{places.write}/file", to=f"{places.outside}/moved") != "done: None"
    assert ask("symlink", path=f"{places.write}/link") == "PermissionError"
    assert not (places.outside / "moved").exists()


@pytest.mark.parametrize("turn", range(20))
def test_a_thread_of_duckdb_cannot_write_outside(ask: Ask, places: Places, turn: int) -> None:
    target = places.outside / f"rows{turn}.csv"
    assert ask("copy", path=str(target)) == "IOException"
    assert not target.exists()


def test_an_unconfined_child_can(start: Callable[..., sandbox.Child], places: Places) -> None:
    """The control: without the sandbox the same acts succeed, so the tests above can fail."""
    free = start("free")
    assert free.call({"act": "copy", "path": f"{places.outside}/rows.csv"}, 30)["said"] == "done: 'written'"
    for act in ("fork", "spawn", "udp"):
        assert free.call({"act": act}, 10)["said"].startswith("done")


def test_a_thread_of_duckdb_cannot_read_outside(ask: Ask, places: Places) -> None:
    assert ask("read_csv", path=f"{places.read}/file") == "done: [('content',)]"
    assert ask("read_csv", path=f"{places.outside}/file") == "IOException"


@pytest.mark.parametrize("act", ["udp", "unix", "fork", "spawn", "exec"])
def test_no_socket_and_no_program(ask: Ask, act: str) -> None:
    assert ask(act) == "PermissionError"


def test_no_connection(ask: Ask, start: Callable[..., sandbox.Child], port: int) -> None:
    assert start("free").call({"act": "connect", "port": port}, 10)["said"] == "done: None"
    assert ask("connect", port=port) == "PermissionError"


def test_threads_still_start(ask: Ask) -> None:
    assert ask("thread") == "done: 'ran'"


def test_the_parent_is_out_of_reach(ask: Ask, start: Callable[..., sandbox.Child]) -> None:
    import os

    assert start("free").call({"act": "parent"}, 10)["said"].startswith("done")
    assert ask("parent") == "PermissionError"
    assert ask("signal", pid=os.getpid()) == "PermissionError"


def test_no_environment_and_no_descriptor_comes_along(
    ask: Ask, start: Callable[..., sandbox.Child], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRE_TOKEN", "secret")
    with (tmp_path / "held").open("w") as held:
        held.flush()
        child = start()
        assert set(child.call({"act": "environ"}, 10)["said"]) <= {"LANG", "LC_CTYPE"}
        assert child.call({"act": "descriptors"}, 10)["said"] == "done: [0, 1, 2, 3, 4, 5, 6]"  # streams, pipes, this listing


def test_memory_is_bounded(ask: Ask) -> None:
    assert ask("memory", bytes=2**20) == f"done: {2**20}"
    assert ask("memory", bytes=9 * 2**30) == "MemoryError"


def test_without_landlock_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "landlock_version", lambda: 0)
    monkeypatch.setattr(sandbox, "_lower", lambda limit, value: None)
    with pytest.raises(sandbox.NoSandbox):
        sandbox.confine([], [])
    sandbox.confine([], [], sandbox=False)
