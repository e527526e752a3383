"""The page of proved rules is fresh, and copies nothing from the specification."""

from __future__ import annotations

import pytest

from devtools.conformance import PAGE, page, proofs, reasons
from devtools.pytest_rules import load_rules


@pytest.fixture
def rules() -> list[dict[str, str]]:
    found = load_rules()
    if not found:
        pytest.skip("the list of rules is not part of the repository")
    return found


def test_the_page_is_fresh(rules: list[dict[str, str]]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m devtools.conformance"


def test_every_mark_and_every_reason_names_a_rule(rules: list[dict[str, str]]) -> None:
    known = {rule["id"] for rule in rules} | {rule["family"] for rule in rules}
    assert set(proofs()) <= known
    assert set(reasons()) <= known


def test_no_sentence_of_the_rules_is_on_the_page(rules: list[dict[str, str]]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert not [rule["id"] for rule in rules if rule["paraphrase"][:60] in text]
