"""The document layer: what a workflow is, read from every export shape, validated rule by rule."""

from __future__ import annotations

from flowdrop_provider.document.exports import ExportSet, LoadedWorkflow, read_exports
from flowdrop_provider.document.findings import Finding, Report
from flowdrop_provider.document.models import Edge, ManifestEntry, Node, TriggerConfig, Workflow
from flowdrop_provider.document.node_types import NodeType, NodeTypeCatalogue, Output, Parameter
from flowdrop_provider.document.revision import revision_of
from flowdrop_provider.document.validation import ValidationPolicy, validate

__all__ = [
    "Edge",
    "ExportSet",
    "Finding",
    "LoadedWorkflow",
    "ManifestEntry",
    "Node",
    "NodeType",
    "NodeTypeCatalogue",
    "Output",
    "Parameter",
    "Report",
    "TriggerConfig",
    "ValidationPolicy",
    "Workflow",
    "read_exports",
    "revision_of",
    "validate",
]
