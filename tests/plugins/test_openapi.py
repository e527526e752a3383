"""The published document is the one the routes have, and covers FlowDrop's own as far as the documentation says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from flowdrop_provider.plugins.api.openapi import openapi_text

DOCS = Path(__file__).parents[2] / "docs"


def test_the_published_document_is_fresh():
    published = (DOCS / "openapi.json").read_text(encoding="utf-8")

    assert published == openapi_text(), "write it anew: python -m flowdrop_provider.plugins.api.openapi docs/openapi.json"


def named(part):
    """Return the names of all properties and parameters that the document has."""
    found = set(part.get("properties", {})) if isinstance(part, dict) else set()
    if isinstance(part, dict) and "in" in part:
        found.add(part.get("name"))
    for child in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        found |= named(child)
    return found


@pytest.mark.rule("STORE-13")
def test_a_node_and_its_type_have_one_name_each():
    names = named(json.loads(openapi_text()))

    assert {"node_id", "node_type_id"} <= names
    assert not names & {"node_type", "nodeType", "node_type_key", "type_id"}


def normal(path):
    return re.sub(r"{[^}]*}", "{}", path)


def test_every_path_of_flowdrop_s_contract_is_served_or_said_to_be_missing(shared):
    contract = yaml.safe_load((shared / "reference" / "flowdrop-openapi.yaml").read_text(encoding="utf-8"))
    ours = {normal(path.removeprefix("/api/v1")): set(methods) for path, methods in json.loads(openapi_text())["paths"].items()}
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    missing = re.search(r"## What is not there\n(.*?)\n## ", text, re.DOTALL).group(1)
    verbs = {"get", "post", "put", "delete", "patch"}
    for path, operations in contract["paths"].items():
        for method in verbs & set(operations):
            served = method in ours.get(normal(path), set())
            named = any(path.startswith(prefix) or prefix in path for prefix in re.findall(r"`(/[^`]*)`", missing))
            assert served or named, f"{method} {path} is neither served nor named as missing"


@pytest.mark.parametrize("word", ["curl", "<?php", "Idempotency-Key", "next_cursor"])
def test_the_page_shows_how_to_call_it(word):
    assert word in (DOCS / "api.md").read_text(encoding="utf-8")
