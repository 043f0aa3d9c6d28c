"""Lists as they come, in parts that end anywhere: what is read is what was sent, and what is no list is refused in words."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.optouts.conftest import KEY, NUMBERS
from tre import optouts
from tre.errors import Reason, Refusal
from tre.optouts.lines import LONGEST_LINE, JsonBody

GOOD, OTHER = NUMBERS[0], NUMBERS[1]


def cut(raw: bytes, widths: list[int]) -> Iterator[bytes]:
    """The bytes in parts of these widths, over and over."""
    at = number = 0
    while at < len(raw):
        width = widths[number % len(widths)] if widths else len(raw)
        yield raw[at : at + width]
        at, number = at + width, number + 1


def numbers(raw: bytes, *widths: int) -> tuple[list[str], str]:
    body = JsonBody(cut(raw, list(widths)))
    return [line.nhs_number for line in body.lines()], body.regime


@given(
    st.lists(st.text(max_size=12)),
    st.lists(st.integers(1, 9), max_size=4),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 1, "\t"]),
)
def test_a_json_body_in_any_parts_is_what_was_sent(
    texts: list[str], widths: list[int], escaped: bool, regime_first: bool, indent: int | str | None
) -> None:
    fields = {"regime": "local", "nhs_numbers": texts}
    body = fields if regime_first else dict(reversed(fields.items()))
    raw = json.dumps(body, ensure_ascii=escaped, indent=indent).encode("utf-8", "surrogatepass")
    assert numbers(raw, *widths) == (texts, "local")


@given(st.binary(max_size=60), st.lists(st.integers(1, 9), max_size=3))
def test_any_bytes_are_a_list_or_refused(raw: bytes, widths: list[int]) -> None:
    try:
        read = numbers(raw, *widths)
    except Refusal as refusal:
        assert refusal.reason is Reason.INVALID_REQUEST and refusal.suggestion
    else:
        told = json.loads(raw)
        assert read == (told["nhs_numbers"], told["regime"])


BAD = {
    "": "empty",
    " \n": "empty",
    "[]": "not a JSON object",
    "{": "ends too early",
    '{"regime": "local"}': "body.nhs_numbers: is missing",
    '{"nhs_numbers": []}': "body.regime: is missing",
    '{"regime": "type-2", "nhs_numbers": []}': "no such opt-out regime",
    '{"nhs_numbers": [], "regime": "National"}': "no such opt-out regime",
    '{"regime": "local", "regime": "local", "nhs_numbers": []}': "named twice",
    '{"regime": "local", "nhs_numbers": [], "note": "x"}': "not of this call",
    '{"regime": 1, "nhs_numbers": []}': "not the JSON of this call",
    '{"regime": "local", "nhs_numbers": "9990000026"}': "body.nhs_numbers: is not a list",
    '{"regime": "local", "nhs_numbers": ["1", 9990000026]}': "body.nhs_numbers.1: is not a text",
    '{"regime": "local", "nhs_numbers": ["1", null]}': "body.nhs_numbers.1: is not a text",
    '{"regime": "local", "nhs_numbers": ["1",]}': "body.nhs_numbers.1: is not a text",
    '{"regime": "local", "nhs_numbers": ["1" "2"]}': "not the JSON of this call",
    '{"regime": "local", "nhs_numbers": ["1"': "ends too early",
    '{"regime": "local", "nhs_numbers": ["1"}': "not the JSON of this call",
    '{"regime": "local", "nhs_numbers": ["1":': "not the JSON of this call",
    '{"regime", "nhs_numbers": []}': "not the JSON of this call",
    '{"regime": "local", "nhs_numbers": ["1", "99900': "ends too early",
    '{"regime": "local", "nhs_numbers": ["1"]': "ends too early",
    '{"regime": "local", "nhs_numbers": ["1"]} x': "follows",
    '{"regime": "local", "nhs_numbers": ["1"]}}': "follows",
    '{"regime": "local", "nhs_numbers": ["' + 41 * "1" + '"]}': "body.nhs_numbers.0: is too long",
    '{"regime": "local", "nhs_numbers": ["' + 5_000 * "1" + '"]}': "too long",
    '{"regime": "local", "nhs_numbers": ["\t"]}': "ends too early",
    '{"regime": "local", "nhs_numbers": ["\\x"]}': "ends too early",
}


@pytest.mark.parametrize("raw", BAD, ids=lambda raw: raw[:70])
@pytest.mark.parametrize("width", [1, 7, 100_000])
def test_what_is_no_list_is_refused_in_words(raw: str, width: int) -> None:
    with pytest.raises(Refusal) as caught:
        numbers(raw.encode(), width)
    assert caught.value.reason is Reason.INVALID_REQUEST and BAD[raw] in caught.value.detail
    assert "99900" not in str(caught.value.args)


@pytest.mark.parametrize(
    "raw", [b'{"regime": "local", "nhs_numbers": ["\xff"]}', b"\xff", b'{"regime": "local", "nhs_numbers": ["\xc3']
)
def test_bytes_that_are_no_text_are_no_json(raw: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        numbers(raw, 3)
    assert "UTF-8" in caught.value.detail


def test_a_text_without_an_end_is_not_held() -> None:
    held = 0

    def endless() -> Iterator[bytes]:
        nonlocal held
        yield b'{"regime": "local", "nhs_numbers": ["'
        while True:
            held += 1_000
            assert held < LONGEST_LINE
            yield b"1" * 1_000

    with pytest.raises(Refusal):
        list(JsonBody(endless()).lines())
    with pytest.raises(Refusal) as caught:
        list(optouts.read_csv_parts((b"1" * 1_000 for _ in range(10**9)), None))
    assert caught.value.reason is Reason.TOO_LARGE


@given(
    st.lists(st.sampled_from([GOOD, OTHER, "12", "", "x,y", '"', "é", " "])),
    st.lists(st.integers(1, 9), max_size=4),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_csv_in_any_parts_is_the_same(cells: list[str], widths: list[int], end: str) -> None:
    raw = ("\ufeffregime,nhs_number" + end + "".join(f"national,{cell}{end}" for cell in cells)).encode()
    whole = list(optouts.read_csv_parts([raw]))
    assert list(optouts.read_csv_parts(cut(raw, widths))) == whole and len(whole) == len(cells)


def test_an_empty_json_list_is_no_delivery_and_another_is_the_one_it_names() -> None:
    assert optouts.receive_json([b'{"regime": "local", "nhs_numbers": []}'], KEY) == {}
    found = optouts.receive_json([b'{"nhs_numbers": ["' + GOOD.encode() + b'", "1"], "regime": "local"}'], KEY)
    assert list(found) == ["local"] and (found["local"].accepted, found["local"].named) == (1, [2])


def test_a_list_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tre.optouts.deliveries.MOST_LINES", 3)
    assert optouts.receive(optouts.lines_of("local", [GOOD, "1", ""]), KEY)["local"].received == 3
    for last in (GOOD, "1"):
        with pytest.raises(Refusal) as caught:
            optouts.receive(optouts.lines_of("local", [GOOD, "1", "", last]), KEY)
        assert caught.value.reason is Reason.TOO_LARGE
