"""What is remembered of questions that were repeats before: by what they are told apart."""

from __future__ import annotations

from fractions import Fraction

from tre.gateway.known import Known, Sought
from tre.loss import PrivacyLoss
from tre.terms import Asking, Request


def asked(**margins: int) -> Request:
    named = {name: Fraction(margin) for name, margin in margins.items()}
    return Request("demo", "gp", "SELECT 1", Asking(margin=named))


def test_a_question_with_margins_by_name_is_known_by_them() -> None:
    """Such margins come as a mapping: in whatever order, they are the same question; others are another."""
    known, sought = Known(), Sought("research", PrivacyLoss(), "key", {"0": 1.0}, PrivacyLoss(rho=1))
    known.keep(asked(n=50, m=20), sought)
    assert known.find(asked(m=20, n=50)) is sought
    assert known.find(asked(m=21, n=50)) is None
    assert known.find(Request("demo", "gp", "SELECT 1", Asking(margin=50))) is None
    known.forget(asked(m=20, n=50))
    assert known.find(asked(n=50, m=20)) is None
