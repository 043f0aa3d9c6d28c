"""Checked tokens → sqlglot's tree, and how a node of that tree is looked at: its exact kind, and only arguments that are read.

Promises that sqlglot's messages and logs end here, and that a call keeps its name and its arguments as they were written: the
parser knows no function but EXTRACT. Never judges what a tree means.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import Any, ClassVar

import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError
from sqlglot.parsers.duckdb import DuckDBParser

from tre.errors import Reason, Refusal
from tre.plan.hints import not_offered, not_understood, quoted
from tre.plan.tokens import Tokens, where
from tre.plan.words import CALLS, CTE_MEND, LANGUAGE, SHAPE

logging.getLogger("sqlglot").disabled = True  # it warns with the researcher's text


class Dialect(DuckDB):
    """DuckDB's grammar without its functions: each has a tree of its own, some with their arguments in another order."""

    class Parser(DuckDBParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"EXTRACT": DuckDBParser.FUNCTION_PARSERS["EXTRACT"]}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CASE": DuckDBParser.NO_PAREN_FUNCTION_PARSERS["CASE"]}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}


# Words that mean something to sqlglot wherever they stand; names of types are ordinary names where no bracket follows.
_SPECIAL = frozenset(
    {word for word, kind in DuckDB.Tokenizer.KEYWORDS.items() if kind not in DuckDBParser.TYPE_TOKENS}
    | set(DuckDBParser.NO_PAREN_FUNCTION_PARSERS)
) - LANGUAGE - CALLS  # fmt: skip


def tree(checked: Tokens, names: Collection[str]) -> exp.Expression:
    """The tree of a text that passed the token check."""
    for token in checked.tokens:
        if token.kind == "word" and token.upper in _SPECIAL and token.text.lower() not in names:
            raise not_offered(
                f"{quoted(token.text)} is a word of SQL that the language does not have.",
                "As a name, put it in double quotes.",
            )
    text, starts = _with_names_quoted(checked, names)
    try:
        trees = sqlglot.parse(text, read=Dialect, error_level=ErrorLevel.IMMEDIATE)
    except ParseError as error:
        raise _not_understood(checked, text, starts, error) from None
    except RecursionError:
        raise
    except Exception:  # noqa: BLE001 - a fault of the parser is a text that it does not understand
        raise not_understood("The text is not understood.", SHAPE) from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Expression):
        raise not_offered("More than one statement.", "Ask one question at a time.")
    return trees[0]


def _with_names_quoted(checked: Tokens, names: Collection[str]) -> tuple[str, list[int]]:
    """The text with the catalogue's names in double quotes, since many a word means something to sqlglot in places; and where
    each token begins in it. A word of the language, or of a call, means that."""
    pieces: list[str] = []
    starts: list[int] = []
    length = end = 0
    for token, after in zip(checked.tokens, (*checked.tokens[1:], None), strict=True):
        named = token.kind == "word" and token.text.lower() in names and token.upper not in LANGUAGE
        named = named and (after is None or after.text != "(")
        own = checked.plain[token.start : token.start + len(token.text)]
        piece = f'"{own}"' if named else own
        pieces += [checked.plain[end : token.start], piece]
        starts.append(length + token.start - end)
        length, end = starts[-1] + len(piece), token.start + len(own)
    return "".join(pieces), starts


def _not_understood(checked: Tokens, text: str, starts: list[int], error: ParseError) -> Refusal:
    """Where the text stopped making sense, in our words: of the parser's message only the position is used."""
    place = error.errors[0] if error.errors else {}
    line, end = place.get("line"), place.get("col")
    for token, start in zip(checked.tokens, starts, strict=True):
        told = where(text, start)
        length = len(token.text) + 2 * (text[start] == '"' and token.kind == "word")
        if told.startswith(f"line {line},") and told == f"line {line}, column {(end or 0) - length + 1}":
            at = where(checked.plain, token.start)
            return not_understood(f"The text is not understood at {at}: {quoted(token.text)}.", SHAPE)
    return not_understood("The text is not understood to its end.", SHAPE)


def unread(node: exp.Expression, *read: str) -> str | None:
    """The first argument of a node that is set and that the caller does not read."""
    return next((name for name, value in node.args.items() if name not in read and value not in (None, False, [], {})), None)


def only(node: exp.Expression, *read: str) -> None:
    """Refuses a node with an argument that the caller does not read."""
    extra = unread(node, *read)
    if extra:
        part = quoted(extra.strip("_").replace("_", " "))
        raise not_offered(f"A part of the question is not offered: {part}.", SHAPE)


def bare(node: exp.Expression) -> exp.Expression:
    """A node without the brackets around it."""
    while type(node) is exp.Paren:
        only(node, "this")
        node = node.this
    return node


def name_of(node: object) -> str:
    """The text of an identifier."""
    if type(node) is not exp.Identifier:
        raise not_understood("A name is expected.", SHAPE)
    only(node, "this", "quoted")
    return str(node.this)


def call_of(node: exp.Expression) -> tuple[str, list[exp.Expression]] | None:
    """The name of a call in lower case, and its arguments as written."""
    if type(node) is exp.Any:
        only(node, "this")
        if isinstance(bare(node.this), exp.Query):
            raise not_offered("A comparison with ANY (SELECT …) is not offered.", "Write EXISTS (SELECT 1 FROM … WHERE …).")
        return "any", [bare(node.this)]
    if type(node) is not exp.Anonymous:
        return None
    only(node, "this", "expressions")
    if type(node.this) is not str:
        raise not_understood("A name is expected before a bracket.", SHAPE)
    return node.this.lower(), [bare(part) for part in node.expressions]


def chain(node: exp.Expression) -> list[exp.Expression]:
    """The operands of a chain of one connective, without recursion: a thousand of them lean to the left."""
    kind, operands, rest = type(node), [], [node]
    while rest:
        at = bare(rest.pop())
        if type(at) is kind:
            only(at, "this", "expression")
            rest += [at.expression, at.this]
        else:
            operands.append(at)
    return operands


def conjuncts(node: exp.Expression) -> list[exp.Expression]:
    """The parts of a condition that must all be true."""
    node = bare(node)
    return chain(node) if type(node) is exp.And else [node]


def level(node: exp.Expression) -> Iterator[exp.Expression]:
    """A node and what is inside it, but nothing of the questions inside it."""
    rest = [node]
    while rest:
        at = rest.pop()
        yield at
        if type(at) not in (exp.Select, exp.Exists) and not isinstance(at, exp.Query):
            rest += [part for part in at.iter_expressions(reverse=True) if isinstance(part, exp.Expression)]


def refused(node: exp.Expression) -> Refusal:
    """The refusal of a node that is not on the list where it stands."""
    if isinstance(node, exp.Query | exp.Exists):
        return not_offered(
            "A question stands inside a question where none is offered.",
            CTE_MEND,
        )
    if isinstance(node, exp.Func):
        return Refusal(Reason.FUNCTION_NOT_OFFERED, "A function stands where none is offered.", SHAPE)
    if isinstance(node, exp.Neg | exp.Binary):
        return Refusal(
            Reason.FUNCTION_NOT_OFFERED, "This arithmetic is not offered here.", "There are + - * // of numbers and dates."
        )
    return not_offered("A part of the question is not offered.", SHAPE)
