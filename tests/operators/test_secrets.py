"""``${{ secrets.NAME }}`` on Airflow: which names a drawing may ask for."""

from __future__ import annotations

import json

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.operators.world import airflow_world


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("drawings_mail", "warehouse", "site"):
        connection = json.dumps({"conn_type": "generic", "password": f"the password of {name}"})
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", connection)
    monkeypatch.setenv("AIRFLOW_VAR_DRAWINGS_KEY", "the variable")


def secret(name: str) -> str:
    found = airflow_world().secret
    assert found is not None
    return found(name)


def refusal(name: str) -> str:
    with pytest.raises(NodeError) as caught:
        secret(name)
    assert "password" not in str(caught.value)
    return caught.value.code


def test_a_drawing_gets_the_secrets_it_may_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret("warehouse") == "the password of warehouse", "by default any"
    monkeypatch.setenv("AIRFLOW__FLOWDROP__SECRET_NAMES", "drawings_*, other")
    assert secret("drawings_mail") == "the password of drawings_mail"
    assert secret("drawings_key") == "the variable"
    assert refusal("warehouse") == refusal("Drawings_mail") == "secret_refused"
    monkeypatch.setenv("AIRFLOW__FLOWDROP__SECRET_NAMES", "")
    assert refusal("drawings_mail") == "secret_refused"


@pytest.mark.parametrize("setting", ["drupal_conn_id", "memory_conn_id", "model_conn_id"])
def test_the_connections_of_this_package_are_never_given(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv(f"AIRFLOW__FLOWDROP__{setting.upper()}", "site")
    monkeypatch.setattr("flowdrop_provider.operators.world._services", dict)
    assert refusal("site") == "secret_refused"
    assert secret("warehouse")
