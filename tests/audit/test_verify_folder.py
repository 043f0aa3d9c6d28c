"""Every way found to tamper with an exported log is caught, and the first bad entry is named.

Base: 600 entries, exported at 515, 520 and 600, so that partial files of earlier checkpoints lie beside the needed ones.
"""

from __future__ import annotations

import base64
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audit import rfc6962
from tests.audit.logs import ORIGIN, Log, entry
from tests.audit.test_verify_database import forged
from tre import audit

SIZE, ROUNDS = 600, 60
BOUNDS = {number: [0] for number in range(3)}
for _number in range(SIZE):
    BOUNDS[_number // 256].append(BOUNDS[_number // 256][-1] + 2 + len(entry(_number).leaf))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[str]]:
    folder = tmp_path_factory.mktemp("folder")
    with Log(tmp_path_factory.mktemp("base")).open() as log:
        notes = []
        for size in (515, 520, SIZE):
            log.fill(size)
            notes.append(log.sign())
            log.export(folder)
    assert audit.verify_folder(folder, [log.vkey], notes).ok
    assert {path.name for path in (folder / "tile/entries/002.p").iterdir()} == {"3", "8", "88"}
    return folder, log.vkey, notes


def all_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def needed(folder: Path) -> list[Path]:
    """The files that the newest checkpoint cannot do without."""
    return [path for path in all_files(folder / "tile") if path.parent.name != "002.p" or path.name == "88"]


def entry_at(folder: Path, path: Path, offset: int) -> int | None:
    """The first entry that a byte of a file is about."""
    parts = path.relative_to(folder).parts
    if parts[0] != "tile":
        return None
    number = int(parts[2][:3])
    if parts[1] == "entries":
        return number * 256 + max(place for place, start in enumerate(BOUNDS[number]) if start <= offset)
    return (number * 256 + offset // 32) << (8 * int(parts[1]))


def flip(folder: Path, chance: random.Random) -> int | None:
    path = chance.choice(all_files(folder))
    raw = bytearray(path.read_bytes())
    place = chance.randrange(len(raw))
    raw[place] ^= 1 << chance.randrange(8)
    path.write_bytes(raw)
    return entry_at(folder, path, place)


def drop_file(folder: Path, chance: random.Random) -> int | None:
    path = chance.choice([*needed(folder), folder / "checkpoint"])
    path.unlink()
    at = entry_at(folder, path, 0)
    # Of the last bundle, an older and shorter version is still there.
    return 520 if path.relative_to(folder).parts[:3] == ("tile", "entries", "002.p") else at


def cut(folder: Path, chance: random.Random) -> int | None:
    path = chance.choice(all_files(folder))
    left = chance.randrange(path.stat().st_size)
    path.write_bytes(path.read_bytes()[:left])
    return entry_at(folder, path, left)


def reorder_entries(folder: Path, chance: random.Random) -> int:
    number = chance.randrange(2)
    path = folder / f"tile/entries/00{number}"
    one, other = chance.sample(range(256), 2)
    leaves = [entry(number * 256 + place).leaf for place in range(256)]
    leaves[one], leaves[other] = leaves[other], leaves[one]
    path.write_bytes(b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves))
    return number * 256 + min(one, other)


def reorder_files(folder: Path, chance: random.Random) -> int:
    level = chance.choice(("0", "entries"))
    one, other = folder / f"tile/{level}/000", folder / f"tile/{level}/001"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return 0


def append_to_a_file(folder: Path, chance: random.Random) -> int | None:
    path = chance.choice(all_files(folder / "tile"))
    path.write_bytes(path.read_bytes() + chance.randbytes(chance.choice((1, 32, 300))))
    return -1


def forge_with_tiles(folder: Path, chance: random.Random) -> int:
    """Entry, bundle and all tiles agree on a forged entry: only the signed root speaks against it."""
    at = chance.randrange(512)
    leaves = [entry(number).leaf for number in range(SIZE)]
    leaves[at] = forged(at)
    number = at // 256
    mine = leaves[number * 256 : number * 256 + 256]
    (folder / f"tile/entries/00{number}").write_bytes(b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in mine))
    (folder / f"tile/0/00{number}").write_bytes(b"".join(rfc6962.mth([leaf]) for leaf in mine))
    (folder / "tile/1/000.p/2").write_bytes(rfc6962.mth(leaves[:256]) + rfc6962.mth(leaves[256:512]))
    return 0


TAMPERINGS = [flip, drop_file, cut, reorder_entries, reorder_files, append_to_a_file, forge_with_tiles]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_tampering_is_caught_at_its_first_bad_entry(
    base: tuple[Path, str, list[str]], tmp_path: Path, tamper: Callable[[Path, random.Random], int | None]
) -> None:
    folder, vkey, _ = base
    chance = random.Random(tamper.__name__)
    for turn in range(ROUNDS):
        copy = tmp_path / str(turn)
        shutil.copytree(folder, copy)
        expected = tamper(copy, chance)
        # The key of the folder itself is looked at in every other round.
        verdict = audit.verify_folder(copy, [vkey] if turn % 2 and (copy / "vkey").read_text() == f"{vkey}\n" else [])
        assert not verdict.ok
        assert expected == -1 or verdict.first_bad == expected, (turn, verdict)
        shutil.rmtree(copy)


def test_a_flip_is_caught_wherever_in_the_small_files_it_is(base: tuple[Path, str, list[str]], tmp_path: Path) -> None:
    folder, vkey, _ = base
    shutil.copytree(folder, tmp_path / "copy")
    for name, keys in (("checkpoint", [vkey]), ("vkey", [])):
        path = tmp_path / "copy" / name
        raw = path.read_bytes()
        for place in range(len(raw)):
            for bit in range(8):
                path.write_bytes(raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :])
                assert not audit.verify_folder(tmp_path / "copy", keys).ok, (name, place, bit)
        path.write_bytes(raw)
    assert audit.verify_folder(tmp_path / "copy", [vkey]).ok


def test_a_shorter_log_signed_with_the_same_key_is_seen_by_an_older_checkpoint_alone(
    base: tuple[Path, str, list[str]], tmp_path: Path
) -> None:
    """Restored from a backup, or cut and signed again: nothing in the folder can tell."""
    notes = base[2]
    home = tmp_path / "home"
    log = Log(home)
    with log.open():
        log.fill(90)
        kept = log.sign()
    log.path.unlink()
    with log.open():
        log.fill(70)
        log.sign()
        log.export(tmp_path / "out")
    assert audit.verify_folder(tmp_path / "out", [log.vkey]).ok
    verdict = audit.verify_folder(tmp_path / "out", [log.vkey], [kept])
    assert (verdict.ok, verdict.size, verdict.first_bad) == (False, 70, 70)
    assert not audit.verify_folder(tmp_path / "out", [log.vkey], [notes[0]]).ok


def test_signatures_of_others_are_passed_over_and_none_is_not_enough(base: tuple[Path, str, list[str]], tmp_path: Path) -> None:
    folder, vkey, notes = base
    shutil.copytree(folder, tmp_path / "copy")
    witness = f"— witness.example {base64.b64encode(b'1234' + b'x' * 72).decode()}\n"
    (tmp_path / "copy/checkpoint").write_text(notes[-1] + witness)
    assert audit.verify_folder(tmp_path / "copy", [vkey]).ok
    text = notes[-1].split("\n\n")[0]
    for note in (
        f"{text}\n\n{witness}",
        f"{text}\n\n",
        f"{text}\n",
        "",
        f"{ORIGIN}\n-1\n\n— a b\n",
        notes[-1].replace("\n600\n", "\n0600\n"),
    ):
        (tmp_path / "copy/checkpoint").write_text(note)
        assert not audit.verify_folder(tmp_path / "copy", [vkey]).ok
    (tmp_path / "copy/checkpoint").write_text(notes[-1])
    for key in ("", "a+b", "a+00000000+AAAA", vkey[:-4] + "AAAA"):
        assert not audit.verify_folder(tmp_path / "copy", [key]).ok


def test_files_of_a_publication_still_under_way_are_not_held_against_the_checkpoint(
    base: tuple[Path, str, list[str]], tmp_path: Path
) -> None:
    folder, vkey, notes = base
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy/checkpoint").write_text(notes[0])
    (tmp_path / "copy/tile/0/003").write_bytes(b"ahead of its checkpoint")
    (tmp_path / "copy/.new").write_bytes(b"being written")
    verdict = audit.verify_folder(tmp_path / "copy", [vkey])
    assert (verdict.ok, verdict.size) == (True, 515), verdict


def test_no_folder_is_no_log(tmp_path: Path) -> None:
    verdict = audit.verify_folder(tmp_path / "nowhere")
    assert (verdict.ok, verdict.size, verdict.first_bad) == (False, 0, None)
