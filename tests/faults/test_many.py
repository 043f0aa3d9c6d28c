"""Many valid questions at once: none of them a fault, none lost. Two are at work at a time and each holds its seat for a second,
until its release time: what is asked for is that all are answered, not how soon."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serving import Served

AT_ONCE = 64
KEYS = ("region", "sex", "board", "ethnicity", "imd_decile", "year_of_birth", "sex, imd_decile", "region, ethnicity")


def valid(number: int) -> str:
    keys = KEYS[number % len(KEYS)]
    return f"SELECT {keys}, COUNT(*) AS n FROM patients WHERE year_of_birth <> {1900 + number % 127} GROUP BY {keys}"


def ask_all(served: Served, how_many: int) -> Counter[int]:
    def ask(number: int) -> int:
        body = {"project": "demo", "dataset": "gp", "sql": valid(number), "share": 0.0002, "fresh": True}
        with served.http() as http:
            answer = http.post("/v1/queries", json=body, headers={"Prefer": "wait=60"})
            while answer.status_code == 202:
                answer = http.get(answer.headers["location"])
        return answer.status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(ask, range(how_many)))


def test_two_hundred_at_sixty_four(served: Served) -> None:
    assert ask_all(served, 200) == {200: 200}


@pytest.mark.audit
def test_a_thousand_at_sixty_four(served: Served) -> None:
    assert ask_all(served, 1_000) == {200: 1_000}
