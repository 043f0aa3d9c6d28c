"""Who a row is about: the check of an NHS number and the pseudonym made of it, once in Python and once in SQL.

What load and the opt-out registers share, so that both know the same person by the same 128 bits. Holds no key, keeps no number.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

PSEUDONYM_BYTES = 16
_TEN_DIGITS = re.compile(r"[0-9]{10}")
# What is numbered in England, Wales and the Isle of Man, and the block set aside for tests. What Scotland (up to 3112999999) and
# Northern Ireland (from 3200000001) number under the same check is another service's.
RANGES = (
    (3_113_000_000, 3_199_999_999),
    (4_000_000_000, 4_999_999_999),
    (6_000_000_000, 7_999_999_999),
    (9_000_000_000, 9_999_999_999),
)


def compact(identifier: str) -> str:
    """An identifier without spaces: the form that is checked and made a pseudonym of."""
    return identifier.replace(" ", "")


def valid_nhs_number(text: str) -> bool:
    """Ten digits in a known range, not all equal, whose last digit is right: weights 10 to 2, 11 minus the remainder, 11 counts
    as 0 and 10 is no digit, which is to say that with weight 1 for the last digit the sum is a multiple of 11."""
    number = compact(text)
    if not _TEN_DIGITS.fullmatch(number) or number == 10 * number[0]:
        return False
    # A digit's byte is 48 above it, and 48 times the sum of the weights is a multiple of 11: the bytes do as well. Written out,
    # it takes half as long.
    a, b, c, d, e, f, g, h, i, j = number.encode()
    if (10 * a + 9 * b + 8 * c + 7 * d + 6 * e + 5 * f + 4 * g + 3 * h + 2 * i + j) % 11:
        return False
    value = int(number)
    for low, high in RANGES:  # noqa: SIM110 - in a list of millions, a generator a line is a third of the time
        if low <= value <= high:
            return True
    return False


def valid_nhs_number_sql(column: str) -> str:
    """The same in SQL, for a text expression that is not NULL and has no spaces. Never fails, whatever the text."""
    number = f"try_cast({column} AS BIGINT)"
    total = " + ".join(f"{weight} * ({number} // {10 ** (weight - 1)} % 10)" for weight in range(10, 0, -1))
    known = " OR ".join(f"{number} BETWEEN {low} AND {high}" for low, high in RANGES)
    # 1111111111 divides exactly the ten-digit numbers whose digits are all equal.
    right = f"({known}) AND {number} % 1111111111 <> 0 AND ({total}) % 11 = 0"
    return f"(regexp_full_match({column}, '[0-9]{{10}}') AND coalesce({right}, false))"


def pseudonym(key: bytes, identifier: str) -> bytes:
    """HMAC-SHA-256 of the compact identifier under the store's key, its first 128 bits."""
    return hmac.digest(key, compact(identifier).encode(), "sha256")[:PSEUDONYM_BYTES]


def pseudonyms_under(key: bytes) -> Callable[[str], bytes]:
    """The same for many identifiers, compact already: the key is padded and hashed once."""
    pads = pseudonym_parameters(key)
    inner, outer = hashlib.sha256(pads["inner_pad"]), hashlib.sha256(pads["outer_pad"])

    def made(identifier: str) -> bytes:
        within, around = inner.copy(), outer.copy()
        within.update(identifier.encode())
        around.update(within.digest())
        return around.digest()[:PSEUDONYM_BYTES]

    return made


def pseudonym_sql(column: str) -> str:
    """The same in SQL, for a text expression that has no spaces, with the parameters of `pseudonym_parameters`."""
    inner = f"unhex(sha256($inner_pad || encode({column})))"
    return f"unhex(substr(sha256($outer_pad || {inner}), 1, {2 * PSEUDONYM_BYTES}))"


def pseudonym_parameters(key: bytes) -> dict[str, bytes]:
    """The key as HMAC pads it, for `pseudonym_sql`."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return {"inner_pad": bytes(byte ^ 0x36 for byte in block), "outer_pad": bytes(byte ^ 0x5C for byte in block)}
