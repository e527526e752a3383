"""Pytest hooks that count which rules of the FlowDrop specification have a test (``@pytest.mark.rule("DATA-4")``).

The list of rules lies outside of the repository (``flowdrop-spec-rules.tsv``); where it is absent only the proven ids are
counted. A rule counts as proven when at least one of its tests passed and none failed.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

import pytest

__all__ = ["SHARED", "collect_rules", "load_rules", "print_rules", "pytest_runtest_makereport"]

ROOT = Path(__file__).resolve().parent.parent

#: Where reference material, measured vectors and real exports lie; never part of the repository.
SHARED = Path(os.environ.get("FLOWDROP_SHARED", ROOT.parent / "shared"))

_outcomes: dict[str, set[str]] = defaultdict(set)


def load_rules() -> list[dict[str, str]]:
    """Return the rules (``id, family, profiles, level, strength, paraphrase``), ``[]`` where the list is absent."""
    path = SHARED / "reference" / "flowdrop-spec-rules.tsv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:  # noqa: ARG001 - pytest's signature
    """Note the rules of a test in its report, which reaches the process that prints, also from a worker process."""
    outcome = yield
    ids = [rule_id for marker in item.iter_markers("rule") for rule_id in marker.args]
    if ids:
        outcome.get_result().user_properties.append(("rules", ids))


def collect_rules(report: pytest.TestReport) -> None:
    """Remember how the tests of each rule ended."""
    if report.when == "call" or report.outcome != "passed":
        for name, ids in report.user_properties:
            for rule_id in cast("list[str]", ids) if name == "rules" else ():
                _outcomes[rule_id].add(report.outcome)


def proven() -> set[str]:
    """Return the ids of rules with a passed test and no failed one."""
    return {rule_id for rule_id, seen in _outcomes.items() if "passed" in seen and "failed" not in seen}


def print_rules(terminalreporter: Any) -> None:
    """Print covered/total by family and level, and the runtime rules without a test."""
    known = load_rules()
    if not _outcomes:
        return
    terminalreporter.section("FlowDrop rules with a passed test")
    if not known:
        terminalreporter.line(f"{len(proven())} rules; the list of all rules is absent ({SHARED}).")
        return
    for line in _table(known):
        terminalreporter.line(line)
    unknown = sorted(set(_outcomes) - {rule["id"] for rule in known})
    if unknown:
        terminalreporter.line(f"Marked, but not in the list: {', '.join(unknown)}")


def _table(known: list[dict[str, str]]) -> list[str]:
    done = proven()
    families: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for rule in known:
        families[rule["family"]][rule["level"].split()[0]].append(rule["id"] in done)
    lines = []
    for family in sorted(families):
        cells = [f"{level} {sum(seen)}/{len(seen)}" for level, seen in sorted(families[family].items())]
        lines.append(f"{family:<10} {'   '.join(cells)}")
    bound = [rule for rule in known if "runtime" in rule["profiles"] and rule["level"] in {"core", "extended"}]
    missing = [rule["id"] for rule in bound if rule["id"] not in done]
    lines.append(f"{'runtime':<10} core and extended {len(bound) - len(missing)}/{len(bound)}")
    if missing:
        lines.append(f"without a test: {' '.join(missing)}")
    return lines
