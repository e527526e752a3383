"""What a run takes over is sealed for that run alone."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet

from flowdrop_provider.errors import LaunchError
from flowdrop_provider.operators.reuse import Reuse, opened_reuse, sealed_reuse

REUSE = Reuse("run-1", "2026-01-01T00:00:00+00:00", frozenset({"a.1"}), {"b.1": {"password": "swordfish", "n": [1, None]}})


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("AIRFLOW__FLOWDROP__SEAL_KEY", Fernet.generate_key().decode())


def through_conf(member):
    return {"reuse": json.loads(json.dumps(member))}


def test_it_comes_back_as_it_was_and_says_nothing_meanwhile():
    member = sealed_reuse("dag", "run-2", REUSE)
    assert set(member) == {"sealed"}
    assert "swordfish" not in json.dumps(member)
    assert opened_reuse(through_conf(member), "dag", "run-2") == REUSE
    assert opened_reuse({}, "dag", "run-2") == Reuse()


@pytest.mark.parametrize(("dag_id", "run_id"), [("dag", "run-3"), ("other", "run-2")])
def test_it_is_no_use_to_another_run(dag_id, run_id):
    with pytest.raises(LaunchError) as refused:
        opened_reuse(through_conf(sealed_reuse("dag", "run-2", REUSE)), dag_id, run_id)
    assert refused.value.code == "LAUNCH_REUSE"


@pytest.mark.parametrize(
    "member",
    [
        {
            "json": json.dumps(
                json.dumps({"dag_id": "dag", "run_id": "run-2", "source": "run-1", "at": "", "nodes": [], "pins": {}})
            )
        },
        {"dag_id": "dag", "run_id": "run-2", "nodes": ["a.1"]},
        {"sealed": "gAAAAAnothing"},
        {"stored": "file:///etc/passwd", "sealed": False},
        {"sealed": 1},
        [],
        "text",
    ],
)
def test_nobody_else_can_write_it(member):
    with pytest.raises(LaunchError):
        opened_reuse(through_conf(member), "dag", "run-2")
