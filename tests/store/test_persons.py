"""NHS numbers and pseudonyms: vectors, properties, and the SQL that must say the same."""

from __future__ import annotations

import hashlib
import hmac

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tre.persons import (
    RANGES,
    compact,
    pseudonym,
    pseudonym_parameters,
    pseudonym_sql,
    valid_nhs_number,
    valid_nhs_number_sql,
)

GOOD = [
    *("943 476 5919", "9434765919", " 401 023 2137 ", "4010232137", "9990000026", "9876543210"),
    *("4505577104", "6304000014", "3137890004", "4000000020"),
]
BAD = [
    *("", " ", "943476591", "94347659190", "9434765918", "9434765910", "943-476-5919", "943\t4765919", "94347659l9"),
    *(
        "9434765919\n",
        "٩٤٣٤٧٦٥٩١٩",
        "９４３４７６５９１９",
        "+943476591",
        "-943476591",
        "1e9",
        "NaN",
        "943476591.0",
        "9434765919.0",
    ),
    *("0000000000", "4444444444", "7777777777", "9999999999"),  # all equal: the check digit itself would pass
    *("0101010001", "3112999991", "3200000015", "5000000005", "8000000016"),  # right check digits, other services or no one's
    *("4000000080", "4000000081"),  # a remainder of 1 asks for a check digit of 10
]


def check_digit(nine: int) -> int:
    """The rule as it is published."""
    remainder = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), f"{nine:09}", strict=True)) % 11
    return {11: 0}.get(11 - remainder, 11 - remainder)


nines = st.one_of(*(st.integers(low // 10, high // 10) for low, high in RANGES))
numbers = nines.filter(lambda nine: check_digit(nine) < 10).map(lambda nine: f"{nine:09}{check_digit(nine)}")
numbers = numbers.filter(lambda number: len(set(number)) > 1)


@pytest.mark.parametrize("number", GOOD)
def test_good_numbers(number: str) -> None:
    assert valid_nhs_number(number)


@pytest.mark.parametrize("number", BAD)
def test_bad_numbers(number: str) -> None:
    assert not valid_nhs_number(number)


def test_bad_numbers_are_bad_for_one_reason() -> None:
    """Those of another service and those all equal have a right check digit: the range is what refuses them."""
    for number in ("4444444444", "9999999999", "0101010001", "3112999991", "3200000015", "5000000005", "8000000016"):
        assert check_digit(int(number[:9])) == int(number[9]), number
    assert check_digit(400000008) == 10 and check_digit(400000002) == 0


@given(numbers)
def test_every_number_with_its_check_digit_is_valid(number: str) -> None:
    assert valid_nhs_number(number)
    assert valid_nhs_number(f"{number[:3]} {number[3:6]} {number[6:]}")


@given(numbers, st.integers(0, 9), st.integers(1, 9))
def test_one_wrong_digit_is_found(number: str, place: int, step: int) -> None:
    wrong = str((int(number[place]) + step) % 10)
    assert not valid_nhs_number(number[:place] + wrong + number[place + 1 :])


@given(numbers, st.integers(0, 9), st.integers(0, 9))
def test_two_exchanged_digits_are_found(number: str, one: int, other: int) -> None:
    digits = list(number)
    digits[one], digits[other] = digits[other], digits[one]
    assert valid_nhs_number("".join(digits)) == ("".join(digits) == number)


def in_sql(texts: list[str], expression: str, parameters: dict[str, bytes] | None = None) -> list[object]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (i INTEGER, x VARCHAR)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(texts)))
        rows = connection.execute(f"SELECT {expression} FROM t ORDER BY i", parameters or {}).fetchall()
    return [row[0] for row in rows]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(numbers, st.text(max_size=12), st.text("0123456789 ", max_size=12)), min_size=1, max_size=50))
def test_sql_accepts_the_same_numbers(texts: list[str]) -> None:
    texts = [compact(text).replace("\0", "") for text in [*texts, *GOOD, *BAD]]
    assert in_sql(texts, valid_nhs_number_sql("x")) == [valid_nhs_number(text) for text in texts]


def test_a_pseudonym_is_the_first_half_of_an_hmac() -> None:
    key = bytes(range(32))
    assert pseudonym(key, "943 476 5919") == hmac.new(key, b"9434765919", hashlib.sha256).digest()[:16]
    assert pseudonym(key, "9434765919") == pseudonym(key, "943 476 5919") != pseudonym(bytes(32), "9434765919")


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=16, max_size=80), st.lists(st.text(max_size=40), min_size=1, max_size=20))
def test_sql_makes_the_same_pseudonyms(key: bytes, identifiers: list[str]) -> None:
    texts = [compact(text).replace("\0", "") for text in identifiers]
    made = in_sql(texts, pseudonym_sql("x"), pseudonym_parameters(key))
    assert made == [pseudonym(key, text) for text in texts]
