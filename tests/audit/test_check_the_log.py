"""The page for those who check the log without us: its thirty lines run, and refuse what they have to."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audit.logs import START, Log
from tests.serving import Served
from tre import audit

PAGE = (Path(__file__).parents[2] / "docs/check-the-log.md").read_text()
(PROGRAM,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def check(address: str, vkey: str, *kept: Path) -> bool:
    """Whether the program of the page accepts; it runs without anything of ours."""
    command = [sys.executable, "-I", "-W", "ignore", "-c", PROGRAM, address, vkey, *map(str, kept)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode in (0, 1)
    return told.returncode == 0


def test_it_is_thirty_lines_of_plain_python() -> None:
    lines = [line for line in PROGRAM.splitlines() if line.strip()]
    assert len(lines) <= 30
    named = {line.split()[1].partition(".")[0] for line in lines if line.startswith(("import", "from"))}
    assert named <= {"base64,", "functools", "urllib", "cryptography"}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folders at some sizes, and their checkpoints kept."""
    folder = tmp_path_factory.mktemp("grown")
    with Log(folder / "home").open() as log:
        for size in (0, 1, 255, 256, 257, 515):
            log.fill(size)
            (folder / f"note{size}").write_text(log.sign())
            log.export(folder / f"out{size}")
        return folder, log.vkey


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 515])
def test_the_program_accepts_the_log_and_what_it_grew_from(grown: tuple[Path, str], size: int) -> None:
    folder, vkey = grown
    kept = [folder / f"note{earlier}" for earlier in (0, 1, 255, 256, 257, 515) if earlier <= size]
    assert check((folder / f"out{size}").as_uri(), vkey, *kept)


def test_a_partial_file_that_has_given_way_is_found_in_the_full_one(grown: tuple[Path, str], tmp_path: Path) -> None:
    folder, vkey = grown
    shutil.copytree(folder / "out515", tmp_path / "out")
    shutil.copy(folder / "note257", tmp_path / "out/checkpoint")
    assert check((tmp_path / "out").as_uri(), vkey)


def flip_an_entry(out: Path, chance: random.Random) -> None:
    _flip(chance.choice(sorted((out / "tile/entries").rglob("*0*"))), chance)


def flip_the_checkpoint(out: Path, chance: random.Random) -> None:
    text = (out / "checkpoint").read_bytes()
    place = chance.randrange(text.index(b"\n\n"))
    (out / "checkpoint").write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :])


def cut_an_entry(out: Path, chance: random.Random) -> None:
    path = out / "tile/entries/000"
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def swap_two_bundles(out: Path, _: random.Random) -> None:
    one, other = out / "tile/entries/000", out / "tile/entries/001"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def drop_a_bundle(out: Path, _: random.Random) -> None:
    (out / "tile/entries/001").unlink()


def _flip(path: Path, chance: random.Random) -> None:
    path = path if path.is_file() else next(path.iterdir())
    raw = bytearray(path.read_bytes())
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    path.write_bytes(raw)


@pytest.mark.parametrize("mutate", [flip_an_entry, flip_the_checkpoint, cut_an_entry, swap_two_bundles, drop_a_bundle])
def test_the_program_refuses_what_was_changed(
    grown: tuple[Path, str], tmp_path: Path, mutate: Callable[[Path, random.Random], None]
) -> None:
    folder, vkey = grown
    for turn in range(4):
        out = tmp_path / str(turn)
        shutil.copytree(folder / "out515", out)
        mutate(out, random.Random(turn))
        assert not check(out.as_uri(), vkey), turn


def test_only_a_checkpoint_that_was_kept_sees_a_log_signed_anew(grown: tuple[Path, str], tmp_path: Path) -> None:
    folder, vkey = grown
    (tmp_path / "fork").mkdir()
    shutil.copytree(folder / "home/keys", tmp_path / "fork/keys")
    with Log(tmp_path / "fork").open() as fork:
        fork.fill(100)
        fork.state.write(lambda tx: audit.append(tx, audit.Entry("forged", START)))
        fork.fill(300)
        fork.sign()
        fork.export(tmp_path / "out")
    address = (tmp_path / "out").as_uri()
    assert check(address, vkey) and check(address, vkey, folder / "note1")
    assert not check(address, vkey, folder / "note255")
    assert not check(address, vkey, folder / "note515")


def test_another_key_is_refused(grown: tuple[Path, str], tmp_path: Path) -> None:
    assert not check((grown[0] / "out257").as_uri(), Log(tmp_path / "other").vkey)


def test_the_program_checks_a_service(served: Served, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes((served.home / "log/checkpoint").read_bytes())
    vkey = (served.home / "log/vkey").read_text().strip()
    assert check(served.address, vkey, tmp_path / "kept")
    assert not check(served.address, vkey.replace(vkey[-9:-4], "AAAAA"))


def test_the_page_names_what_there_is() -> None:
    for path in re.findall(r"`((?:tests|docs|tre)/[^`\s]*)`", PAGE):
        assert (Path(__file__).parents[2] / path).exists(), path
    commands = (Path(__file__).parents[1] / "contracts/surface/commands.txt").read_text()
    assert "tre audit verify folder --json --key --known" in commands and "tre audit export folder" in commands
