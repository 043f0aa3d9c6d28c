"""Text of a policy file → plain values, every scalar as it was written, and the line of each field.

Promises that nothing is read that YAML would read in more than one way: duplicate names, anchors, tags and unquoted words that
are booleans or nothing to YAML are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yaml import BaseLoader, MappingNode, Node, ScalarNode, SequenceNode, YAMLError
from yaml.events import AliasEvent

from tre.errors import Unfit

TRAPS = re.compile(r"(?i:y|n|yes|no|on|off|null|~)")
LARGEST = 1_000_000

Where = tuple[str | int, ...]


@dataclass
class Written:
    """A file's values and the line each field stands on."""

    name: str
    values: Any = None
    lines: dict[Where, int] = field(default_factory=dict)

    def unfit(self, where: Where, what: str) -> Unfit:
        """What is wrong, at the nearest line that is known."""
        place = where
        while place and place not in self.lines:
            place = place[:-1]
        line = self.lines.get(place, 1)
        dotted = ".".join(str(part) for part in where)
        return Unfit(f"{self.name}, line {line}: {dotted + ': ' if dotted else ''}{what}")


def read_yaml(path: Path, name: str) -> Written:
    """The file's content; `Unfit` names the line."""
    written = Written(name)
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > LARGEST:
            raise Unfit(f"{name}, line 1: larger than {LARGEST:,} characters; a policy is short")
        loader = _Loader(text)
        node = loader.get_single_node()
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "cannot be read"
        raise Unfit(f"{name}, line {mark.line + 1 if mark else 1}: not YAML ({problem}); mend the line") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unfit(f"{name}, line 1: cannot be read ({type(error).__name__}); give the file as UTF-8 text") from None
    if not isinstance(node, MappingNode):
        raise Unfit(f"{name}, line 1: not a list of named fields; write name: value")
    written.values = _value(written, node, ())
    return written


class _Loader(BaseLoader):
    """No anchors, no tags: the written file is the whole policy."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, AliasEvent) or event.anchor is not None or event.tag is not None:
            raise _trap(event.start_mark, "an anchor, an alias or a tag is not offered")
        return super().compose_node(parent, index)


def _trap(mark: Any, problem: str) -> YAMLError:
    error = YAMLError()
    error.problem_mark, error.problem = mark, problem  # type: ignore[attr-defined]
    return error


def _value(written: Written, node: Node, where: Where) -> Any:
    written.lines[where] = node.start_mark.line + 1
    if isinstance(node, MappingNode):
        return _mapping(written, node, where)
    if isinstance(node, SequenceNode):
        return [_value(written, part, (*where, index)) for index, part in enumerate(node.value)]
    assert isinstance(node, ScalarNode)
    if node.style is None and TRAPS.fullmatch(node.value):
        raise written.unfit(where, f"{node.value} without quotes is not text to YAML; write true or false, or put it in quotes")
    return node.value


def _mapping(written: Written, node: MappingNode, where: Where) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise written.unfit(where, "a name is a word; write name: value")
        if key.value in values:
            written.lines[(*where, key.value)] = key.start_mark.line + 1
            raise written.unfit((*where, key.value), "named twice; remove one")
        values[key.value] = _value(written, value, (*where, key.value))
        written.lines[(*where, key.value)] = key.start_mark.line + 1
    return values
