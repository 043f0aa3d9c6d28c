"""Every file of `questions/` is a question, `---` and the plan that it becomes, as `shape` writes it. Together: the language.

A question is mended by hand; its shape is written anew by `python -m tests.plan.test_questions`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan.offers import CATALOGUE, CODELISTS
from tests.plan.shape import shape
from tre.plan.admission import _nodes
from tre.plan.nodes import NODES, STATISTICS, Computed, Domain, Plan, Scan, Statistic, from_json, to_json
from tre.plan.nodes.relations import FUNCTIONS
from tre.plan.parse import parse

FILES = sorted((Path(__file__).parent / "questions").glob("*.sql"))
ABSTRACT = {"Expression", "Predicate", "Relation", "Number", "Having"}


def parts(path: Path) -> tuple[str, str]:
    sql, _, expected = path.read_text(encoding="utf-8").partition("---\n")
    return sql, expected


def plan_of(path: Path) -> Plan:
    return parse(parts(path)[0], CATALOGUE, CODELISTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_question_becomes_its_plan(path: Path) -> None:
    plan = plan_of(path)
    assert shape(plan) == parts(path)[1]
    assert from_json(to_json(plan)) == plan and CATALOGUE.admits(plan)


def test_the_contracts_questions_are_word_for_word() -> None:
    """As they stand at the end of the contract."""
    assert [parts(path)[0].strip() for path in FILES if path.stem.startswith("contract")] == [
        "SELECT region, COUNT(*) AS n FROM patients GROUP BY region",
        "SELECT board, sex, AVG(m.value) AS mean_bmi FROM patients p JOIN measurements m ON m.person = p.person"
        " WHERE m.kind = 'bmi' AND m.date >= DATE '2024-01-01' GROUP BY board, sex",
        "SELECT imd_decile, COUNT(DISTINCT p.person) AS n FROM patients p JOIN events e ON e.person = p.person"
        " WHERE e.code IN codelist('diabetes') GROUP BY imd_decile",
        "WITH dm AS (SELECT person, MIN(date) AS first_on FROM events WHERE code IN codelist('diabetes') GROUP BY person)\n"
        "SELECT region, COUNT(*) AS newly_diagnosed FROM patients p JOIN dm ON dm.person = p.person"
        " WHERE dm.first_on BETWEEN DATE '2023-01-01' AND DATE '2023-12-31' GROUP BY region ORDER BY newly_diagnosed DESC",
    ]


def test_together_they_have_every_node_every_statistic_and_every_function() -> None:
    nodes = [node for path in FILES for node in _nodes(plan_of(path))]
    kinds = {name for name, kind in NODES.items() if kind.__module__.startswith("tre.plan.nodes.")}
    assert {type(node).__name__ for node in nodes} == kinds - ABSTRACT
    assert {node.kind for node in nodes if isinstance(node, Statistic)} == set(STATISTICS)
    assert {node.function for node in nodes if isinstance(node, Computed)} == set(FUNCTIONS)
    assert {node.table for node in nodes if isinstance(node, Scan)} == set(CATALOGUE.tables)
    assert {node.kind for node in nodes if isinstance(node, Domain)} >= {
        "category",
        "integer",
        "decimal",
        "date",
        "code",
        "boolean",
    }


if __name__ == "__main__":
    for each in FILES:
        each.write_text(f"{parts(each)[0]}---\n{shape(plan_of(each))}", encoding="utf-8")
