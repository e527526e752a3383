"""The document: a workflow as the engine reads it, whatever shape it was exported in.

Readers (:mod:`flowdrop_provider.document.normalise`) turn every export shape into these models. The models hold what the
author drew and nothing derived: ports, processors and edge kinds are looked up in live node types at compile time (CMP-2).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MAX_RETRIES", "Edge", "ManifestEntry", "Node", "Position", "TriggerConfig", "Workflow"]

#: Retries happen at once and without a pause (ERR-11): what a drawing may ask for is bounded.
MAX_RETRIES = 100


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class Position(_Document):
    """Canvas position in pixels."""

    x: float = 0.0
    y: float = 0.0


class Node(_Document):
    """A node as drawn.

    ``node_type_id`` is the anchor (``None``: a note or decoration, legal and never executed, R1.b); ``config`` the author's
    values and the reserved keys; ``malformed_config`` the JSON type of a configuration that is no object, else ``""`` (R6.a);
    ``index`` the place in the document's node list, for locators.
    """

    id: str = ""
    node_type_id: str | None = None
    label: str = ""
    config: dict[str, Any] = Field(default_factory=dict)
    malformed_config: str = ""
    position: Position | None = None
    measured: dict[str, Any] | None = None
    visual_type: str = ""
    extensions: dict[str, Any] = Field(default_factory=dict)
    index: int = 0

    @property
    def max_retries(self) -> int:
        """The author's ``maxRetries`` (or first-generation ``max_retries``), 0 when unset or not a number (ERR-11).

        At most :data:`MAX_RETRIES`.
        """
        for key in ("maxRetries", "max_retries"):
            value = self.config.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return int(min(max(0, value), MAX_RETRIES))
            if isinstance(value, str) and value.strip().isdecimal():
                return min(int(value.strip()[:6]), MAX_RETRIES)
        return 0


class Edge(_Document):
    """An edge as drawn; handles are always in the long spelling ``{nodeId}-{output|input}-{port}``, or empty (EDGE-2).

    ``declared_type`` is ``data.edgeType`` (EDGE-5), ``type_hint`` ``data.metadata.edgeType``, which never wins over a handle;
    ``spelling`` the two handles as the document writes them (R13).
    """

    id: str = ""
    source: str = ""
    target: str = ""
    source_handle: str = ""
    target_handle: str = ""
    declared_type: Any = None
    type_hint: str = ""
    spelling: tuple[str, str] = ("", "")
    condition: Any = None
    index: int = 0


class ManifestEntry(_Document):
    """One public input or output of a workflow, bound to a port of an inner node (MAN-2)."""

    name: str = ""
    node_id: str = ""
    port: str = ""
    title: str = ""
    description: str = ""
    examples: list[Any] = Field(default_factory=list)
    required: bool = False


class Workflow(_Document):
    """A workflow document.

    ``settings`` is the document's own ``metadata.flowdrop`` map (how it wants to be run); ``enabled`` is Drupal's
    ``status``: a disabled workflow is read and validated but never started.
    """

    id: str = ""
    name: str = ""
    description: str = ""
    nodes: list[Node] = Field(default_factory=list)
    edges: list[Edge] = Field(default_factory=list)
    metadata: dict[str, Any] = Field(default_factory=dict)
    input_ports: list[ManifestEntry] = Field(default_factory=list)
    output_ports: list[ManifestEntry] = Field(default_factory=list)
    parameter_schema: dict[str, Any] = Field(default_factory=dict)
    output_schema: dict[str, Any] = Field(default_factory=dict)
    enabled: bool = True
    uid: int | None = None
    created: int | str | None = None
    changed: int | str | None = None
    schema_version: str = ""
    generation: str = "editor"

    @property
    def tags(self) -> list[str]:
        """The author's tags (``metadata.tags``), strings only."""
        tags = self.metadata.get("tags")
        return [tag for tag in tags if isinstance(tag, str) and tag] if isinstance(tags, list) else []

    @property
    def settings(self) -> dict[str, Any]:
        """How the document asks to be run: ``metadata.flowdrop``, ``{}`` when absent."""
        settings = self.metadata.get("flowdrop")
        return settings if isinstance(settings, dict) else {}


class TriggerConfig(BaseModel):
    """A trigger configuration entity: which event or schedule starts which workflow."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str = ""
    label: str = ""
    workflow_id: str = ""
    node_id: str = ""
    event_type: str = ""
    enabled: bool = True
    conditions: dict[str, Any] = Field(default_factory=dict)
    orchestrator_settings: dict[str, Any] = Field(default_factory=dict)
