"""The second opinion on the log: reads what was written, recomputes all of it, and says which entry is the first bad one.

Shares SHA-256 with the writer and no line of code, so that a mistake there is not made again here. Changes nothing, trusts
nothing: whatever it is given, it answers with a `Verdict`. It cannot see entries that were cut off the end together with every
checkpoint that counted them: give it an older checkpoint (`known`) that was kept elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tre.audit import notes
from tre.audit.opened import COLUMNS, Found, Openings, labels_of

FULL = 256
ROTATED = b'"kind":"keys-rotated"'


@dataclass(frozen=True, slots=True)
class Verdict:
    """``size`` and ``root`` (base64) are of the entries found; ``first_bad`` is the first entry that something stored or signed
    speaks against, where an entry is to blame. ``detail`` says what was found, or by which keys it holds."""

    ok: bool
    size: int
    root: str
    first_bad: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class _Signed:
    """One checkpoint: that the first ``size`` entries have this root."""

    size: int
    root: bytes
    where: str


def verify_database(path: Path | str, vkeys: Sequence[str] = (), known: Sequence[str] = ()) -> Verdict:
    """Check the log in a database: every leaf, label, stored hash and checkpoint. Without ``vkeys``, signatures are checked with
    the keys kept beside them, which proves less; ``known`` are notes of this log kept elsewhere. A key given is followed to those
    that it named in the log to follow it."""
    edge = _Edge()
    address = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            connection.execute("BEGIN")
            told = vkeys or [row[0] for row in connection.execute("SELECT DISTINCT vkey FROM checkpoints")]
            rotated = connection.execute("""SELECT "index", leaf FROM entries WHERE kind = 'keys-rotated' ORDER BY "index" """)
            finding = _database_finding(connection, edge, notes.follow(_keys(told), rotated.fetchall()), known)
    except Found as found:
        finding = found.with_traceback(None)
    except Exception:  # noqa: BLE001 - a file made to trip this check is answered too
        finding = Found(None, f"{path} is not a database that can be read")
    return _verdict(edge, finding, "keys that were given" if vkeys else "keys kept beside them")


def verify_folder(folder: Path | str, vkeys: Sequence[str] = (), known: Sequence[str] = ()) -> Verdict:
    """Check an exported log: every entry, tile and the checkpoint. Without ``vkeys``, its signature is checked with the key in
    the folder, which proves less; ``known`` are older notes of this log."""
    edge = _Edge()
    try:
        keys = notes.follow(_keys(vkeys or [_line(Path(folder) / "vkey")]), _rotated(Path(folder)))
        signed = [_opened(_text(Path(folder) / "checkpoint"), keys, "the checkpoint")]
        signed += [_opened(note, keys, "a checkpoint given") for note in known]
        finding = _folder_finding(Path(folder), edge, signed)
    except Found as found:
        finding = found
    return _verdict(edge, finding, "keys that were given" if vkeys else "the key in the folder")


def _verdict(edge: _Edge, finding: Found | None, keys: str) -> Verdict:
    root = base64.b64encode(edge.root()).decode()
    if finding is None:
        return Verdict(True, edge.size, root, None, f"{edge.size} entries hold; signatures checked with {keys}")
    return Verdict(False, edge.size, root, finding.entry, finding.what)


# ------------------------------------------------------------------------------------------------------------------- the tree


def _leaf(raw: bytes) -> bytes:
    return hashlib.sha256(b"\0" + raw).digest()


class _Edge:
    """The right-hand edge of the growing tree: the complete subtrees that its entries so far fall into, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, leaf_hash: bytes) -> list[tuple[int, int, bytes]]:
        """One more entry; the subtrees it completes, smallest first: (level, position, hash)."""
        height, node = 0, leaf_hash
        completed = [(0, self.size, node)]
        while self._peaks and self._peaks[-1][0] == height:
            node = hashlib.sha256(b"\1" + self._peaks.pop()[1] + node).digest()
            height += 1
            completed.append((height, self.size >> height, node))
        self._peaks.append((height, node))
        self.size += 1
        return completed

    def root(self) -> bytes:
        if not self._peaks:
            return hashlib.sha256().digest()
        *others, (_, node) = self._peaks
        for _, left in reversed(others):
            node = hashlib.sha256(b"\1" + left + node).digest()
        return node


class _Checkpoints:
    """Compares the tree with each signed size as it grows past it."""

    def __init__(self, signed: Sequence[_Signed]) -> None:
        self._waiting = sorted(signed, key=lambda one: one.size, reverse=True)
        self._vouched = 0

    def reach(self, edge: _Edge) -> None:
        while self._waiting and self._waiting[-1].size == edge.size:
            one = self._waiting.pop()
            if one.root != edge.root():
                raise Found(
                    self._vouched, f"entries from {self._vouched} to {one.size - 1} are not those that {one.where} signed"
                )
            self._vouched = one.size

    def end(self, edge: _Edge) -> None:
        if self._waiting:
            one = self._waiting[-1]
            raise Found(edge.size, f"{one.where} counted {one.size} entries, and there are {edge.size}")


# --------------------------------------------------------------------------------------------------------------- the database


def _database_finding(
    connection: sqlite3.Connection, edge: _Edge, keys: Sequence[notes.Key], known: Sequence[str]
) -> Found | None:
    """The first thing wrong; the tree is grown to its end all the same."""
    rows = connection.execute(f'SELECT leaf, leaf_hash, "index", {", ".join(COLUMNS)} FROM entries ORDER BY "index"')
    try:
        openings = Openings(connection)
        signed = [_kept(row, keys) for row in connection.execute("SELECT size, root, note FROM checkpoints")]
        signed += [_opened(note, keys, "a checkpoint given") for note in known]
        _walk(rows, openings, _Stored(connection), _Checkpoints(signed), edge)
        return None
    except Found as found:
        # Its traceback would keep cursors, and they the file, open.
        finding = found.with_traceback(None)
    except Exception:  # noqa: BLE001 - a file made to trip this check is answered too
        finding = Found(edge.size, "the database cannot be read from here on")
    with suppress(Exception):
        for leaf, *_ in rows:
            edge.add(_leaf(leaf if isinstance(leaf, bytes) else b""))
    return finding


def _walk(rows: Iterator[Any], openings: Openings, stored: _Stored, checkpoints: _Checkpoints, edge: _Edge) -> None:
    checkpoints.reach(edge)
    for leaf, leaf_hash, index, *labels in rows:
        place, actual = edge.size, _leaf(leaf if isinstance(leaf, bytes) else b"")
        completed = edge.add(actual)
        if index != place or not isinstance(leaf, bytes):
            raise Found(place, f"entry {place} is not there; the next one is {index}")
        if leaf_hash != actual:
            raise Found(place, f"entry {place} has not the leaf hash that was stored with it")
        if labels != labels_of(leaf):
            raise Found(place, f"entry {place} has other labels than its leaf, or is not canonical JSON")
        openings.expect(place, leaf)
        for node in completed:
            stored.expect(*node)
        checkpoints.reach(edge)
    stored.end(edge)
    openings.end(edge.size)
    checkpoints.end(edge)


def _kept(row: tuple[Any, ...], keys: Sequence[notes.Key]) -> _Signed:
    size, root, note = row
    signed = _opened(note, keys, f"checkpoint {size}")
    if (signed.size, signed.root) != (size, root):
        raise Found(None, f"checkpoint {size} is stored with another size or root than its note")
    return signed


class _Stored:
    """The subtree hashes the database keeps, read in step with the tree."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._levels: list[Iterator[Any]] = []
        self._seen = 0

    def expect(self, level: int, position: int, node: bytes) -> None:
        if level == len(self._levels):
            text = "SELECT position, hash FROM subtrees WHERE level = ? ORDER BY position"
            self._levels.append(self._connection.execute(text, (level,)))
        self._seen += 1
        if next(self._levels[level], None) != (position, node):
            first, last = position << level, ((position + 1) << level) - 1
            raise Found(first, f"the stored hash of entries {first} to {last} is not theirs")

    def end(self, edge: _Edge) -> None:
        kept = self._connection.execute("SELECT count(*) FROM subtrees").fetchone()[0]
        if kept != self._seen:
            raise Found(edge.size, f"there are stored hashes of more than the {edge.size} entries found")


# ----------------------------------------------------------------------------------------------------------------- the folder


def _folder_finding(folder: Path, edge: _Edge, signed: Sequence[_Signed]) -> Found | None:
    size = signed[0].size
    checkpoints, above = _Checkpoints(signed), _Above(folder)
    try:
        checkpoints.reach(edge)
        for number in range(-(-size // FULL)):
            width = min(FULL, size - number * FULL)
            for leaf_hash in _bundle(folder, number, width):
                above.take(edge.add(leaf_hash))
                checkpoints.reach(edge)
        above.end()
        checkpoints.end(edge)
    except Found as found:
        return found
    return None


def _bundle(folder: Path, number: int, width: int) -> list[bytes]:
    """The leaf hashes of one entry bundle, all of its versions and those of its hash tile compared."""
    first = number * FULL
    bundles = {wide: [_leaf(raw) for raw in _unpacked(content)] for wide, content in _versions(folder, "entries", number).items()}
    hashes = bundles.get(width) or bundles.get(FULL) or max(bundles.values(), key=len, default=[])
    tiles = _versions(folder, "0", number)
    for place, leaf_hash in enumerate(hashes[:width]):
        told = [tile[32 * place : 32 * place + 32] for wide, tile in tiles.items() if place < wide]
        told += [others[place] if place < len(others) else b"" for wide, others in bundles.items() if place < wide]
        if any(other != leaf_hash for other in told):
            raise Found(first + place, f"entry {first + place} does not have the hash its tile says, or has two versions")
    if len(hashes) < width or not {width, FULL} & set(bundles):
        raise Found(first + len(hashes), f"entry {first + len(hashes)} is not there")
    _check_widths(first, width, bundles, tiles)
    return hashes[:width]


def _check_widths(first: int, width: int, bundles: dict[int, list[bytes]], tiles: dict[int, bytes]) -> None:
    if not {width, FULL} & set(tiles):
        raise Found(first, f"the hash tile of entries from {first} is not there")
    if any(len(others) != wide for wide, others in bundles.items()) or any(
        len(tile) != 32 * wide for wide, tile in tiles.items()
    ):
        raise Found(first + width, f"a file about entries from {first} is longer or shorter than its name says")


def _rotated(folder: Path) -> Iterator[tuple[int, bytes]]:
    """The entries in which the log's key may name another. What cannot be read here is found where everything is."""
    number = 0
    with suppress(Found):
        while bundles := _versions(folder, "entries", number):
            content = bundles[max(bundles)]
            if ROTATED in content:
                yield from ((index, leaf) for index, leaf in enumerate(_unpacked(content), number * FULL) if ROTATED in leaf)
            number += 1


class _Above:
    """The hash tiles above the lowest level, compared as the tree completes what they are made of."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._growing: dict[tuple[int, int], list[bytes]] = {}

    def take(self, completed: list[tuple[int, int, bytes]]) -> None:
        for height, position, node in completed:
            level, between = divmod(height, 8)
            if level and not between:
                tile = (level, position // FULL)
                self._growing.setdefault(tile, []).append(node)
                if len(self._growing[tile]) == FULL:
                    self._compare(*tile, self._growing.pop(tile))

    def end(self) -> None:
        for (level, number), hashes in sorted(self._growing.items()):
            self._compare(level, number, hashes)

    def _compare(self, level: int, number: int, hashes: list[bytes]) -> None:
        tiles = _versions(self._folder, str(level), number)
        for place, node in enumerate(hashes):
            if any(tile[32 * place : 32 * place + 32] != node for wide, tile in tiles.items() if place < wide):
                first = (number * FULL + place) << (8 * level)
                raise Found(first, f"the tile of level {level} does not have the hash of entries from {first}")
        first = (number * FULL) << (8 * level)
        if not {len(hashes), FULL} & set(tiles) or any(len(tile) != 32 * wide for wide, tile in tiles.items()):
            raise Found(first, f"the tile of level {level} about entries from {first} is not there, or not whole")


def _versions(folder: Path, level: str, number: int) -> dict[int, bytes]:
    """The full and partial files of one tile, by width."""
    *above, last = f"{number:,}".split(",")
    path = folder.joinpath("tile", level, *(f"x{int(part):03d}" for part in above), f"{int(last):03d}")
    partial = path.with_name(path.name + ".p")
    try:
        found = {int(file.name): file.read_bytes() for file in partial.glob("*") if file.name.isdecimal()}
        return found | ({FULL: path.read_bytes()} if path.exists() else {})
    except OSError:
        raise Found(number * FULL if level in ("0", "entries") else None, f"{path} cannot be read") from None


def _unpacked(bundle: bytes) -> list[bytes]:
    """The entries of a bundle; what is left over at its end counts as one more, which then is a wrong one."""
    entries, place = [], 0
    while place + 2 <= len(bundle):
        end = place + 2 + int.from_bytes(bundle[place : place + 2], "big")
        if end > len(bundle):
            break
        entries.append(bundle[place + 2 : end])
        place = end
    return entries if place == len(bundle) else [*entries, bundle[place:] + b"\0 cut"]


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        raise Found(None, f"{path} cannot be read") from None


def _line(path: Path) -> str:
    line, end, more = _text(path).partition("\n")
    if more or not end:
        raise Found(None, f"{path} is not one line")
    return line


def _keys(vkeys: Sequence[str]) -> list[notes.Key]:
    try:
        return [notes.read_key(vkey) for vkey in vkeys]
    except ValueError:
        raise Found(None, "a verifier key is not one of Ed25519 (name+id+key)") from None


def _opened(note: str, keys: Sequence[notes.Key], where: str) -> _Signed:
    try:
        return _Signed(*notes.read_checkpoint(note, keys), where)
    except ValueError:
        raise Found(None, f"{where} is not a checkpoint signed by the log's key") from None
