"""The Airflow side of models, memory and Drupal: settings and connections, no running Airflow."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, create_engine

from flowdrop_provider import conf
from flowdrop_provider.errors import NodeError
from flowdrop_provider.hooks.memory import airflow_memory
from flowdrop_provider.hooks.models import AirflowModels
from flowdrop_provider.nodes.memory_store import MISSING, Place


def connection(monkeypatch: pytest.MonkeyPatch, name: str, **fields: object) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))


def settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for key, value in values.items():
        monkeypatch.setenv(f"AIRFLOW__FLOWDROP__{key.upper()}", value)


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> AirflowModels:
    pytest.importorskip("airflow.providers.common.ai", reason="needs the extra 'ai'")
    settings(monkeypatch, model_conn_id="llm", model_aliases="gpt-3.5-turbo=openai-chat:big, role:fast=openai-chat:small")
    extra = {"model": "openai-chat:default"}
    connection(monkeypatch, "llm", conn_type="pydanticai", password="key", host="http://127.0.0.1:9/v1", extra=extra)
    return AirflowModels()


@pytest.mark.parametrize(
    ("name", "role", "model"),
    [("", "", "default"), ("gpt-3.5-turbo", "", "big"), ("", "role:fast", "small"), ("gpt-3.5-turbo", "role:fast", "big")],
)
def test_the_deployment_decides_which_model_a_name_means(models: AirflowModels, name: str, role: str, model: str) -> None:
    assert models.chat(name, role).model_name == model


def test_a_drawing_cannot_send_the_key_to_another_platform(models: AirflowModels) -> None:
    with pytest.raises(NodeError) as caught:
        models.chat("anthropic:claude", "")
    assert caught.value.code == "model_refused"


def test_without_settings_there_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for call in (lambda: AirflowModels().chat("", ""), lambda: AirflowModels().embedding("")):
        with pytest.raises(NodeError) as caught:
            call()
        assert caught.value.code == "model_missing"


def test_memory_uses_the_connections_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from airflow.sdk import BaseHook

    class Hook:
        def get_sqlalchemy_engine(self) -> Engine:
            return create_engine(f"sqlite:///{tmp_path}/memory.db")

    connection = SimpleNamespace(get_hook=Hook, conn_type="memory")
    monkeypatch.setattr(BaseHook, "get_connection", classmethod(lambda cls, name: {"memory": connection}[name]))
    place = Place("global", "", "k")
    store = airflow_memory("memory")
    assert store.get(place) is MISSING
    store.put(place, {"a": 1})
    assert store.get(place) == {"a": 1}


def test_memory_needs_no_provider_of_its_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    def refuse() -> None:
        raise AirflowException("Unknown hook type")

    facts = {"conn_type": "sqlite", "host": f"{tmp_path}/other.db", "get_hook": refuse}
    known = {"sqlite": SimpleNamespace(**facts), "odd": SimpleNamespace(**{**facts, "conn_type": "ftp"})}
    monkeypatch.setattr(BaseHook, "get_connection", classmethod(lambda cls, name: known[name]))
    place = Place("global", "", "k")
    airflow_memory("sqlite").put(place, 1)
    assert airflow_memory("sqlite").get(place) == 1
    with pytest.raises(NodeError) as caught:
        airflow_memory("odd").get(place)
    assert caught.value.code == "connection_invalid"


def test_every_setting_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (conf.memory_conn_id(), conf.model_conn_id(), conf.embedding_model(), conf.drupal_conn_id()) == ("", "", "", "")
    assert conf.model_aliases() == {}
