"""The log at 100,000 entries, and a stop at every system call that matters: the long tests of `make audit PART=log`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pymerkle import InmemoryTree

from tests.audit.logs import START, Log, entry, tampering
from tests.audit.test_durability import acks, appender, check
from tre import audit

pytestmark = pytest.mark.audit
SIZE = 100_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with Log(tmp_path_factory.mktemp("large")).open() as log:
        for size in range(5_000, SIZE + 1, 5_000):
            log.fill(size)
            log.sign()
        yield log


def test_a_hundred_thousand_entries_are_checked_in_ten_seconds(large: Log, tmp_path: Path) -> None:
    started = time.monotonic()
    verdict = large.verify()
    assert time.monotonic() - started <= 10
    assert (verdict.ok, verdict.size) == (True, SIZE), verdict
    large.export(tmp_path / "out")
    started = time.monotonic()
    told = audit.verify_folder(tmp_path / "out", [large.vkey])
    assert time.monotonic() - started <= 10
    assert (told.ok, told.size, told.root) == (True, SIZE, verdict.root)


def test_the_tiles_of_a_large_log_are_all_there_and_each_is_looked_at(large: Log, tmp_path: Path) -> None:
    large.export(tmp_path / "out")
    for name, first in (("1/000", 0), ("1/001.p/134", 65_536), ("2/000.p/1", 0), ("0/390.p/160", 99_840), ("0/255", 65_280)):
        path = tmp_path / "out/tile" / name
        raw = path.read_bytes()
        path.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
        verdict = audit.verify_folder(tmp_path / "out", [large.vkey])
        assert (verdict.ok, verdict.first_bad) == (False, first), name
        path.write_bytes(raw)
    assert audit.verify_folder(tmp_path / "out", [large.vkey]).ok


def test_root_and_proofs_of_a_large_log_are_the_oracles(large: Log) -> None:
    oracle = InmemoryTree(algorithm="sha256")
    oracle.append_entries([entry(number).leaf for number in range(SIZE)])
    with large.state.read() as tx:
        for size in (65_535, 65_536, 65_537, 99_999, SIZE):
            assert audit.root(tx, size) == oracle.get_root(size)
            assert audit.inclusion(tx, size // 3, size) == oracle.prove_inclusion(size // 3 + 1, size).path[1:]


def test_an_entry_cut_out_of_a_large_log_is_named(large: Log, tmp_path: Path) -> None:
    large.state.write(lambda tx: None)
    shutil.copytree(large.home, tmp_path / "copy")
    with tampering(tmp_path / "copy" / large.path.name) as file:
        file.execute('DELETE FROM entries WHERE "index" = 77777')
    assert audit.verify_database(tmp_path / "copy" / large.path.name, [large.vkey]).first_bad == 77_777


late = START + timedelta(seconds=SIZE)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"after": 90_000},
        {"project": "p1"},
        {"project": "p1", "kind": "refused"},
        {"dataset": "gp", "kind": "asked", "outcome": "released"},
        {"project": "p1", "researcher": "r:3", "kind": "refused", "outcome": "refused", "reason": "too-large", "dataset": "gp"},
        {"project": "nobody's"},
        {"dataset": "gp", "project": "nobody's"},
        {"since": late},
        {"until": START},
        {"since": late - timedelta(seconds=50)},
        {"dataset": "gp", "since": late},
        {"kind": "asked", "dataset": "gp", "since": START, "until": START},
        {"kind": "refused", "outcome": "released"},
        {"limit": 1000},
    ],
    ids=str,
)
def test_a_page_of_a_large_log_takes_at_most_200_ms(large: Log, asked: dict[str, object]) -> None:
    took = []
    for _ in range(5):
        with large.state.read() as tx:
            started = time.monotonic()
            audit.page(tx, **asked)  # type: ignore[arg-type]
            took.append(time.monotonic() - started)
    assert sorted(took)[2] <= 0.2


@pytest.mark.parametrize("when", range(5, 250, 4))
def test_killed_inside_a_system_call_of_an_append(tmp_path: Path, tool: Callable[[str], str], when: int) -> None:
    killing = (tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync,ftruncate,unlink")
    inject = f"inject=pwrite64,fdatasync,ftruncate,unlink:signal=KILL:when={when}"
    process = appender(tmp_path, "killed", 1000, 2, *killing, "-e", inject)
    out, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    with Log(tmp_path).open() as log:
        log.fill(3)
        check(log, list(acks(iter(out.splitlines()))), whole=False)


@pytest.mark.parametrize("fault", ["signal=KILL", "error=EIO"])
def test_every_system_call_of_an_export_fails_once(log: Log, tmp_path: Path, tool: Callable[[str], str], fault: str) -> None:
    out, copy, trace, sizes = tmp_path / "out", tmp_path / "copy", tmp_path / "trace", []
    log.fill(250)
    log.sign()
    log.export(out)
    log.fill(515)
    log.sign()
    script = (sys.executable, "-I", str(Path(__file__).with_name("exporter.py")), str(log.home), str(copy))
    for call in ("rename", "fsync", "mkdir", "unlinkat", "rmdir", "flock"):
        for when in range(1, 100):
            shutil.copytree(out, copy)
            inject = ("-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={when}")
            subprocess.run(
                [tool("strace"), "-f", "-qq", "-o", str(trace), *inject, *script], capture_output=True, timeout=60, check=False
            )
            verdict = audit.verify_folder(copy, [log.vkey])
            assert verdict.ok, (call, when, verdict)
            log.export(copy)
            assert audit.verify_folder(copy, [log.vkey]).size == 515
            shutil.rmtree(copy)
            if "INJECTED" not in trace.read_text() and "SIGKILL" not in trace.read_text():
                break
            sizes.append(verdict.size)
    assert len(sizes) > 35
    assert set(sizes) == {250, 515}
