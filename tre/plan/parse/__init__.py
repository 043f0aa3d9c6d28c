"""Text → `Plan`. The only importer of sqlglot; runs in a reader process, which can be killed.

Promises that the plan is built from a short list of node kinds and of their known arguments: what was parsed is not thereby
permitted, and an argument that is set and not read is a refusal.
Never lets the parser's own text out, never keeps the question's.
"""

from __future__ import annotations

from collections.abc import Mapping

from tre.plan.hints import too_large
from tre.plan.nodes import Plan
from tre.plan.offer import Catalogue
from tre.plan.parse.question import question
from tre.plan.parse.tree import tree
from tre.plan.tokens import check

__all__ = ["parse"]


def parse(text: str, catalogue: Catalogue, codelists: Mapping[str, tuple[str, ...]]) -> Plan:
    """The plan of a question, or `Refusal`. ``codelists``: the names of all lists, and the codes of those that the text names."""
    checked = check(text, catalogue.names)
    try:
        return question(tree(checked, catalogue.names), catalogue, codelists)
    except RecursionError:
        raise too_large("The text is nested too deeply.", "Write it flatter.") from None
