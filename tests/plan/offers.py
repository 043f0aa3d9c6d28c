"""What the tests of plans ask about: the sample's catalogue, and a small one with a column of every kind."""

from __future__ import annotations

from pathlib import Path

from tre.plan.nodes import Domain, days
from tre.plan.offer import Catalogue, ColumnOffer, TableOffer, catalogue
from tre.policy import read_policies

POLICIES = read_policies(Path(__file__).parents[2] / "policies")
CATALOGUE = catalogue(POLICIES.datasets["gp"])
CODELISTS = POLICIES.codelists

COLUMNS = {
    "colour": ColumnOffer(Domain("category", True, ("red", "green", "blue")), "public"),
    "shape": ColumnOffer(Domain("category", False, ("round", "flat")), "public"),
    "age": ColumnOffer(Domain("integer", True, (), 0, 9), "public"),
    "height": ColumnOffer(Domain("decimal", True, (), 10, 30, "0.1"), None),
    "seen_on": ColumnOffer(Domain("date", True, (), days("2020-01-01"), days("2020-01-10")), "public"),
    "place": ColumnOffer(Domain("code", True), "discovered"),
}
SMALL = Catalogue(
    "small", "person", 1_000, {"people": TableOffer(True, 1, COLUMNS), "visits": TableOffer(False, 50, COLUMNS, 5, 3)}
)
LISTS = {"here": ("A1", "B2"), "there": ("C3",)}
