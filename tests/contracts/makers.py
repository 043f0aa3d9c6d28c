"""Reads a module's syntax tree and tells where it makes, or could make, a value that only one function may make."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

GUARDED = ("RestrictedPlan", "Reservation", "ExactTable", "NoisyTable", "Shown", "Release")
"""The types whose existence is the proof of a step: opt-outs applied, loss reserved, noise added, suppressed."""

CARRIERS = (*GUARDED, "Order", "Hold", "terms", "order", "restricted", "suppress", "noisy", "exact")
"""Who names one of these may hold a guarded value, so nothing is copied with other fields there."""

COPIES = ("replace", "copy", "deepcopy")
TRICKS = ("__replace__", "__new__", "__setattr__", "__reduce__", "__class__", "__setstate__", "__import__")
"""What makes a value without calling its type by name."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``what`` is a guarded type, or the copying trick; ``function`` the outermost function or class it stands in."""

    what: str
    function: str
    line: int


def findings(source: str) -> list[Finding]:
    """Every use of a guarded type but as a type, and every trick that copies a frozen value with other fields."""
    tree = ast.parse(source)
    carries = any(part.name in CARRIERS for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for part in node.names)
    names = _guarded_names(tree) | (_copying_names(tree) if carries else {})
    asleep = set(_only_types(tree))
    found = []
    for function, node in _nodes(tree):
        if id(node) in asleep:
            continue
        if isinstance(node, ast.Name) and node.id in names:
            found.append(Finding(names[node.id], function, node.lineno))
        elif isinstance(node, ast.Attribute) and node.attr in GUARDED and isinstance(node.ctx, ast.Load):
            found.append(Finding(node.attr, function, node.lineno))
        elif trick := (_copy(node) if carries else "") or _trick(node):
            found.append(Finding(trick, function, node.lineno))
    return found


def _nodes(tree: ast.Module) -> Iterator[tuple[str, ast.expr | ast.stmt]]:
    for top in tree.body:
        named = isinstance(top, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in ast.walk(top):
            if isinstance(node, ast.expr | ast.stmt):
                yield (top.name if named else "", node)


def _guarded_names(tree: ast.Module) -> dict[str, str]:
    """The names under which this module knows the guarded types. The client has a `Release` of its own, which proves nothing."""
    names = {name: name for name in GUARDED for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tre") and "client" not in (node.module or ""):
            names |= {part.asname or part.name: part.name for part in node.names if part.name in GUARDED}
    return names


def _copying_names(tree: ast.Module) -> dict[str, str]:
    """The names under which this module knows what copies a frozen value with other fields."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module in ("dataclasses", "copy")]
    return {part.asname or part.name: part.name for node in imports for part in node.names if part.name in COPIES}


def _only_types(tree: ast.Module) -> Iterator[int]:
    """The nodes that say a type and make nothing: annotations, unions of types, patterns, the second half of isinstance."""
    for node in ast.walk(tree):
        for part in _types_in(node):
            yield from (id(inner) for inner in ast.walk(part))


def _types_in(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.expr() as annotation):
            return [annotation]
        case ast.FunctionDef(returns=ast.expr() as returns) | ast.AsyncFunctionDef(returns=ast.expr() as returns):
            return [returns]
        case ast.BinOp(op=ast.BitOr()):
            return [side for side in (node.left, node.right) if isinstance(side, ast.Name | ast.Attribute)]
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, kinds]):
            return [kinds]
        case ast.MatchClass(cls=kind):
            return [kind]
    return []


def _copy(node: ast.AST) -> str:
    match node:
        case ast.Attribute(value=ast.Name(id="dataclasses" | "copy"), attr=name) if name in COPIES:
            return name
        case ast.Call(func=ast.Call(func=ast.Name(id="type"))):
            return "type(value)"
    return ""


def _trick(node: ast.AST) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in TRICKS:
            return name
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]) if name in GUARDED:
            return name
    return ""
