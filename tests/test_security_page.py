"""SECURITY.md promises nothing that no test proves."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "SECURITY.md"


def named() -> list[tuple[str, str]]:
    """The proofs of the page: file and test; ``::test_x`` alone belongs to the file named before it."""
    found, file = [], ""
    for told, test in re.findall(r"`([\w/]*(?:\.py)?)::(test_\w+)`", PAGE.read_text("utf-8")):
        file = told or file
        found.append((file, test))
    return found


def test_every_proof_is_a_test():
    missing = [
        f"{file}::{test}"
        for file, test in named()
        if test not in {getattr(part, "name", "") for part in ast.walk(ast.parse((TESTS / file).read_text("utf-8")))}
    ]
    assert missing == []


def test_every_threat_has_a_proof():
    table = PAGE.read_text("utf-8").partition("## What stands")[2]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) > 20
    assert [row for row in rows[1:] if "::test_" not in row] == []
