"""What others rely on: the names each module exports, the documented codes and settings."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import flowdrop_provider
from flowdrop_provider.get_provider_info import get_provider_info

PACKAGE = Path(flowdrop_provider.__file__).parent
ROOT = PACKAGE.parent
BELOW_AIRFLOW = ("document", "expressions", "nodes", "engine", "drupal", "library", "cli")

MODULES = sorted(
    info.name
    for folder in BELOW_AIRFLOW
    for info in pkgutil.walk_packages([str(PACKAGE / folder)], f"flowdrop_provider.{folder}.")
    if not info.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_all_names_exist(name: str) -> None:
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", None)
    assert exported is not None or not inspect.getsource(module).count("\ndef "), "a module says what it exports"
    assert [item for item in exported or () if not hasattr(module, item)] == []


def codes() -> set[str]:
    """Every literal given as a code: first argument of a finding, or ``code=``; upper case, so no node codes."""
    found: set[str] = set()
    for folder in ("document", "engine", "drupal", "library", "cli"):
        for path in (PACKAGE / folder).rglob("*.py"):
            for call in (item for item in ast.walk(ast.parse(path.read_text())) if isinstance(item, ast.Call)):
                given = [word.value for word in call.keywords if word.arg == "code"] + call.args[:2]
                found |= {item.value for item in given if isinstance(item, ast.Constant) and isinstance(item.value, str)}
    found |= set(re.findall(r'default_code = "([A-Z_]+)"', (PACKAGE / "errors.py").read_text()))
    prefixes = (
        "DOC_",
        "CMP_",
        "LAUNCH_",
        "DYN_",
        "EDGE_TYPE",
        "NODE_ID_",
        "NODE_TYPE_U",
        "CONF_",
        "EXPR_",
        "VALID",
        "RETRIES",
        "SNAPSHOT_",
        "W_",
    )
    return {code for code in found if re.fullmatch(r"R\d+_[A-Z_]+", code) or (code.isupper() and code.startswith(prefixes))}


def test_every_code_is_documented() -> None:
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs" / "errors.md").read_text()))
    assert len(codes()) > 40
    assert codes() - documented == set()


def test_settings_are_declared_once() -> None:
    options = get_provider_info()["config"]["flowdrop"]["options"]
    read = set(re.findall(r"``\[flowdrop\] ([a-z_]+)``", (PACKAGE / "conf.py").read_text()))
    assert read == set(options)
