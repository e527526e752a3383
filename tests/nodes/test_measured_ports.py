"""What first-generation processors declare (``golden/plugin_schemas.jsonl``): their ports, settings, defaults and outputs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.nodes.registry import get_processor

SHARED = Path(os.environ.get("FLOWDROP_SHARED", Path(__file__).parents[3] / "shared"))
FILE = SHARED / "golden" / "plugin_schemas.jsonl"
SCHEMAS = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.is_file() else []
_MODEL = "the deployment chooses the model; a drawing that names none gets its default"
#: What we declare otherwise, and why.
DEVIATIONS = {
    ("chat_model", "default model"): _MODEL,
    ("openai_chat", "default model"): _MODEL,
    ("openai_embeddings", "default model"): _MODEL,
    ("huggingface_embeddings", "default model"): _MODEL,
    ("chroma_vector_store", "default embeddingModel"): _MODEL,
    ("notes", "default content"): "a note without a text is empty, not a lesson in Markdown",
    ("prompt_template", "setting variables"): "a port in 2.x; the saved map of a first-generation document is read",
    ("scheduled_trigger", "default scheduleExpression"): "a trigger without a schedule must not run every midnight",
    ("transform_node_processor", "output data"): "declared by the original, never given",
}


def _properties(schema: dict[str, Any], half: str) -> dict[str, Any]:
    return dict((schema[half] or {}).get("properties") or {})


def _empty(value: Any) -> bool:
    return value in (None, "", [], {})


def _differences(schema: dict[str, Any]) -> set[str]:
    processor = get_processor(schema["plugin"])
    assert processor is not None, schema["plugin"]
    ours, outputs = processor.node_type.parameters, processor.node_type.outputs
    found = {f"port {name}" for name in _properties(schema, "input_schema") if name not in ours or not ours[name].connectable}
    found |= {f"output {name}" for name in _properties(schema, "output_schema") if name not in outputs}
    for name, fragment in _properties(schema, "config_schema").items():
        if name == "nodeType":
            continue  # The look of the node, reserved since 2.x.
        if name not in ours or not ours[name].configurable:
            found.add(f"setting {name}")
            continue
        default, theirs = ours[name].effective_default, fragment.get("default")
        if default != theirs and not (_empty(default) and _empty(theirs)):
            found.add(f"default {name}")
    return found


@pytest.mark.skipif(not SCHEMAS, reason=f"no {FILE}; set FLOWDROP_SHARED")
def test_every_declaration_is_ours_or_a_listed_deviation() -> None:
    found = {(schema["plugin"], difference) for schema in SCHEMAS for difference in _differences(schema)}
    assert found == set(DEVIATIONS)
    deviating = {plugin for plugin, _ in DEVIATIONS}
    print(f"declarations: equal {len(SCHEMAS) - len(deviating)}  deviating {len(deviating)}  total {len(SCHEMAS)}")
