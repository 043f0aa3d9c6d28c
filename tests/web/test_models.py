"""How the accuracy of a question is written in its JSON, and what is refused at the door."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from tre.terms import Asking
from tre.web.models import QuestionIn

BODY = {"project": "demo", "dataset": "gp", "sql": "SELECT COUNT(*) AS n FROM patients"}


def asked(**accuracy: Any) -> Asking:
    return QuestionIn.model_validate(BODY | accuracy).request().asking


def test_a_margin_is_one_number_or_one_for_each_name() -> None:
    assert asked(margin=40) == Asking(margin=40)
    assert asked(margin={"n": 40, "mean_age": 0.4}) == Asking(margin={"n": Fraction(40), "mean_age": Fraction(2, 5)})
    assert asked(margin={"mean_age": 0.4}, margin_at=1_000) == Asking(margin={"mean_age": Fraction(2, 5)}, margin_at=1_000)
    assert asked() == Asking()


@pytest.mark.parametrize(
    "wrong",
    [
        {"margin": 1.5},
        {"margin": 0},
        {"margin": {}},
        {"margin": {"n": 0}},
        {"margin": {"n": -1}},
        {"margin": {"n": "nan"}},
        {"margin": {"n": True}},
        {"margin": {"1n": 4}},
        {"margin": {"n": 4}, "share": 0.1},
        {"margin": 4, "margin_at": 100},
        {"margin_at": 100},
        {"margin": {"n": 4}, "margin_at": 0},
        {"margin": {"n": 4}, "margin_at": 1.5},
    ],
)
def test_other_margins_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        asked(**wrong)
