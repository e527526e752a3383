from __future__ import annotations

import datetime as dt
import json

import pytest

from devtools.licences import PACKAGE, runtime
from devtools.sbom import bill_of_materials, main

MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


@pytest.fixture(scope="module")
def text():
    return bill_of_materials(runtime(), MOMENT)


def test_it_is_valid_cyclonedx(text):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.replace('"bomFormat"', '"bom"')) is not None


def test_it_lists_what_is_installed_and_who_needs_whom(text):
    found = json.loads(text)
    components = {item["name"]: item for item in found["components"]}

    assert found["metadata"]["component"]["name"] == PACKAGE
    assert set(components) == set(runtime()) - {PACKAGE}
    assert components["lark"]["purl"] == f"pkg:pypi/lark@{components['lark']['version']}"
    assert components["lark"]["licenses"]
    needs = {item["ref"].partition("@")[0]: item.get("dependsOn", []) for item in found["dependencies"]}
    assert f"lark@{components['lark']['version']}" in needs[PACKAGE]
    assert len(needs["apache-airflow-core"]) > 20


def test_the_same_installation_gives_the_same_bytes(text, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(MOMENT.timestamp())))

    assert main([str(tmp_path / "dist" / "sbom.json")]) == 0
    assert (tmp_path / "dist" / "sbom.json").read_text("utf-8") == text
