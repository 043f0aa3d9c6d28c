"""The tree of receipts, against RFC 6962 written word by word: every line has a receipt that is in it, nothing else has one, and
none says how long the list was or whether somebody had objected before."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.audit.rfc6962 import included, mth
from tests.optouts.conftest import AT, KEY, NUMBERS
from tre import optouts
from tre.errors import Reason, Refusal
from tre.optouts import Leaves, Places
from tre.optouts.deliveries import ABSENT, APPLIED, KNOWN
from tre.optouts.receipts import WIDTH, Id, inclusion
from tre.state import State
from tre.terms import timestamp

BATCH = "0123456789abcdef" * 2
BAD = "1234567890"


def enter(state: State, texts: list[str], batch: str = BATCH, regime: str = "local") -> optouts.Delivery:
    """A delivery with its receipts, as the office writes it, without its signature."""
    lines = (optouts.Line(number, regime, text) for number, text in enumerate(texts, 2) if text)
    delivery = optouts.receive(lines, KEY).get(regime) or optouts.Delivery()
    leaves = Leaves(Places.for_lines(batch, len(delivery.states), KEY), regime, timestamp(AT))
    grown = optouts.grow(leaves, delivery.states)

    def write(tx):  # type: ignore[no-untyped-def]
        for piece in delivery.pieces(optouts.PIECE):
            delivery.mark(piece, optouts.enter(tx, batch, regime, piece))
        optouts.finish(tx, batch, regime, delivery, "test", AT)
        for part in optouts.rows(batch, delivery, grown):
            optouts.write_rows(tx, part)
        optouts.write(tx, batch, delivery, leaves.places.size, grown.root, b"signature", "name+id+key", 7)

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
    places = Places.for_lines(BATCH, lines, KEY)
    assert places.size >= max(lines, WIDTH) and places.size & (places.size - 1) == 0 and places.size < 2 * max(lines, WIDTH)
    taken = {places.block(line // WIDTH) * WIDTH + places.within(line): line for line in range(lines)}
    assert len(taken) == lines and all(places.line(place) == line for place, line in list(taken.items())[:: lines // 50 + 1])
    other = replace(places, key=b"o" * 32)
    assert other.chance(0) != places.chance(0)


def test_the_places_of_a_list_do_not_say_how_long_it_was() -> None:
    """Over many batches the places of one line are spread over the whole tree, and so are those of ten."""
    for lines in (1, 10):
        taken = set()
        for number in range(300):
            places = Places.for_lines(f"{number:032x}", lines, KEY)
            taken |= {places.block(0) * WIDTH + places.within(line) for line in range(lines)}
        assert len(taken) > 150 and max(taken) > 240 and min(taken) < 16
    blocks = {Places.for_lines(f"{number:032x}", 300_000, KEY).block(0) for number in range(100)}
    assert len(blocks) > 90


@settings(max_examples=20)
@given(st.lists(st.sampled_from([ABSENT, APPLIED, KNOWN, 16, 17]), min_size=1, max_size=600))
def test_the_tree_is_the_one_of_its_leaves(states: list[int]) -> None:
    leaves = Leaves(Places.for_lines(BATCH, len(states), KEY), "local", timestamp(AT))
    grown = optouts.grow(leaves, bytes(states))
    blocks = grown.tiles[1, 0]
    hashes = []
    for block in range(leaves.places.blocks):
        first = leaves.places.line(block * WIDTH + leaves.places.within(0))
        lines = states[first : first + WIDTH]
        if any(lines):
            hashes += leaves.hashes(block, lines)
        else:
            assert len(states) <= first or not any(lines)
            hashes += [b""] * WIDTH
    for number, line in ((n, line) for n, line in enumerate(states) if line != ABSENT):
        place = leaves.places.block(number // WIDTH) * WIDTH + leaves.places.within(number)
        id = leaves.places.ids(place // WIDTH)[place % WIDTH]
        leaf = leaves.leaf(id, "rejected" if line > 3 else "entered")
        assert hashes[place] == mth([leaf]) and leaves.places.holds(Id.of(id))

        def tile(level: int, at: int) -> list[bytes]:
            assert (level, at) in ((0, place // WIDTH), (1, 0))  # noqa: B023
            raw = b"".join(hashes[at * WIDTH : (at + 1) * WIDTH]) if level == 0 else blocks
            return [raw[one : one + 32] for one in range(0, len(raw), 32)]

        assert included(mth([leaf]), place, leaves.places.size, inclusion(place, leaves.places.size, tile), grown.root)


def test_what_stands_for_nobody_looks_like_the_rest() -> None:
    """A block of one line and one of 256: 256 different hashes each, none of them of anything that could be guessed."""
    leaves = Leaves(Places.for_lines(BATCH, 256, KEY), "local", timestamp(AT))
    few, many = leaves.hashes(0, [APPLIED]), leaves.hashes(0, [APPLIED] * WIDTH)
    assert len(set(few)) == len(set(many)) == WIDTH and {len(one) for one in few + many} == {32}
    assert sum(one == other for one, other in zip(few, many, strict=True)) == 1
    bits = "".join(f"{byte:08b}" for one in few for byte in one)
    assert abs(bits.count("1") - len(bits) / 2) < 5 * (len(bits) / 4) ** 0.5


def test_a_receipt_is_given_for_every_line_and_no_other(state: State) -> None:
    texts = [NUMBERS[0], BAD, "", NUMBERS[1], NUMBERS[0], " ", *(NUMBERS[2:] * 5)]
    delivery = enter(state, texts)
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
    places = Places.for_lines(BATCH, len(delivery.states), KEY)
    nobody = [id for block in range(places.blocks) for id in places.ids(block) if id not in {line["receipt"] for line in lines}]
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
    leaves = Leaves(Places.for_lines(BATCH, 1, KEY), "local", timestamp(AT))
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
