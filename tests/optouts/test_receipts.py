"""The tree of receipts, against RFC 6962 written word by word: every line has a receipt that is in it, nothing else has one, and
none says how long the list was or whether somebody had objected before."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from tests.audit.rfc6962 import included, mth
from tests.optouts.conftest import AT, KEY, NUMBERS
from tre import optouts
from tre.client import check_receipt
from tre.errors import Reason, Refusal
from tre.optouts import Leaves, Places, tables
from tre.optouts.deliveries import ABSENT, APPLIED, KNOWN
from tre.optouts.places import SIZE, WIDTH, FormerPlaces, Id, cut
from tre.optouts.receipts import filled, inclusion
from tre.state import State
from tre.terms import timestamp

BATCH = "0123456789abcdef" * 2
BAD = "1234567890"


def enter(state: State, texts: list[str], batch: str = BATCH, regime: str = "local") -> optouts.Delivery:
    """A delivery with its receipts, as the office writes it, without its signature."""
    lines = (optouts.Line(number, regime, text) for number, text in enumerate(texts, 2) if text)
    delivery = optouts.receive(lines, KEY).get(regime) or optouts.Delivery()
    grown = optouts.grow(Leaves(Places(batch, KEY), regime, timestamp(AT)), delivery.states)

    def write(tx):  # type: ignore[no-untyped-def]
        for piece in delivery.pieces(optouts.PIECE):
            delivery.mark(piece, optouts.enter(tx, batch, regime, piece))
        optouts.finish(tx, batch, regime, delivery, "test", AT)
        for part in (*optouts.tile_rows(batch, grown), *optouts.line_rows(batch, delivery)):
            optouts.write_rows(tx, part)
        optouts.write(tx, batch, delivery, grown.root, b"signature", "name+id+key", 7)

    state.write(write)
    return delivery


def told(state: State, batch: str = BATCH) -> list[dict[str, str]]:
    lines, number = [], 0
    with state.read() as tx:
        while (part := optouts.told_lines(tx, batch, KEY, number)) is not None:
            lines += [json.loads(line) for line in part.splitlines()]
            number += 1
    return lines


def receipt(state: State, told: str) -> dict[str, object]:
    with state.read() as tx:
        return optouts.receipt(tx, told, KEY)


def proved(found: dict[str, object]) -> bool:
    leaf_hash, root, *path = (base64.b64decode(str(one)) for one in (found["leaf_hash"], found["root"], *found["proof"]))  # type: ignore[misc]
    return included(leaf_hash, found["place"], found["tree_size"], path, root)  # type: ignore[arg-type]


@pytest.mark.parametrize("lines", [1, 2, 255, 256, 257, 1_000, 4_097, 70_000])
def test_every_line_has_a_place_of_its_own(lines: int) -> None:
    places = Places(BATCH, KEY)
    assert places.size == SIZE == 1 << 24 >= optouts.deliveries.MOST_LINES
    taken = {places.block(line // WIDTH) * WIDTH + places.within(line): line for line in range(lines)}
    assert len(taken) == lines and all(places.line(place) == line for place, line in list(taken.items())[:: lines // 50 + 1])
    other = replace(places, key=b"o" * 32)
    assert other.chance(0) != places.chance(0)


def test_every_block_has_a_place_of_its_own() -> None:
    places = Places(BATCH, KEY)
    taken = [places.block(number) for number in range(SIZE // WIDTH)]
    assert sorted(taken) == list(range(SIZE // WIDTH)) and all(places.number(block) == n for n, block in enumerate(taken))


@pytest.mark.parametrize("line", [0, 9, 300, 1_274_000])
def test_the_place_of_a_line_does_not_say_where_in_the_list_it_was(line: int) -> None:
    """Over many batches each of its digits takes every value about as often: chi-squared with 255 degrees, beyond 7 of its sigmas
    is none of chance."""
    counts, batches = [[0] * WIDTH for _ in range(3)], 25_600
    for number in range(batches):
        places = Places(f"{number:032x}", KEY)
        place = places.block(line // WIDTH) * WIDTH + places.within(line)
        for digit, value in enumerate(place.to_bytes(3, "big")):
            counts[digit][value] += 1
    for found in counts:
        spread = sum((one - batches / WIDTH) ** 2 for one in found) / (batches / WIDTH)
        assert abs(spread - 255) < 7 * (2 * 255) ** 0.5


def test_the_receipt_of_one_line_and_of_a_long_list_have_the_same_form(state: State) -> None:
    """Whoever holds a receipt, or three, sees the same sizes, and hashes that nobody can tell apart."""
    forms = set()
    for batch, texts in (("a" * 32, NUMBERS[:1]), ("b" * 32, NUMBERS * 2), ("c" * 32, [*NUMBERS * 500])):
        enter(state, texts, batch)
        lines = told(state, batch)
        for line in (lines[0], lines[-1]):
            found = receipt(state, line["receipt"])
            proof = [base64.b64decode(one) for one in found["proof"]]
            assert proved(found) and len({*proof}) == len(proof)
            forms.add((found["tree_size"], len(proof), *{len(one) for one in proof}, str(found["signed"]).split("\n")[5]))
    assert forms == {(1 << 24, 24, 32, "16777216")}


def former(state: State) -> dict[str, Any]:
    """A batch of 700 lines as it was kept when a tree was as large as its list: a file that was made then."""
    kept: dict[str, Any] = json.loads((Path(__file__).parent / "former_batch.json").read_text())
    of = {"opt_out_batches": tables.batches, "opt_out_receipts": tables.receipts}
    of |= {"opt_out_lines": tables.line_states, "opt_out_tiles": tables.tiles}
    for name, rows in kept["rows"].items():
        plain = [{k: base64.b64decode(v["base64"]) if isinstance(v, dict) else v for k, v in row.items()} for row in rows]
        state.write(lambda tx, name=name, plain=plain: tx.execute(insert(of[name]), plain))  # type: ignore[misc]
    return kept


def test_receipts_that_were_given_before_are_given_the_same_and_hold(state: State) -> None:
    kept = former(state)
    lines = told(state)
    assert len(lines) == 700 and all(line in lines for line in kept["lines"])
    for before in kept["receipts"]:
        assert receipt(state, before["receipt"]) == before and proved(before) and before["tree_size"] == 1_024
        assert check_receipt(before, before["verifier_key"]).ok
    wrong = f"{BATCH}-{kept['receipts'][0]['place'] ^ 1:06x}-{kept['receipts'][0]['receipt'][-24:]}"
    for forged in (wrong, f"{BATCH}-ffffff-{'0' * 24}"):
        with pytest.raises(Refusal):
            receipt(state, forged)


@pytest.mark.parametrize("lines", [1, 257, 4_097, 70_000])
def test_the_former_places(lines: int) -> None:
    places = FormerPlaces(BATCH, KEY, max(WIDTH, 1 << (lines - 1).bit_length()))
    taken = {places.block(line // WIDTH) * WIDTH + places.within(line): line for line in range(lines)}
    assert len(taken) == lines and max(taken) < places.size
    assert all(places.line(place) == line for place, line in list(taken.items())[:: lines // 50 + 1])


@settings(max_examples=20)
@given(st.lists(st.sampled_from([ABSENT, APPLIED, KNOWN, 16, 17]), min_size=1, max_size=600))
def test_the_tree_is_the_one_of_its_leaves(states: list[int]) -> None:
    leaves = Leaves(Places(BATCH, KEY), "local", timestamp(AT))
    grown, places = optouts.grow(leaves, bytes(states)), leaves.places
    blocks = {places.block(number): states[at : at + WIDTH] for number, at in enumerate(range(0, len(states), WIDTH))}
    over = {tile: sorted(block % WIDTH for block in blocks if block // WIDTH == tile) for tile in {b // WIDTH for b in blocks}}
    assert {at for level, at in grown.tiles if level == 1} == {*over}
    for number, line in ((n, line) for n, line in enumerate(states) if line != ABSENT):
        place = places.block(number // WIDTH) * WIDTH + places.within(number)
        id = places.ids(place // WIDTH)[place % WIDTH]
        leaf = leaves.leaf(id, "rejected" if line > 3 else "entered")
        hashes = leaves.hashes(place // WIDTH, blocks[place // WIDTH])
        assert hashes[place % WIDTH] == mth([leaf]) and places.holds(Id.of(id))

        def tile(level: int, at: int) -> list[bytes]:
            assert (level, at) in ((0, place // WIDTH), (1, place // WIDTH // WIDTH), (2, 0))  # noqa: B023
            if level == 0:
                return hashes  # noqa: B023
            kept = cut(grown.tiles[level, at])
            return filled(places, level, at, dict(zip(over[at] if level == 1 else sorted(over), kept, strict=True)))

        assert included(mth([leaf]), place, leaves.places.size, inclusion(place, leaves.places.size, tile), grown.root)


def test_what_stands_for_nobody_looks_like_the_rest() -> None:
    """A block of one line and one of 256: 256 different hashes each, none of them of anything that could be guessed."""
    leaves = Leaves(Places(BATCH, KEY), "local", timestamp(AT))
    few, many = leaves.hashes(0, [APPLIED]), leaves.hashes(0, [APPLIED] * WIDTH)
    assert len(set(few)) == len(set(many)) == WIDTH and {len(one) for one in few + many} == {32}
    assert sum(one == other for one, other in zip(few, many, strict=True)) == 1
    bits = "".join(f"{byte:08b}" for one in few for byte in one)
    assert abs(bits.count("1") - len(bits) / 2) < 5 * (len(bits) / 4) ** 0.5


def test_a_receipt_is_given_for_every_line_and_no_other(state: State) -> None:
    texts = [NUMBERS[0], BAD, "", NUMBERS[1], NUMBERS[0], " ", *(NUMBERS[2:] * 5)]
    delivery = enter(state, texts)
    assert delivery.received > WIDTH
    lines = told(state)
    assert [line["line"] for line in lines] == [number for number, text in enumerate(texts, 2) if text]
    assert [line["state"] for line in lines[:5]] == ["applied", "rejected", "applied", "known", "rejected"]
    assert [line.get("reason") for line in lines[:5]] == [None, "invalid-nhs-number", None, None, "missing"]
    assert len({line["receipt"] for line in lines}) == len(lines) == delivery.received
    for line in [*lines[:6], lines[300], lines[-1]]:
        found = receipt(state, line["receipt"])
        assert proved(found) and found["receipt"] == line["receipt"] and found["entry"] == 7
        assert found["state"] == ("rejected" if line["state"] == "rejected" else "entered")
    # A changed tag, another place, another batch, a place of nobody, a form that is none.
    one = lines[0]["receipt"]
    batch, place, tag = one.split("-")
    places = Places(BATCH, KEY)
    given = {line["receipt"] for line in lines}
    nobody = [id for number in range(9) for id in places.ids(places.block(number)) if id not in given]
    forged = [f"{batch}-{place}-{tag[:-1]}{(int(tag[-1], 16) + 1) % 16:x}", f"{batch}-{int(place, 16) ^ 1:06x}-{tag}"]
    forged += [f"{batch[::-1]}-{place}-{tag}", f"{batch}-ffffff-{tag}", nobody[0], nobody[-1], one.upper(), one + "0", "", "é"]
    told_of = set()
    for wrong in forged:
        with pytest.raises(Refusal) as caught:
            receipt(state, wrong)
        told_of.add(caught.value.args)
    assert len(told_of) == 1 and caught.value.reason is Reason.NOT_FOUND


def test_a_receipt_does_not_say_whether_somebody_had_objected_before(state: State) -> None:
    """The same list twice: first applied, then known. But for batch, place, tag and hashes the receipts are the same bytes."""
    enter(state, [NUMBERS[0]])
    enter(state, [NUMBERS[0]], "f" * 32)
    first, again = (told(state, batch)[0] for batch in (BATCH, "f" * 32))
    assert (first["state"], again["state"]) == ("applied", "known")
    documents = [receipt(state, one["receipt"]) for one in (first, again)]
    random = ("receipt", "leaf_hash", "place", "proof", "root", "batch", "signed")
    assert {name: documents[0][name] for name in documents[0] if name not in random} == {
        name: documents[1][name] for name in documents[1] if name not in random
    }
    # Its leaf is the same whatever the state that is kept.
    leaves = Leaves(Places(BATCH, KEY), "local", timestamp(AT))
    assert leaves.hashes(0, [APPLIED]) == leaves.hashes(0, [KNOWN]) != leaves.hashes(0, [16])


def test_nothing_of_a_person_is_kept_with_the_receipts(state: State) -> None:
    enter(state, NUMBERS)
    with state.read() as tx:
        pseudonyms = list(optouts.pseudonyms(tx, ["local"]))
        raw = b"".join(
            bytes(value) if isinstance(value, bytes) else str(value).encode()
            for table in ("opt_out_receipts", "opt_out_lines", "opt_out_tiles", "opt_out_batches")
            for row in tx.execute(text(f"SELECT * FROM {table}"))
            for value in row
        )
    assert len(pseudonyms) == len(NUMBERS) < len(raw)
    assert not any(one in raw for one in pseudonyms) and not any(number.encode() in raw for number in NUMBERS)
