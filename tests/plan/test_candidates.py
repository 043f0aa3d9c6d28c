"""Candidates are public, few, and cover the domain."""

from __future__ import annotations

import pytest

from tre.plan.candidates import MOST, candidates, spacing
from tre.plan.nodes import Domain, days


@pytest.mark.parametrize(
    "domain",
    [
        Domain("integer", False, (), 0, 120),
        Domain("integer", True, (), -5, 1_018),
        Domain("integer", False, (), 0, 1_024),
        Domain("decimal", True, (), 0, 4_000, "0.1"),
        Domain("integer", False, (), 7, 7),
        Domain("integer", False, (), -(2**31), 2**31),
        Domain("integer", False, (), 0, 100_000, stride=10),
        Domain("date", True, (), days("1900-01-01"), days("2026-12-31")),
        Domain("date", False, (), days("2000-01-01"), days("2026-12-01"), period="month"),
        Domain("date", False, (), days("1600-01-01"), days("2026-12-01"), period="month"),
    ],
)
def test_sorted_few_and_from_end_to_end(domain: Domain) -> None:
    found = candidates(domain)
    low, high = domain.ends
    assert found[0] == low and list(found) == sorted(set(found)) and len(found) <= MOST
    assert all(low <= value <= high for value in found)
    gaps = [after - before for before, after in zip(found, (*found[1:], high + 1), strict=True)]
    if domain.period == "day":
        assert max(gaps) <= spacing(domain) and set(gaps[:-1]) <= {spacing(domain)}
        assert spacing(domain) % domain.stride == 0
    values = (domain.size or 0) - domain.nullable
    if values <= MOST:
        assert len(found) == values
    else:
        assert len(found) > MOST // 2


def test_months_are_first_days() -> None:
    found = candidates(Domain("date", False, (), days("2000-01-01"), days("2026-12-01"), period="month"))
    assert found[:3] == (days("2000-01-01"), days("2000-02-01"), days("2000-03-01")) and len(found) == 27 * 12
