"""The first look at a question: its text cut into tokens, and everything refused that a list of tokens can tell.

Promises, in time linear in a text of at most 20 KB, that what goes on to the parser is one statement of at most 2,000 tokens, is
shallow, is ASCII outside string literals, and holds no word, sign or call but those of the language. That gate is what keeps the
parser quick: joins without ON, nested type names and a dozen other shapes take sqlglot exponential time. Imports no parser, keeps
nothing of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tre.errors import Reason, Refusal
from tre.plan.hints import nearest, not_offered, not_understood, quoted, too_large
from tre.plan.words import (
    AGGREGATES,
    ALSO_FUNCTIONS,
    CALLED,
    CALLED_NAMES,
    CALLS,
    FUNCTIONS,
    LANGUAGE,
    REFUSED,
    SHAPE,
    SIGNS,
    STATEMENTS,
    WINDOWED,
    Told,
    words,
)

BYTES, TOKENS, NESTING = 20_480, 2_000, 50

_LEX = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<comment>--[^\n]*|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)"
    r"|(?P<string>'[^']*(?:''[^']*)*')"
    r'|(?P<quoted>"[^"]*(?:""[^"]*)*")'
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><>|!=|<=|>=|==|=>|::|\|\||//|->|[!-/:-@\[-`{-~])"
    r"|(?P<other>.)",
    re.DOTALL,
)
_OPENS, _CLOSES = "([{", ")]}"
_BEFORE_STRING = words("( , = == <> != < <= > >= DATE BETWEEN AND OR NOT WHERE SELECT IN CASE WHEN THEN ELSE LIKE INTERVAL")
# How often a word may stand in a text, and how deep it may be in itself: each was measured, by tests/attacks.
MOST = {"SELECT": 32, "JOIN": 32, "CASE": 60, "EXISTS": 16, "INTERVAL": 20, "EXTRACT": 40, "FILTER": 40, "WITHIN": 20}
DEEPEST = {"SELECT": 8, "CASE": 8, "CALL": 12}


@dataclass(frozen=True, slots=True)
class Token:
    """``kind``: word, quoted, string, number or sign. ``upper`` is the text in capitals, empty for a string or a quoted name."""

    kind: str
    text: str
    upper: str
    start: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text that passed. ``plain`` is the text to its last word, comments blanked out, every character in its place."""

    plain: str
    tokens: tuple[Token, ...]

    @property
    def codelists(self) -> set[str]:
        """The code lists that the text names."""
        threes = zip(self.tokens, self.tokens[1:], self.tokens[2:], strict=False)
        named = (third for first, second, third in threes if first.upper == "CODELIST" and second.text == "(")
        return {third.text[1:-1].replace("''", "'") for third in named if third.kind == "string"}


def check(text: str, names: Collection[str] = ()) -> Tokens:
    """The tokens of a question, or the refusal that they call for. ``names``: what the catalogue calls its tables and columns."""
    _check_characters(text)
    tokens, plain = _cut(text)
    _check_shape(tokens)
    tokens = _one_statement(tokens)
    _check_joins(tokens)
    _check_depths(tokens)
    for before, token, after in zip((None, *tokens), tokens, (*tokens[1:], None), strict=False):
        _check_token(before, token, after, names)
    return Tokens(plain[: tokens[-1].start + len(tokens[-1].text)], tokens)


def where(text: str, start: int) -> str:
    """A place in a text for people: line and column from 1."""
    line = text.count("\n", 0, start) + 1
    return f"line {line}, column {start - text.rfind(chr(10), 0, start)}"


def _check_characters(text: str) -> None:
    if len(text) > BYTES or len(text.encode(errors="replace")) > BYTES:
        raise too_large(f"The text is longer than {BYTES // 1024} KB.", "Name long lists of codes in `codelists`.")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise not_understood("The text holds a character that is none (NUL, or half of a pair).", "Type the question anew.")


def _cut(text: str) -> tuple[tuple[Token, ...], str]:
    tokens: list[Token] = []
    plain: list[str] = []
    for match in _LEX.finditer(text):
        kind, piece = str(match.lastgroup), match.group()
        if kind == "other" or (kind == "quoted" and not piece.isascii()):
            raise _odd_character(text, match.start(), piece)
        plain.append(re.sub(r"[^\n]", " ", piece) if kind == "comment" else piece)
        if kind in ("space", "comment"):
            continue
        if piece in ("'", '"', "`", "\\") or (piece == "/" and text.startswith("/*", match.start())):
            raise _unclosed(text, match.start(), piece)
        if len(tokens) == TOKENS:
            raise too_large(f"The text has more than {TOKENS:,} words and signs.", "Name long lists of codes in `codelists`.")
        tokens.append(Token(kind, piece, "" if kind in ("string", "quoted") else piece.upper(), match.start()))
    return tuple(tokens), "".join(plain)


def _odd_character(text: str, start: int, piece: str) -> Refusal:
    odd = next((at for at, character in enumerate(piece) if not character.isascii()), 0)
    name = unicodedata.name(piece[odd], "a control character")
    return not_understood(
        f"U+{ord(piece[odd]):04X} ({name.lower()}) stands outside a text in single quotes, at {where(text, start + odd)}.",
        "Type it anew: names, numbers, signs and spaces are plain ASCII.",
    )


def _unclosed(text: str, start: int, piece: str) -> Refusal:
    told = {"'": "A single quote", '"': "A double quote", "/": "A comment"}.get(piece)
    if told:
        return not_understood(f"{told} is not closed, from {where(text, start)}.", "Close it.")
    return not_understood(
        f"A sign that the language does not have stands at {where(text, start)}.", "Quote names as \"name\" and texts as 'text'."
    )


def _check_shape(tokens: Sequence[Token]) -> None:
    """How deep, and whether each bracket is closed by its own kind."""
    opened: list[str] = []
    for token in tokens:
        if token.text in _OPENS:
            opened.append(token.text)
        elif token.text in _CLOSES and (not opened or _OPENS.index(opened.pop()) != _CLOSES.index(token.text)):
            raise not_understood("A bracket is closed that was not opened.", "Count the brackets.")
        if len(opened) > NESTING:
            raise too_large(f"The text is nested more than {NESTING} deep.", "Write it flatter.")
    if opened:
        raise not_understood("A bracket is not closed.", "Count the brackets.")


def _one_statement(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens without the semicolons at their end; refused when it is not one SELECT."""
    while tokens and tokens[-1].text == ";":
        tokens = tokens[:-1]
    if not tokens:
        raise not_understood("The text is empty.", "Write a question: SELECT … FROM … .")
    if any(token.text == ";" for token in tokens):
        raise not_offered("More than one statement.", "Ask one question at a time.")
    first = tokens[0]
    if first.upper in ("SELECT", "WITH"):
        return tokens
    if first.upper in REFUSED or first.upper in STATEMENTS:
        raise _told(first, REFUSED.get(first.upper) or STATEMENTS[first.upper])
    if first.kind == "word" and nearest(first.text, ["SELECT"]):
        raise not_understood(f"{quoted(first.text)} is not understood.", "Did you mean `SELECT`?")
    raise not_understood(f"The text begins with {quoted(first.text)}.", "A question begins with SELECT.")


def _check_joins(tokens: Sequence[Token]) -> None:
    """Every JOIN has its ON or USING before the next JOIN, the next clause or the bracket that closes over it."""
    pending = [False]
    for token in tokens:
        if token.upper in ("JOIN", "WHERE", "GROUP", "HAVING", "ORDER", "UNION") and pending[-1]:
            break
        if token.text in _OPENS:
            pending.append(False)
        elif token.text in _CLOSES and pending.pop():
            pending = [True]
            break
        elif token.upper in ("JOIN", "ON", "USING"):
            pending[-1] = token.upper == "JOIN"
    if any(pending):
        raise not_offered("A JOIN has neither ON nor USING.", "Joins are on the person: JOIN … ON x.person = y.person.")


def _check_depths(tokens: Sequence[Token]) -> None:
    """Words that open something: how many, and how deep in each other."""
    counted = Counter(token.upper for token in tokens)
    for word, most in MOST.items():
        if counted[word] > most:
            raise too_large(f"The text has more than {most} times {word}.", "Ask it in two questions.")
    opened: list[str] = []  # of each open bracket, what it is of
    cases = 0
    for before, token in zip((None, *tokens), tokens, strict=False):
        if token.text in _OPENS:
            opened.append("CALL" if before is not None and before.upper in CALLED_NAMES else "")
        elif token.text in _CLOSES:
            opened.pop()
        elif token.upper == "SELECT" and opened:
            opened[-1] = "SELECT"
        cases = max(0, cases + (token.upper == "CASE") - (token.upper == "END"))
        if cases > DEEPEST["CASE"] or any(opened.count(kind) > DEEPEST[kind] for kind in ("SELECT", "CALL")):
            raise too_large("Functions, CASE or SELECT are nested too deep.", "Write it flatter, with CTEs.")
        if token.upper == "FROM":
            _check_from(before)


def _check_from(before: Token | None) -> None:
    if before is not None and before.upper == "DISTINCT":
        raise not_offered("IS DISTINCT FROM is not offered.", "Write column = value OR column IS NULL.")
    if before is None or before.text in (*_OPENS, "FROM"):
        raise not_understood("FROM stands without SELECT.", SHAPE)


def _check_token(before: Token | None, token: Token, after: Token | None, names: Collection[str]) -> None:
    called = after is not None and after.text == "("
    if token.kind == "word":
        _check_word(before, token, called, names)
    elif token.kind == "sign":
        _check_sign(before, token, after)
    elif token.kind == "string":
        _check_string(before, token)
    elif token.kind == "quoted" and called:
        raise _told(token, CALLED)
    elif token.kind == "number" and after and after.kind == "word" and after.start == token.start + len(token.text):
        raise not_understood(f"{quoted(token.text + after.text)} is not a number.", "Numbers are written as 1000 or 12.5.")


def _check_word(before: Token | None, token: Token, called: bool, names: Collection[str]) -> None:
    if called and token.upper not in CALLS:
        raise _call(before, token)
    if called or token.upper in LANGUAGE or token.text.lower() in names:
        return
    if token.upper in REFUSED or token.upper in STATEMENTS:
        if before and before.upper == "AS":
            raise not_understood(f"{quoted(token.text)} is a word of SQL.", "As a name, put it in double quotes.")
        raise _told(token, REFUSED.get(token.upper) or STATEMENTS[token.upper])


def _call(before: Token | None, token: Token) -> Refusal:
    """The refusal of a word with a bracket after it."""
    word = token.upper
    told = AGGREGATES.get(word) or (REFUSED["OVER"] if word in WINDOWED else None)
    if not told and word not in ALSO_FUNCTIONS:
        told = REFUSED.get(word) or STATEMENTS.get(word)
    if told:
        return _told(token, told)
    if before and before.upper == "FROM":
        return _told(
            token, Told(CALLED.reason, "The function {word} in FROM is not offered.", "Ask of a table of the catalogue.")
        )
    near = nearest(token.text, sorted(FUNCTIONS))
    return _told(token, CALLED._replace(suggestion=f"Did you mean `{near}`?") if near else CALLED)


def _check_sign(before: Token | None, token: Token, after: Token | None) -> None:
    if token.text not in SIGNS:
        raise _told(token, REFUSED.get(token.text) or Told(Reason.FUNCTION_NOT_OFFERED, "The sign {word} is not offered.", ""))
    named = before is not None and before.kind in ("word", "quoted")
    if token.text == "." and not (named and after and (after.kind in ("word", "quoted") or after.text == "*")):
        raise not_understood("A point stands alone.", "Numbers are written as 0.5 or 12, names as table.column.")


def _check_string(before: Token | None, token: Token) -> None:
    """A text in single quotes is a value, never a name and never a second half: E'…', x'…' and FROM '…' mean other things."""
    if before is None or (before.upper or before.text) not in _BEFORE_STRING:
        if before and before.upper == "FROM":
            raise Refusal(Reason.TABLE_NOT_IN_POLICY, "FROM names a table, not a file.", "Write the table's name without quotes.")
        raise not_understood(
            f"{quoted(token.text)} stands where no value is expected.",
            "A value follows a comparison, a bracket or a comma; a name has double quotes.",
        )


def _told(token: Token, told: Told) -> Refusal:
    return Refusal(told.reason, told.detail.format(word=quoted(token.text)), told.suggestion)
