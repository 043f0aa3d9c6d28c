"""The page of the language is what the program makes, leaves out no construct, and has every word that the parser offers in an
example that is executed."""

from __future__ import annotations

import re

import pytest

from tests.refusals.test_refusals import FILES
from tests.spec.cases import CONSTRUCTS, WORLD, read
from tests.spec.language import CHAPTERS, PAGE, TITLES, page
from tre.plan.nodes import PERIODS, STATISTICS, Computed, Statistic
from tre.plan.nodes.base import Node
from tre.plan.nodes.relations import FUNCTIONS
from tre.plan.parse import functions, grouping, statistics
from tre.plan.tokens import check
from tre.plan.words import AGGREGATED, CALLED_NAMES, LANGUAGE

NAMES = [name for names in CHAPTERS.values() for name in names]
PARSERS = {*functions._FUNCTIONS, *grouping._FUNCTIONS, *statistics._KINDS, *statistics._MADE, statistics.RATE}


def words() -> set[str]:
    """Every word of the examples' questions, in capitals."""
    found: set[str] = set()
    for name in NAMES:
        case = read(CONSTRUCTS / f"{name}.txt")
        found |= {token.upper for token in check(case.question).tokens if token.kind == "word"}
    return found


def test_the_page_is_what_the_program_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.spec.language"


def test_every_construct_and_every_file_of_refusals_has_its_place() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert set(NAMES) == {file.stem for file in CONSTRUCTS.glob("*.txt") if file != WORLD}
    assert set(TITLES) == {path.stem for path in FILES}


def test_every_word_that_the_parser_offers_is_in_an_example() -> None:
    assert {name.upper() for name in PARSERS} <= CALLED_NAMES
    assert not CALLED_NAMES - words()
    unasked = {"TRUE", "FALSE"}  # values, in `tests/plan/questions/`
    missing = LANGUAGE - unasked - words()
    assert not missing
    assert {name.lower() for name in CALLED_NAMES} - AGGREGATED - {"extract", "filter"} == set(functions._FUNCTIONS)


def test_every_statistic_and_every_function_of_one_person_is_in_an_example() -> None:
    nodes = [node for name in NAMES for node in _all(read(CONSTRUCTS / f"{name}.txt").plan)]
    assert {node.kind for node in nodes if isinstance(node, Statistic)} == set(STATISTICS)
    assert {node.function for node in nodes if isinstance(node, Computed)} == set(FUNCTIONS)


def _all(node: object) -> list[object]:
    if isinstance(node, tuple):
        return [found for one in node for found in _all(one)]
    if not isinstance(node, Node):
        return []
    return [node, *(found for name in node.__slots__ for found in _all(getattr(node, name)))]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_what_it_is_what_it_changes_and_what_it_costs(name: str) -> None:
    case = read(CONSTRUCTS / f"{name}.txt")
    (section,) = re.findall(rf"^### (?:(?!^##).)*?{re.escape(case.says)}(?:(?!^##).)*", PAGE.read_text("utf-8"), re.M | re.S)
    assert "*One person changes* at most" in section and re.search(r"\*Costs\* \d+ ×", section) and "*Columns.*" in section


def test_the_periods_of_a_date_are_told() -> None:
    told = read(CONSTRUCTS / "date-trunc.txt").says
    assert all(period in told for period in PERIODS if period != "day")
