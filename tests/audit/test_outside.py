"""The log before a judge that nobody here wrote: the code of Go's checksum database accepts it at every size, and refuses ten
thousand mutations of ten thousand. Long: `make audit PART=log`, where Go and its x/mod are installed."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audit.logs import ORIGIN, START, Log
from tests.audit.test_rotation import Rotated
from tests.serving import REGIONS, Served, copy_home
from tre import audit

pytestmark = pytest.mark.audit
SIZES = (1, 255, 256, 257, 20_000)
MUTATIONS = 2_000
GOPATH = Path("/usr/share/gocode")


@pytest.fixture(scope="module")
def outside(
    tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    go = tool("go")
    if not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("not run: golang-golang-x-mod-dev is not installed")
    built = tmp_path_factory.mktemp("outside")
    offline = {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOCACHE": str(built / "cache"), "GOFLAGS": "", "GOPROXY": "off"}
    command = [go, "build", "-buildvcs=false", "-o", str(built / "outside"), "."]
    subprocess.run(command, env=os.environ | offline, check=True, timeout=300, cwd=Path(__file__).with_name("outside"))

    def run(*given: object, key: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(built / "outside"), *map(str, given)]
        return subprocess.run(command, env={"OUTSIDE_KEY": key}, capture_output=True, text=True, timeout=900, check=False)

    return run


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Log, Path]:
    """One log at each size: a fresh folder for it, the folder that grows along, and its checkpoint kept."""
    folder = tmp_path_factory.mktemp("grown")
    with Log(folder / "home").open() as log:
        for size in SIZES:
            log.fill(size)
            (folder / f"note{size}").write_text(log.sign())
            log.export(folder / f"fresh{size}")
            log.export(folder / "growing")
            (folder / f"grown{size}").mkdir()
            subprocess.run(["cp", "-r", f"{folder / 'growing'}/.", str(folder / f"grown{size}")], check=True)
    return log, folder


@pytest.mark.parametrize("size", SIZES)
def test_the_log_is_accepted_at_every_size_and_with_its_growth(outside, grown: tuple[Log, Path], size: int) -> None:  # type: ignore[no-untyped-def]
    log, folder = grown
    kept = [folder / f"note{earlier}" for earlier in SIZES if earlier <= size]
    for kind in ("fresh", "grown"):
        told = outside(log.vkey, folder / f"{kind}{size}", *kept)
        assert (told.returncode, told.stderr) == (0, ""), told
        assert told.stdout == f"{size} entries hold, and begin with {len(kept)} earlier checkpoints\n"
    for later in (later for later in SIZES if later > size):
        assert outside(log.vkey, folder / f"fresh{size}", folder / f"note{later}").returncode == 1


@pytest.mark.parametrize("size", SIZES)
def test_every_mutation_is_refused(outside, grown: tuple[Log, Path], size: int) -> None:  # type: ignore[no-untyped-def]
    """Bits flipped, files and entries dropped and swapped, files and the log cut, the log forked; with the log's own key too."""
    log, folder = grown
    typed = b"\1" + (log.home / "keys/signing.key").read_bytes()
    key = f"PRIVATE+KEY+{ORIGIN}+{log.vkey.split('+')[1]}+{base64.b64encode(typed).decode()}"
    kept = [folder / f"note{earlier}" for earlier in SIZES if earlier <= size]
    told = outside("-mutate", MUTATIONS, "-seed", size, log.vkey, folder / f"fresh{size}", *kept, key=key)
    assert told.returncode == 0, told
    assert told.stdout.endswith(f"refused {MUTATIONS} of {MUTATIONS}\n"), told
    assert told.stdout.count("refused\n") == 9


def test_another_key_is_refused(outside, grown: tuple[Log, Path], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert outside(Log(tmp_path / "other").vkey, grown[1] / "fresh256").returncode == 1


def test_a_fork_needs_a_checkpoint_kept_earlier(outside, grown: tuple[Log, Path], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The log's own key signs another log: nothing in the folder can tell, and the checkpoint someone kept does."""
    log, folder = grown
    other = Log(tmp_path / "fork")
    other.keys = log.keys
    with other.open():
        other.fill(100)
        other.state.write(lambda tx: audit.append(tx, audit.Entry("forged", START)))
        other.fill(300)
        other.sign()
        other.export(tmp_path / "out")
    assert outside(log.vkey, tmp_path / "out").returncode == 0
    assert outside(log.vkey, tmp_path / "out", folder / "note1").returncode == 0
    assert outside(log.vkey, tmp_path / "out", folder / "note255").returncode == 1


def test_a_log_whose_key_was_rotated_is_accepted_with_all_its_keys(outside, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    made = Rotated(tmp_path)
    made.log.state.close()
    kept = [tmp_path / f"note{number}" for number in range(3)]
    assert outside(" ".join(made.vkeys), tmp_path / "out", *kept).returncode == 0
    assert outside(made.vkeys[2], tmp_path / "out", kept[2]).returncode == 0
    assert outside(made.vkeys[0], tmp_path / "out").returncode == 1
    for number in (1, 2):
        for vkey in made.vkeys[number - 1 : number + 1]:
            assert outside(vkey, tmp_path / f"double{number}").returncode == 0


def test_a_whole_run_is_accepted(outside, furnished: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """What a service publishes at its start and, after questions, at its next one."""
    home = copy_home(furnished, tmp_path / "home")
    with Served(home) as served, served.client() as client:
        vkey = (home / "log/vkey").read_text().strip()
        (tmp_path / "kept").write_bytes((home / "log/checkpoint").read_bytes())
        for share in (0.001, 0.002, 0.001):
            client.ask(REGIONS, project="demo", dataset="gp", share=share)
    with Served(home):
        pass
    told = outside(vkey, home / "log", tmp_path / "kept")
    assert told.returncode == 0, told
    assert int(told.stdout.split()[0]) > int((tmp_path / "kept").read_text().split("\n")[1])
