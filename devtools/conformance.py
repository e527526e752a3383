"""Write ``docs/conformance.md``: each rule of the specification with the tests that prove it, or why there is none.

The tests are read, not run: a rule counts as proved where a test function carries ``@pytest.mark.rule`` with its id. Why a rule
has no test stands in ``docs/conformance_reasons.toml``, by rule id or by family.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from devtools.pytest_rules import ROOT, load_rules

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["PAGE", "page", "proofs", "reasons"]

PAGE = ROOT / "docs" / "conformance.md"
REASONS = ROOT / "docs" / "conformance_reasons.toml"

_HEAD = """# Conformance

Which rules of the FlowDrop specification a test proves. Written by `python -m devtools.conformance` from the markers in the
tests; ids and levels are the specification's. *open* means that nobody has proved the rule here; a reason says more.
"""


def proofs() -> dict[str, list[str]]:
    """Return the tests of each rule as ``file::function``, sorted, by rule id."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for test, rule_ids in _marked(ast.parse(path.read_text(encoding="utf-8"))):
            for rule_id in rule_ids:
                found[rule_id].append(f"{path.relative_to(ROOT / 'tests').as_posix()}::{test}")
    return {rule_id: sorted(set(tests)) for rule_id, tests in found.items()}


def _marked(module: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for item in ast.walk(module):
        if isinstance(item, ast.FunctionDef) and item.name.startswith("test_"):
            yield item.name, [rule_id for mark in item.decorator_list for rule_id in _ids(mark)]


def _ids(mark: ast.expr) -> list[str]:
    if not isinstance(mark, ast.Call) or not ast.unparse(mark.func).endswith("mark.rule"):
        return []
    return [item.value for item in mark.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def reasons() -> dict[str, str]:
    """Return why rules without a test have none, by rule id or family."""
    data: Mapping[str, Any] = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    return {**data.get("families", {}), **data.get("rules", {})}


def page() -> str:
    """Return the page's text."""
    rules, tests, why = load_rules(), proofs(), reasons()
    lines = [_HEAD, *_summary(rules, tests)]
    for family, members in groupby(sorted(rules, key=lambda rule: rule["family"]), key=lambda rule: rule["family"]):
        lines += ["", f"## {family}", "", "| rule | level | binds | proved by |", "|---|---|---|---|"]
        lines += [_row(rule, tests.get(rule["id"], []), why.get(rule["id"]) or why.get(family)) for rule in members]
    return "\n".join(lines) + "\n"


def _summary(rules: list[dict[str, str]], tests: Mapping[str, list[str]]) -> Iterator[str]:
    every: Counter[tuple[str, bool]] = Counter()
    proved: Counter[tuple[str, bool]] = Counter()
    for rule in rules:
        key = (rule["family"], _binds_runtime(rule))
        every[key] += 1
        proved[key] += rule["id"] in tests
    yield "| family | runtime, core and extended | the rest |"
    yield "|---|---|---|"
    for family in sorted({rule["family"] for rule in rules}):
        cells = (f"{proved[family, bound]} of {every[family, bound]}" for bound in (True, False))
        yield f"| {family} | {' | '.join(cells)} |"
    bound = sum(count for (_, runtime), count in every.items() if runtime)
    done = sum(count for (_, runtime), count in proved.items() if runtime)
    yield f"| all | {done} of {bound} | {proved.total() - done} of {every.total() - bound} |"


def _binds_runtime(rule: Mapping[str, str]) -> bool:
    return "runtime" in rule["profiles"] and rule["level"] in {"core", "extended"}


def _row(rule: Mapping[str, str], tests: list[str], reason: str | None) -> str:
    shown = "<br>".join(f"`{test}`" for test in tests[:3])
    more = f" and {len(tests) - 3} more" if len(tests) > 3 else ""
    proof = f"{shown}{more}" if tests else f"open: {reason}" if reason else "open"
    return f"| {rule['id']} | {rule['level']} | {rule['profiles'].replace(',', ', ')} | {proof} |"


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` say whether it is stale; without the list of rules do nothing."""
    if not load_rules():
        print("The list of rules is absent; docs/conformance.md stays as it is.")
        return 0
    if "--check" in arguments:
        return int(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
