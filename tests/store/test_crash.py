"""A load that does not end leaves nothing: no snapshot, no identifier, no pseudonym; and the next one cleans up after a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.store.conftest import KEY
from tre.policy import DatasetPolicy
from tre.store import Loaded, load, loading, manifest, sweep
from tre.store.files import workshop

HERE = Path(__file__).parent
STEPS = ["find_sources", "stage", "attach", "write_persons", "write_table", "detach", "prove", "write_manifest", "publish_folder"]


# After the last step the snapshot stands; it is live only by a row of the database.
@pytest.mark.parametrize(("step", "after"), [(step, after) for after in (False, True) for step in STEPS][:-1])
def test_a_load_that_is_interrupted_leaves_nothing(
    step: str, after: bool, ward: DatasetPolicy, planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = manifest if step in ("prove", "write_manifest") else loading
    wanted = getattr(within, step)

    def interrupted(*arguments: object) -> None:
        if after:
            wanted(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(within, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(ward, planted, tmp_path, KEY)
    assert [path.name for path in (tmp_path / "ward").iterdir()] == [".lock"]


KILLED = """
import sys, time
from pathlib import Path
from tests.store.conftest import KEY, ward_policy
from tre.store import load, loading

def wait(*_):
    print("here", flush=True)
    time.sleep(60)

setattr(loading, sys.argv[1], wait)
load(ward_policy(Path(sys.argv[2]) / "policy"), Path(sys.argv[3]), Path(sys.argv[2]) / "store", KEY)
"""


@pytest.mark.parametrize("step", ["write_persons", "publish_folder"])
def test_a_killed_load_is_never_seen_and_is_swept_by_the_next(
    step: str, ward: DatasetPolicy, planted: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, step, str(tmp_path), str(planted)]
    with subprocess.Popen(command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True) as loader:
        assert loader.stdout is not None and loader.stdout.readline() == "here\n"
        begun = [path.name for path in (tmp_path / "store/ward").iterdir() if path.is_dir()]
        # Another load beside it leaves the folder of the living alone.
        load(ward, planted, tmp_path / "store", KEY)
        assert (tmp_path / "store/ward" / begun[0]).is_dir()
        loader.send_signal(signal.SIGKILL)
    assert len(begun) == 1 and begun[0].startswith(".begun-")
    assert (tmp_path / "store/ward" / begun[0]).is_dir()
    time.sleep(0.01)
    load(ward, planted, tmp_path / "store", KEY)
    names = sorted(path.name for path in (tmp_path / "store/ward").iterdir())
    assert names[0] == ".lock" and len(names) == 3 and not [name for name in names if name.startswith(".begun")]


def test_a_sweep_removes_what_the_dead_left_and_nothing_else(ward: DatasetPolicy, planted: Path, tmp_path: Path) -> None:
    folder = Path(load(ward, planted, tmp_path, KEY).snapshot.folder)
    for place in (folder.parent, folder / "exclusions"):
        (place / ".begun-dead").mkdir()
        (place / ".begun-dead/.lock").touch()
    with workshop(folder / "exclusions") as living:
        (folder / "exclusions/.begun-dead").mkdir(exist_ok=True)
        sweep(tmp_path)
        assert [path.name for path in tmp_path.rglob(".begun-*")] == [living.name]
    assert {path.name for path in folder.iterdir()} == {"persons.duckdb", "events.duckdb", "manifest.json", "exclusions"}


def test_a_folder_that_was_only_just_begun_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".begun-0").mkdir()
    with workshop(tmp_path) as folder:
        assert [path.name for path in tmp_path.glob(".begun-*")] == [folder.name]
        assert folder.stat().st_mode & 0o777 == 0o700


def test_nobody_else_reads_a_snapshot_and_nobody_writes_it(loaded: Loaded) -> None:
    folder = Path(loaded.snapshot.folder)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    expected = {"persons.duckdb": 0o400, "events.duckdb": 0o400, "manifest.json": 0o400, "exclusions": 0o700, folder.name: 0o700}
    assert modes == expected


def test_no_identifier_stays_behind(loaded: Loaded, planted: Path) -> None:
    """No number, as text or as bytes of an integer; pseudonyms in the persons' file alone."""
    store = Path(loaded.snapshot.folder).parent
    numbers = [line.split(",")[0] for line in (planted / "patients.csv").read_text().splitlines()[1:]]
    whole = [number for number in numbers if len(number) == 10]  # the planted wrong ones are found in any file by chance
    wanted = [number.encode() for number in whole] + [int(number).to_bytes(8, "little") for number in whole if number.isdigit()]
    for path in store.rglob("*"):
        raw = path.read_bytes() if path.is_file() else b""
        assert not [found for found in wanted if found in raw], path.name
