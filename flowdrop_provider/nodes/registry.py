"""Finds processors: the shipped modules, and those of other packages through ``flowdrop.processors``.

Importing this module imports no node module; the first look-up does. A shipped id always wins over a foreign one, so an
installed package cannot silently replace ``if_else``.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType

from flowdrop_provider.document.node_types import NodeTypeCatalogue
from flowdrop_provider.nodes.api import Processor

__all__ = ["all_processors", "get_processor", "processors_of", "shipped_catalogue", "shipped_modules"]

log = logging.getLogger(__name__)

#: One module per category; keep the list sorted. A module contributes every ``Processor`` among its attributes.
_MODULES: tuple[str, ...] = (
    "ai_agents",
    "ai_chat",
    "control",
    "conversation",
    "data_operations",
    "dataframes",
    "eca",
    "embeddings",
    "entities",
    "files",
    "formats",
    "helpers",
    "json_nodes",
    "logic",
    "loops",
    "mapping",
    "markup",
    "math_nodes",
    "memory",
    "messages",
    "network",
    "notes",
    "people",
    "prompts",
    "regex",
    "sequences",
    "shaping",
    "subworkflows",
    "testing",
    "texts",
    "time_nodes",
    "tools",
    "triggers",
    "vectors",
    "waits",
)

ENTRY_POINT_GROUP = "flowdrop.processors"


def processors_of(module: ModuleType) -> list[Processor]:
    """Return the processors a module declares, in declaration order."""
    return [value for value in vars(module).values() if isinstance(value, Processor)]


def shipped_modules() -> list[str]:
    """Return the names of the modules with the processors of this package."""
    return [f"flowdrop_provider.nodes.{name}" for name in _MODULES]


@cache
def _registered() -> dict[str, Processor]:
    found: dict[str, Processor] = {}
    for name in shipped_modules():
        for item in processors_of(import_module(name)):
            found[item.id] = item
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.value.startswith("flowdrop_provider."):
            continue
        for item in _foreign(point.name, point.load()):
            found.setdefault(item.id, item)
    return found


def _foreign(name: str, loaded: object) -> list[Processor]:
    if isinstance(loaded, Processor):
        return [loaded]
    if isinstance(loaded, ModuleType):
        return processors_of(loaded)
    log.warning("Entry point %s of group %s gives neither a processor nor a module; ignored.", name, ENTRY_POINT_GROUP)
    return []


@cache
def _by_any_id() -> dict[str, Processor]:
    found = dict(_registered())
    for item in _registered().values():
        for alias in item.aliases:
            found.setdefault(alias, item)
    return found


def all_processors() -> list[Processor]:
    """Return every processor of this installation, by id."""
    return sorted(_registered().values(), key=lambda item: item.id)


def get_processor(processor_id: str) -> Processor | None:
    """Return the processor for an id or alias (``module:id`` and ``module:id:derivative`` are understood)."""
    known = _by_any_id()
    if processor_id in known:
        return known[processor_id]
    parts = processor_id.split(":")
    return known.get(parts[1]) if len(parts) > 1 else None


@cache
def shipped_catalogue() -> NodeTypeCatalogue:
    """Return the node types of this installation, one per processor and one per alias."""
    types = [item.node_type for item in all_processors()]
    aliased = [item.node_type.model_copy(update={"id": alias}) for item in all_processors() for alias in item.aliases]
    return NodeTypeCatalogue([*aliased, *types])
