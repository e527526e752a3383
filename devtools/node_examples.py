"""Run the examples of the node pages in a small world that always answers the same."""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowdrop_provider.engine.execution import NodeToRun, execute
from flowdrop_provider.engine.gate import GatePolicy
from flowdrop_provider.nodes._tool_calls import Tool
from flowdrop_provider.nodes.api import NodeContext, Processor
from flowdrop_provider.nodes.file_store import LocalFileStore
from flowdrop_provider.nodes.memory_store import InProcessMemory
from flowdrop_provider.nodes.world import HttpReply, HttpRequest, World

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["EXAMPLES", "Example", "load_examples", "run_example"]

EXAMPLES = Path(__file__).parent / "node_examples.toml"
_NOW = dt.datetime(2025, 1, 15, 10, 30, 45, tzinfo=dt.timezone.utc)
_ARTICLE = {
    "type": "node--article",
    "id": "dcba6388-1df4-4ee2-98f0-cfe5ebb8da65",
    "attributes": {
        "drupal_internal__nid": 12,
        "drupal_internal__vid": 30,
        "title": "Weather",
        "created": "2025-01-15T10:00:00+00:00",
        "changed": "2025-01-15T10:30:00+00:00",
    },
}


@dataclass(frozen=True, slots=True)
class Example:
    """An example: ``config`` and ``inputs`` as in a workflow; ``resume`` is the answer a waiting node goes on with."""

    config: Mapping[str, Any]
    inputs: Mapping[str, Any]
    initial_data: Mapping[str, Any]
    resume: Mapping[str, Any] | None


def load_examples(path: Path = EXAMPLES) -> dict[str, Example]:
    """Return the examples by processor id."""
    entries = tomllib.loads(path.read_text())
    return {
        name: Example(entry.get("config", {}), entry.get("inputs", {}), entry.get("initial_data", {}), entry.get("resume"))
        for name, entry in entries.items()
    }


def run_example(processor: Processor, example: Example) -> dict[str, Any]:
    """Return the outputs; raises :class:`AssertionError` when the node fails.

    A node that asks is run twice: its question is checked for, then it is resumed.
    """
    node = NodeToRun(processor.id, processor.node_type.label, processor.node_type, dict(example.config))
    with tempfile.TemporaryDirectory() as folder:
        world = _world(Path(folder))
        context = NodeContext(
            "node.1",
            node_type_id=processor.node_type.id,
            workflow_id="example",
            run_id="run-1",
            inputs=dict(example.inputs),
            config=dict(example.config),
            initial_data=dict(example.initial_data),
            world=world,
            resume=example.resume,
        )
        execution = execute(node, context)
    if execution.error is not None:
        raise AssertionError(f"{processor.id}: {execution.error}")
    outputs: dict[str, Any] = json.loads(json.dumps(execution.outputs))
    return outputs


class _Http:
    def send(self, request: HttpRequest) -> HttpReply:
        headers = (("Content-Type", "application/json"),)
        return HttpReply(200, "OK", headers, b'{"weather": "sunny"}', request.url)


class _Models:
    def chat(self, name: str, role: str) -> Any:  # noqa: ARG002
        from pydantic_ai.models.test import TestModel

        return TestModel(custom_output_text="It is sunny.", call_tools=[])

    def embedding(self, name: str) -> Any:  # noqa: ARG002
        from pydantic_ai.embeddings import TestEmbeddingModel

        return TestEmbeddingModel(dimensions=3)


class _Drupal:
    def request(self, method: str, path: str, query: Any = None, body: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return {"data": [_ARTICLE] if method == "GET" else _ARTICLE}


class _Workflows:
    def start(self, workflow_id: str, inputs: Mapping[str, Any]) -> str:  # noqa: ARG002
        return "run-1"

    def state(self, run_id: str) -> dict[str, Any]:  # noqa: ARG002
        return {"status": "completed", "outputs": {"report": "It is sunny."}}

    def wait(self, run_id: str, seconds: float, interval: float) -> dict[str, Any]:  # noqa: ARG002
        return self.state(run_id)


class _Callbacks:
    def make(self, interrupt_id: str, expires_in: float) -> str:  # noqa: ARG002
        return f"https://airflow.example/flowdrop/callbacks/{interrupt_id}"


class _Tools:
    def tools(self, node_id: str) -> list[Tool]:  # noqa: ARG002
        city = {"type": "object", "properties": {"city": {"type": "string"}}}
        return [Tool("weather", "Tells the weather.", city, lambda arguments: {"weather": f"sunny in {arguments.get('city')}"})]

    def results(self) -> dict[str, dict[str, Any]]:
        return {}


def _world(folder: Path) -> World:
    extras = {
        "memory": InProcessMemory(),
        "models": _Models(),
        "drupal": _Drupal(),
        "workflows": _Workflows(),
        "callbacks": _Callbacks(),
        "tools": _Tools(),
    }
    files = LocalFileStore(folder)
    # An example is one node that somebody runs by hand: nothing to confirm.
    extras["gate"] = GatePolicy(by_hand=True)
    return World(now=lambda: _NOW, rng=random.Random(7), http=_Http(), files=files, session_id="s1", user_id="7", extras=extras)
