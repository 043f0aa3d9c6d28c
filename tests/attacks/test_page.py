"""`docs/attacks.md` names for each attack the tests that try it: all attacks of the list, and only tests that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ATTACKS = [
    *("T-FP1", "T-FP2", "T-FP3", "T-SUM1", "T-SUM2", "T-NAN", "T-NULL", "T-SAMPLER", "T-AUDIT", "T-SENS", "T-TIME", "T-TIME2"),
    *("T-ERR", "T-MEM", "T-BUD1", "T-BUD2", "T-BUD3", "T-BUD4", "T-STATE", "T-REP", "T-DIFF", "T-TRACK", "T-EMPTY", "T-KEYS"),
    *("T-DENSE", "T-HAV", "T-JOIN", "T-LIN", "T-SIG", "T-BND", "T-SNOUT", "T-HOMER", "T-COLL", "T-REFRESH", "T-SEED", "T-PARSE"),
    *("T-META", "T-LOG", "T-MODE", "T-MODE2"),
]
ROW = re.compile(r"^\| (T-\w+) \| ([^|]+) \| `([^`]+)` \| `([^`]+)` \|$", re.M)


def there(test: str) -> bool:
    """Whether a file has a test of this name."""
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    return name.startswith("test_") and any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def test_every_attack_has_a_naive_target_and_a_test_of_ours() -> None:
    rows = ROW.findall((ROOT / "docs/attacks.md").read_text(encoding="utf-8"))
    assert [attack for attack, *_ in rows] == ATTACKS
    missing = [test for _, _, *tests in rows for test in tests if not there(test)]
    assert not missing


def test_every_file_of_attacks_is_on_the_page() -> None:
    """But for those about what has no name in the list, which say so."""
    page = (ROOT / "docs/attacks.md").read_text(encoding="utf-8")
    files = {path.name for path in Path(__file__).parent.glob("test_*.py")} - {Path(__file__).name, "test_public_log.py"}
    assert {name for name in files if f"tests/attacks/{name}::" not in page} == set()
