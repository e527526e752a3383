"""What a node type is, and where node types are looked up.

A node type joins two things: what the *processor* declares (JSON Schema of parameters and outputs) and what the *site*
decided about it (which parameters are configurable, connectable, required, exposed). The shipped catalogue is built from
the processors' own declarations; a site's ``flowdrop_node_type.*.yml`` files override the site half and never the
processor half, because a document is not trusted to name code (CMP-2, SCH-28).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["RESERVED_PARAMETERS", "NodeType", "NodeTypeCatalogue", "Output", "Parameter", "is_dynamic_name"]

#: Parameters that hold port definitions; configuration only, never ports (SCH-5, DYN-7).
RESERVED_PARAMETERS = frozenset({"dynamicInputs", "dynamicOutputs", "branches"})

_RESERVED_PORTS = frozenset({"input", "output", "trigger", "error", "tool", "loop_back"})
_DYNAMIC_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def is_dynamic_name(name: Any) -> bool:
    """Return whether an author may give a port of their own this name (DYN-3)."""
    reserved = _RESERVED_PORTS | RESERVED_PARAMETERS
    return isinstance(name, str) and name not in reserved and _DYNAMIC_NAME.fullmatch(name) is not None


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)


class Parameter(_Frozen):
    """One parameter of a node type.

    ``schema_`` is the processor's JSON Schema fragment (``{}`` when it declares none), ``default`` the node type's own
    default (``None`` means "not set", then the schema's ``default`` counts, CFG-3).
    """

    name: str
    schema_: Mapping[str, Any] = Field(default_factory=dict)
    configurable: bool = False
    connectable: bool = False
    required: bool = False
    default: Any = None
    exposed_by_default: bool = True

    @property
    def internal(self) -> bool:
        """Whether the runtime injects it: names that start with ``__`` (CFG-8)."""
        return self.name.startswith("__")

    @property
    def effective_default(self) -> Any:
        """The node type's default if not null, else the schema's, else ``None`` (CFG-3); of port definitions ``[]`` (SCH-5)."""
        found = self.default if self.default is not None else self.schema_.get("default")
        return [] if found is None and self.name in RESERVED_PARAMETERS else found


class Output(_Frozen):
    """One declared output port; ``exposed`` false strips it always (EXPO-13)."""

    name: str
    schema_: Mapping[str, Any] = Field(default_factory=dict)
    exposed: bool = True
    exposed_by_default: bool = True


class NodeType(_Frozen):
    """A node type as the engine uses it; see the module docstring.

    ``processor`` is the bare processor id (``if_else``), ``executor_plugin`` the id as the site spells it
    (``flowdrop_node_processor:if_else``); ``available`` says whether this installation has that processor.
    """

    id: str
    label: str = ""
    description: str = ""
    category: str = ""
    icon: str = ""
    color: str = ""
    version: str = "1.0.0"
    enabled: bool = True
    tags: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] = Field(default_factory=dict)
    outputs: Mapping[str, Output] = Field(default_factory=dict)
    processor: str = ""
    executor_plugin: str = ""
    derivative: str | None = None
    available: bool = True
    executable: bool = True
    start: bool = False
    terminal: bool = False
    consumes_tools: bool = False
    forwards_tools: bool = False
    state_aware: bool = False
    side_effects: bool = False
    visual_type: str = "default"
    supported_visual_types: tuple[str, ...] = ("default",)
    unified_input_exposed: bool = False
    unified_output_exposed: bool = False
    tool_exposed: bool = False
    confirmation: Mapping[str, Any] = Field(default_factory=dict)
    reserved_port_exposure: Mapping[str, bool] = Field(default_factory=dict)

    @property
    def dynamic_inputs(self) -> bool:
        """Whether an author may add input ports (DYN-1)."""
        return self._opted_in("dynamicInputs")

    @property
    def dynamic_outputs(self) -> bool:
        """Whether an author may add output ports (DYN-1)."""
        return self._opted_in("dynamicOutputs")

    def _opted_in(self, name: str) -> bool:
        parameter = self.parameters.get(name)
        return parameter is not None and parameter.configurable


class NodeTypeCatalogue:
    """Node types by id: a site's own first, then the shipped ones.

    :param shipped: the types of this installation, built from the processors.
    :param site: asked first for every id, once; returns a :class:`NodeType` or ``None`` (a lazy folder of site files, so
        that a worker reads only the types its one workflow uses).
    """

    def __init__(self, shipped: Iterable[NodeType] = (), site: Callable[[str], NodeType | None] | None = None) -> None:
        self._types: dict[str, NodeType] = {node_type.id: node_type for node_type in shipped}
        self._site = site
        self._asked: set[str] = set()

    def __contains__(self, node_type_id: object) -> bool:
        return isinstance(node_type_id, str) and self.get(node_type_id) is not None

    def __iter__(self) -> Iterator[NodeType]:
        return iter(self._types.values())

    def __len__(self) -> int:
        return len(self._types)

    def get(self, node_type_id: str) -> NodeType | None:
        """Return the type, or ``None`` when nobody declares it.

        :raises DocumentError: the site declares it in a file that cannot be read; the shipped type never stands in (SCH-33).
        """
        if self._site is not None and node_type_id not in self._asked:
            found = self._site(node_type_id)
            self._asked.add(node_type_id)
            if found is not None:
                self._types[node_type_id] = found
        return self._types.get(node_type_id)

    def ids(self) -> list[str]:
        """Return every known id, sorted; feeds "did you mean"."""
        return sorted(self._types)

    def extended(
        self, overrides: Iterable[NodeType] = (), site: Callable[[str], NodeType | None] | None = None
    ) -> NodeTypeCatalogue:
        """Return a new catalogue in which ``overrides``, and what ``site`` knows, win over this one's types."""
        merged = {**self._types, **{node_type.id: node_type for node_type in overrides}}
        return NodeTypeCatalogue(merged.values(), site or self._site)
